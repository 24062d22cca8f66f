"""`arbsr teach PHOTOS -o PICTURES`: pictures by a scale-specific network, as targets of training."""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from arbsr_jax.cli.cluster import HELP, Row, check_engine, on_cluster
from arbsr_jax.cli.conventions import DONE, SOME_FAILED
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import list_images
from arbsr_jax.imaging.scale import PICTURE_SCALES
from arbsr_jax.interruption import InterruptedRunError
from arbsr_jax.teach import DAT_LIGHT
from arbsr_jax.teach.regions import LARGEST, MULTIPLE, regions_of


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTOS", help="folders of photographs, or files")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PICTURES", help="folder to write into")
    parser.add_argument(
        "--scale", type=int, nargs="+", default=PICTURE_SCALES, choices=PICTURE_SCALES, help="of the teacher"
    )
    teacher = parser.add_mutually_exclusive_group()
    teacher.add_argument("--teacher", default=DAT_LIGHT, help=f"{DAT_LIGHT} (default), a model file or a shipped model")
    teacher.add_argument(
        "--command", metavar="'PROG {input} {output}'", help="a program that enlarges one file; {scale} is replaced too"
    )
    parser.add_argument("--self-ensemble", action="store_true", help="average over eight flips; takes 8 times as long")
    parser.add_argument(
        "--region", type=int, default=LARGEST, metavar="PIXELS", help="largest side of a region of a photograph"
    )
    parser.add_argument("--on", metavar="ray[://HOST:PORT]", help=HELP)


def check(flags: argparse.Namespace) -> None:
    """Refuse an engine that is none.

    Raises:
      ArbsrError: --on is not understood.
    """
    if flags.on is not None:
        check_engine(flags.on)


class TargetWorker:
    """A process with a teacher of its own, which makes picture after picture."""

    def __init__(self, flags: argparse.Namespace) -> None:
        from arbsr_jax import compilation
        from arbsr_jax.teach.makers import maker_of

        compilation.keep_programs_on_disk()
        self._folder, self._maker = flags.output, maker_of(flags.teacher, flags.command, flags.self_ensemble)

    def __call__(self, row: Row) -> Row:
        """Why a region failed, or nothing."""
        from arbsr_jax.imaging.image_files import read_rgb
        from arbsr_jax.teach.making import write_hr, write_target

        region, scale = row["region"], row["scale"]
        try:
            if scale:
                write_target(self._folder, region, scale, self._maker, read_rgb)
            else:
                write_hr(self._folder, region, read_rgb)
        except ArbsrError as error:
            return {"said": str(error)}
        return {"said": ""}


def run(flags: argparse.Namespace) -> int:
    """Make the pictures that are not there yet.

    Raises:
      ArbsrError: a flag is wrong, or a file, folder or package is missing.
    """
    from arbsr_jax.teach.makers import maker_of
    from arbsr_jax.teach.making import HR, generate_targets, missing_targets

    if flags.region < MULTIPLE:
        raise ArbsrError(f"--region {flags.region}: at least {MULTIPLE} pixels are needed")
    maker = maker_of(flags.teacher, flags.command, flags.self_ensemble)
    photographs = [path for given in flags.photos for path in (list_images(given) if given.is_dir() else [given])]
    failures = []

    def say(line: str) -> None:
        failures.append(line)
        tqdm.write(f"arbsr teach: {line}")

    regions = regions_of(photographs, say, flags.region)
    try:
        if flags.on:
            missing = missing_targets(flags.output, regions, flags.scale, maker)
            rows = [{"region": region, "scale": 0} for region in regions]
            rows += [{"region": region, "scale": scale} for region, scale in missing]
            for row in on_cluster(TargetWorker, (flags,), rows, flags.on):
                _ = row["said"] and say(row["said"])
        else:
            generate_targets(flags.output, regions, flags.scale, maker, say)
    except InterruptedRunError as stopped:
        stopped.advice = "the same command goes on"
        raise
    print(f"{flags.output}: {len(regions)} regions of {len(photographs)} photographs")
    flags_of_run = f"--data {flags.output / HR} --config.teachers.pictures={flags.output}"
    if any((flags.output / f"x{scale}").glob("*.png") for scale in flags.scale):
        print(f"try: arbsr train --config arbedsr:tiny --workdir runs/taught {flags_of_run}")
    return SOME_FAILED if failures else DONE
