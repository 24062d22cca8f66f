"""`arbsr upscale IN... -o OUT --scale 2.5x3.5 | --size 1920x1080`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from arbsr_jax.app.formats import FORMATS
from arbsr_jax.app.jobs import BY_SOURCE, Job, plan_jobs
from arbsr_jax.app.options import ALL, FIRST, UpscaleOptions
from arbsr_jax.app.targets import Target, parse_memory
from arbsr_jax.app.writing import DEFAULT_QUALITY
from arbsr_jax.cli.cluster import HELP, check_engine, run_links
from arbsr_jax.cli.conventions import (
    DONE,
    SOME_FAILED,
    add_process_flags,
    add_restore_flag,
    lines_beside,
    parsed_restore,
)
from arbsr_jax.cli.object_store import is_remote, plan_links
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import STREAM, check_can_be_written, json_text, write_text
from arbsr_jax.models.config import DEFAULT_MODEL, PRECISIONS
from arbsr_jax.terminal import print_line


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="image files, films, folders (with all inside), or patterns")
    add(
        "-o",
        "--output",
        type=_place,
        metavar="OUT",
        help="a folder; for one image also a file name (default: beside the source, as NAME_2.5x3.5.EXT); or gs://...",
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--scale", help="2.5, or 2.5x3.5 for horizontal x vertical (width x height)")
    target.add_argument("--size", help="width x height in pixels: 1920x1080, or 1920x, or x1080")
    add("--aspect", metavar="16:9", help="with --scale: enlarge the axis that is too short for this shape more")
    add("--square-pixels", action="store_true", help="films whose pixels are not square get square ones")
    add("--model", help=f"a .safetensors file or the name of a shipped model (default: {DEFAULT_MODEL})")
    add_restore_flag(parser)
    add("--tile", type=int, help="side of LR tiles in pixels; 0: whole images (default: what suits)")
    add("--memory", help="what computing may take, as in 512M or 2G (default: 1G; on accelerators half of theirs)")
    add("--explain", action="store_true", help="say how each image is cut, and what of it is computed twice")
    add(
        "--self-ensemble",
        action="store_true",
        help="average eight flips and transposes: a little better, 8 times slower",
    )
    add(
        "--resize-after",
        action="store_true",
        help="for a network of one scale: use it for smaller ones, and imresize after it",
    )
    add(
        "--consistent", action="store_true", help="bring results to one grey level from the input when made small again"
    )
    add("--precision", choices=PRECISIONS, help="what to compute in (default: float32; bfloat16 on accelerators)")
    add("--ext", default=BY_SOURCE, help=f"kind of file to write: {BY_SOURCE}, {', '.join(e[1:] for e in FORMATS)}")
    add("--suffix", help="added to names, as in _large (default: nothing; without -o the factors or the size)")
    add(
        "--quality",
        type=int,
        default=DEFAULT_QUALITY,
        help=f"of JPEG, WebP, AVIF, JPEG XL (default: {DEFAULT_QUALITY})",
    )
    add("--no-metadata", action="store_true", help="leave EXIF, XMP, text, resolution and colour profiles out: sRGB")
    add("--frames", choices=(FIRST, ALL), default=FIRST, help="of animated and multi-page files (default: first)")
    add("--skip-existing", action="store_true", help="leave alone what is there already: goes on after an interruption")
    add("--dry-run", action="store_true", help="say what would be done")
    add("--json", type=Path, metavar="FILE", help="write what was done there; - is standard output")
    add("--on", metavar="ray[://HOST:PORT]", help=HELP)
    add_process_flags(parser)


def _place(text: str) -> str | Path:
    return text if is_remote(text) else Path(text)


def check(flags: argparse.Namespace) -> None:
    """What can be said of the flags before JAX is imported.

    Raises:
      ArbsrError: a flag is wrong.
    """
    Target(flags.scale, flags.size, flags.aspect, square_pixels=flags.square_pixels)
    if flags.memory:
        parse_memory(flags.memory)
    if flags.json:
        check_can_be_written(flags.json)
    if flags.on is not None:
        check_engine(flags.on)
        if flags.coordinator:
            raise ArbsrError("--on and --coordinator are two ways to share the work; give one of them")
    if parsed_restore(flags.restore) is not None and flags.resize_after:
        raise ArbsrError("--restore and --resize-after are of different networks; give one of them")
    UpscaleOptions(quality=flags.quality)


def run(flags: argparse.Namespace) -> int:
    """Upscale every input; a bad one is named and the rest goes on.

    Raises:
      ArbsrError: a flag is wrong, or a folder is missing or empty.
    """
    from arbsr_jax import parallel
    from arbsr_jax.app.outcomes import FAILED
    from arbsr_jax.cli.setup import upscale_run

    label = Target(flags.scale, flags.size, flags.aspect).label
    suffix = flags.suffix or (f"_{label}" if flags.output is None else "")
    links: list[tuple[str, str]] = []
    if any(map(is_remote, (*flags.inputs, flags.output))):
        links = plan_links(flags.inputs, str(flags.output or ""), suffix, flags.ext)
    else:
        jobs = plan_jobs(flags.inputs, flags.output, suffix=suffix, extension=flags.ext, say=warn)
        links = [(str(job.source), str(job.target)) for job in jobs]
    parallel.initialize_distributed(flags.coordinator, flags.processes, flags.process)
    process, processes = parallel.this_process() if flags.coordinator else (0, 1)
    with lines_beside(flags.json):
        mine = links[process::processes]
        if flags.on or any(is_remote(place) for link in mine for place in link):
            done = run_links(flags, mine)
        else:
            done = upscale_run(flags).run([Job(*map(Path, link)) for link in mine])
    if flags.json:
        alone = process == 0 or str(flags.json) == STREAM
        place = flags.json if alone else flags.json.with_stem(f"{flags.json.stem}-{process}")
        write_text(place, json_text(done, indent=2) + "\n")
    if processes > 1:
        parallel.barrier()
    return SOME_FAILED if any(entry["status"] == FAILED for entry in done) else DONE


def warn(line: str) -> None:
    """A line beside the results."""
    print_line(f"note: {line}", sys.stderr)
