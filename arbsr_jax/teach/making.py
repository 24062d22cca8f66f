"""A folder of pictures: `hr/NAME.png` and, for every scale k, `xk/NAME.png` of the same size."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import claimed, json_text, write_text
from arbsr_jax.imaging.image_files import read_rgb, write_png
from arbsr_jax.teach.makers import Teacher
from arbsr_jax.teach.regions import Region, teach_region

HR, RECORD, LOCK = "hr", "teachers.json", "lock"
LoadPhotograph = Callable[[Path], UInt8[np.ndarray, "_ _ 3"]]  # a photograph
PHOTOGRAPHS_KEPT = 4  # decoded: neighbours in detail are often of one photograph


def generate_targets(
    folder: Path, regions: Sequence[Region], scales: Sequence[int], maker: Teacher, say: Callable[[str], None]
) -> None:
    """Make what the folder lacks, region after region; a region that fails is named. Nothing half made is left.

    HR images of all regions come first. Several processes can fill one folder: each makes what no other is making.

    Args:
      folder: of the pictures.
      regions: in the order in which they are made.
      scales: of the teacher, each 2, 3 or 4.
      maker: the teacher.
      say: called with a line for each failure.

    Raises:
      ArbsrError: the folder holds pictures of another teacher at one of the scales.
    """
    jobs = missing_targets(folder, regions, scales, maker)
    load = lru_cache(PHOTOGRAPHS_KEPT)(read_rgb)
    total = sum(_cost(region, scale) for region, scale in jobs)
    bar = tqdm(total=total, unit="px", unit_scale=True, disable=None, leave=False)
    with bar, (folder / LOCK).open("wb") as lock:
        # All HR images first: a network that learns from a part of the pictures needs the other regions too.
        for region in sorted(regions, key=lambda region: region.path):
            with _to_make(lock, _place(folder, HR, region)) as missing:
                if missing:
                    write_hr(folder, region, load)
        for region, scale in jobs:
            with _to_make(lock, _place(folder, f"x{scale}", region)) as missing:
                if missing:
                    try:
                        write_target(folder, region, scale, maker, load)
                    except ArbsrError as error:
                        say(str(error))
            bar.update(_cost(region, scale))


def missing_targets(
    folder: Path, regions: Sequence[Region], scales: Sequence[int], maker: Teacher
) -> list[tuple[Region, int]]:
    """Regions and scales whose pictures the folder lacks, in the order in which they are to be made; folders are made.

    Raises:
      ArbsrError: the folder holds pictures of another teacher at one of the scales.
    """
    record_teacher(folder, scales, maker)
    for name in (HR, *(f"x{scale}" for scale in scales)):
        (folder / name).mkdir(exist_ok=True)
    jobs = [(region, scale) for region in regions for scale in sorted(scales, reverse=True)]
    return [(region, scale) for region, scale in jobs if not _place(folder, f"x{scale}", region).exists()]


def write_hr(folder: Path, region: Region, load: LoadPhotograph) -> None:
    """Write the HR image of a region, unless it is there.

    Raises:
      ArbsrError: the photograph cannot be read.
    """
    if not _place(folder, HR, region).exists():
        write_png(_place(folder, HR, region), _cut(load(region.path), region))


def write_target(folder: Path, region: Region, scale: int, maker: Teacher, load: LoadPhotograph) -> None:
    """Write the teacher's picture of a region.

    Raises:
      ArbsrError: the photograph cannot be read, or the teacher fails.
    """
    picture = teach_region(load(region.path), region, scale, lambda lr: maker(lr, scale))
    write_png(_place(folder, f"x{scale}", region), picture)


@contextmanager
def _to_make(lock: BinaryIO, place: Path) -> Iterator[bool]:
    """Whether a file is missing and no other process is making it."""
    with claimed(lock, f"{place.parent.name}/{place.name}") as mine:
        yield mine and not place.exists()


def _cut(photograph: UInt8[np.ndarray, "height width 3"], region: Region) -> UInt8[np.ndarray, "_ _ 3"]:
    return photograph[region.top : region.top + region.height, region.left : region.left + region.width]


def record_teacher(folder: Path, scales: Sequence[int], maker: Teacher) -> None:
    """Write the teacher of each scale into the folder's record.

    Raises:
      ArbsrError: another one is there.
    """
    record = folder / RECORD
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may add its scales; closing lets go
        teachers = json.loads(record.read_text()) if record.exists() else {}
        for scale in scales:
            other = teachers.setdefault(f"x{scale}", maker.name)
            if other != maker.name:
                raise ArbsrError(
                    f"{folder}: its x{scale} pictures are by {other}, not by {maker.name}; give another folder to -o"
                )
        write_text(record, json_text(teachers, indent=2) + "\n")


def _place(folder: Path, kind: str, region: Region) -> Path:
    return folder / kind / f"{region.name}.png"


def _cost(region: Region, scale: int) -> int:
    """LR pixels."""
    return region.height * region.width // scale**2
