"""Pictures on object stores and servers, as in gs://bucket/photos: fetched, worked on and put back, one by one."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from arbsr_jax.app.jobs import READ, WRITTEN, Job, check_extension, check_one_input, result_name
from arbsr_jax.errors import ArbsrError, missing_extra, reason
from arbsr_jax.files import PARTIAL

Link = tuple[str, str]  # addresses of a source and of its result


def is_remote(text: object) -> bool:
    """Whether a text is an address, not a path."""
    return bool(re.match(r"[a-z][a-z0-9+.-]*://", str(text)))


def open_store(address: str) -> tuple[Any, str]:
    """What stores the address, as fsspec opens it, and the path there; a path is an address on this machine.

    Raises:
      ArbsrError: fsspec or the package for this kind of store is missing.
    """
    try:
        import fsspec
    except ImportError:
        raise ArbsrError(missing_extra("fsspec", "ray")) from None
    try:
        return fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:  # ValueError: a protocol that nobody knows
        raise ArbsrError(f"{address}: cannot be opened ({reason(error)}); install the package for it") from None


def plan_links(given: Sequence[str], output: str, suffix: str, extension: str) -> list[Link]:
    """All sources and what they become, in the order of the inputs; folders are taken with all inside.

    Raises:
      ArbsrError: an input is not there or holds no image, the output is none, or two inputs would become one file.
    """
    if not output:
        raise ArbsrError("an address needs -o: a folder, or gs://bucket/folder")
    check_extension(extension)
    links: dict[str, str] = {}
    targets: set[str] = set()
    for address in given:
        store, path = open_store(address)
        try:
            is_folder = store.isdir(path)
            files = sorted(store.find(path)) if is_folder else [path]
        except Exception as error:  # whatever a store raises that cannot be reached
            raise ArbsrError(f"{address}: cannot be listed ({reason(error)})") from None
        images = [file for file in files if PurePosixPath(file).suffix.lower() in READ]
        if not images:
            raise ArbsrError(f"{address}: no images there; files ending in {' '.join(READ)} are read")
        for file in images:
            inner = PurePosixPath(file).relative_to(path) if is_folder else PurePosixPath(PurePosixPath(file).name)
            target = f"{output.rstrip('/')}/{result_name(Path(inner), suffix, extension)}"
            source = f"{address.rstrip('/')}/{inner}" if is_folder else address
            if target in targets:
                raise ArbsrError(f"{source}: another input would become {target} too; upscale them apart")
            links[source] = target
            targets.add(target)
    if PurePosixPath(output).suffix.lower() in WRITTEN:
        check_one_input(output, len(links))
        links = dict.fromkeys(links, output)
    return list(links.items())


def exists(address: str) -> bool:
    """Whether something is stored there."""
    store, path = open_store(address)
    return bool(store.exists(path))


@contextmanager
def staged(link: Link) -> Iterator[Job]:
    """A job on this machine's disc: its source is fetched before, and whatever lies beside its target is stored after.

    Raises:
      ArbsrError: the source cannot be fetched, or a result not be stored.
    """
    (source_store, source), (target_store, target) = map(open_store, link)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(Path(folder) / "in" / Path(source).name, Path(folder) / "out" / Path(target).name)
        for place in job:
            place.parent.mkdir()
        try:
            source_store.get_file(source, str(job.source))
        except Exception as error:  # whatever a store raises
            raise ArbsrError(f"{link[0]}: cannot be fetched ({reason(error)})") from None
        yield job
        try:
            parent = str(PurePosixPath(target).parent)
            target_store.makedirs(parent, exist_ok=True)
            for file in sorted(job.target.parent.iterdir()):  # several frames have a file each
                place = f"{parent}/{file.name}"
                target_store.put_file(str(file), f"{place}{PARTIAL}")
                target_store.mv(f"{place}{PARTIAL}", place)
        except Exception as error:
            raise ArbsrError(f"{link[1]}: cannot be stored ({reason(error)})") from None
