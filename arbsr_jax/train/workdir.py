"""The place of one training run, a folder or on an object store: its lock, and the config of its last start."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from etils import epath

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import json_text
from arbsr_jax.train.remote import LOCK, Remote, is_remote
from arbsr_jax.train.settings import TrainConfig, flat_values

CHECKPOINTS = "checkpoints"
Values = Mapping[str, Any]
MODEL_FILE, CONFIG_FILE = "model.safetensors", "config.json"


@dataclass(frozen=True)
class Workdir:
    """Where a run keeps its files.

    Attributes:
      name: as the user gave it.
      local: folder of all files but the checkpoints.
      checkpoints: their folder, which may be on an object store.
      store: brings local files to where they are kept; call it when they have changed.
    """

    name: str
    local: Path
    checkpoints: epath.Path
    store: Callable[[], None] = lambda: None


@contextmanager
def open_workdir(name: str) -> Iterator[Workdir]:
    """A workdir that no other run uses.

    Raises:
      ArbsrError: another run holds it.
    """
    if not is_remote(name):
        with lock_workdir(Path(name)):
            yield Workdir(name, Path(name), epath.Path(name) / CHECKPOINTS)
        return
    with tempfile.TemporaryDirectory() as folder, Remote(name, Path(folder)) as remote:
        yield Workdir(name, Path(folder), epath.Path(name) / CHECKPOINTS, remote.store)


@contextmanager
def lock_workdir(workdir: Path) -> Iterator[None]:
    """Keep other runs out of a workdir; the lock goes with the process, however it ends.

    Raises:
      ArbsrError: another run holds it.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        (workdir / LOCK).touch()
    except OSError as error:
        raise ArbsrError(f"{workdir}: cannot be written ({error.strerror}); give another --workdir") from None
    if jax.process_index() != 0:  # the processes of one run share a workdir, process 0 stands for them
        yield
        return
    with (workdir / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            busy = f"{workdir}: process {holder} is training there"
            raise ArbsrError(f"{busy}; stop it, or use another --workdir") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def changes_since(place: Workdir, config: TrainConfig, sources: Sequence[str]) -> list[str]:
    """What differs from the last start in the workdir, one `name: old -> new` each.

    Raises:
      ArbsrError: the network differs, or a value that changes which arrays its checkpoints hold.
    """
    workdir, checkpoints = place.local, place.checkpoints
    path = workdir / CONFIG_FILE
    if not path.exists():
        return []
    before, now = flat_values(json.loads(path.read_text())), flat_values(_known(config, sources))
    changed = [name for name in sorted(before.keys() | now.keys()) if before.get(name) != now.get(name)]
    of_model = [name for name in changed if name.startswith("model.")]
    if of_model:
        raise ArbsrError(f"{place.name}: has another config.{of_model[0]}; use another --workdir")
    reshaping = [name for name in changed if name in RESHAPING and RESHAPING[name](before, now)]
    if reshaping and any(path.name.isdigit() for path in checkpoints.glob("*")):
        name = reshaping[0]
        raise ArbsrError(
            f"{place.name}: its checkpoints were written with config.{name}={before.get(name)}, "
            f"now it is {now.get(name)}; "
            "such a change needs another --workdir: --config.init_from=MODEL starts from weights of this one"
        )
    return [f"{name}: {before.get(name, 'nothing')} -> {now.get(name, 'nothing')}" for name in changed]


def _between_zero(name: str) -> Callable[[Values, Values], bool]:
    return lambda before, now: bool(before.get(name)) != bool(now.get(name))


def _rates(before: Values, now: Values) -> bool:
    names = "optimizer.backbone_lr_scale", "optimizer.hyper_lr_scale"
    one, other = (any(values.get(name, 1.0) != 1.0 for name in names) for values in (before, now))
    return one != other


# Values that change which arrays a checkpoint holds, and whether they do between two configs.
RESHAPING: dict[str, Callable[[Values, Values], bool]] = {
    "ema": _between_zero("ema"),
    "normalized_masks": _between_zero("normalized_masks"),
    "optimizer.backbone_lr_scale": _rates,
    "optimizer.hyper_lr_scale": _rates,
}


def save_config(workdir: Path, config: TrainConfig, sources: Sequence[str]) -> None:
    """Note the config of this start, for the next one."""
    if jax.process_index() == 0:
        (workdir / CONFIG_FILE).write_text(json_text(_known(config, sources), indent=2) + "\n")


def _known(config: TrainConfig, sources: Sequence[str]) -> dict[str, Any]:
    """As a config file holds it: JSON's types."""
    return json.loads(json_text({**dataclasses.asdict(config), "sources": list(sources)}))
