"""How photographs are cut into regions, the most detailed first, and what a teacher sees of each.

A region is a photograph of its own: HR image and pictures of the same size. The teacher sees some pixels around it, so
that its borders look as they do inside a photograph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import read_rgb
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import PICTURE_SCALES

MULTIPLE = math.lcm(*PICTURE_SCALES)  # HR pixels: 12
LARGEST = 720  # HR pixels of a region's side
HALO = 12  # LR pixels around a region that the teacher sees
REACH = 2  # LR pixels at a cut that `imresize` would have made otherwise from the whole photograph


@dataclass(frozen=True)
class Region:
    """A part of a photograph.

    Attributes:
      path: of the photograph.
      name: of the files that belong to it, without their ending.
      top, left, height, width: in HR pixels, multiples of 12.
      detail: mean difference of neighbouring pixels in grey levels.
    """

    path: Path
    name: str
    top: int
    left: int
    height: int
    width: int
    detail: float


def regions_of(photographs: Iterable[Path], warn: Callable[[str], None], largest: int = LARGEST) -> list[Region]:
    """All regions of some photographs, the most detailed first; a photograph that cannot be read is named.

    Sides are cut to multiples of 12. A photograph up to `largest` pixels a side is one region and keeps its name; the
    names of others end in top and left.

    Raises:
      ArbsrError: two photographs have one name.
    """
    regions, seen = [], {}
    for path in photographs:
        if path.stem in seen:
            raise ArbsrError(f"{path} and {seen[path.stem]} have one name; rename one of them")
        seen[path.stem] = path
        try:
            image = read_rgb(path)
        except ArbsrError as error:
            warn(f"skipped {error}")
            continue
        rows, columns = (_cuts(length, largest) for length in image.shape[:2])
        if not rows or not columns:
            warn(f"skipped {path}: {image.shape[1]}x{image.shape[0]}; at least {MULTIPLE}x{MULTIPLE} pixels are needed")
            continue
        for top, height in rows:
            for left, width in columns:
                whole = len(rows) == len(columns) == 1
                name = path.stem if whole else f"{path.stem}_{top:04d}_{left:04d}"
                detail = _detail(image[top : top + height, left : left + width])
                regions.append(Region(path, name, top, left, height, width, detail))
    return sorted(regions, key=lambda region: (-region.detail, region.name))


def _cuts(length: int, largest: int) -> list[tuple[int, int]]:
    """(begin, length) of parts as equal as multiples of 12 can be."""
    units = length // MULTIPLE
    parts = math.ceil(units * MULTIPLE / largest)
    edges = [MULTIPLE * (units * n // parts) for n in range(parts + 1)] if parts else [0]
    return [(begin, end - begin) for begin, end in pairwise(edges)]


def _detail(image: UInt8[np.ndarray, "height width 3"]) -> float:
    gray = image.mean(axis=-1, dtype=np.float32)
    return float(sum(np.abs(np.diff(gray, axis=axis)).mean() for axis in (0, 1)))


def teach_region(
    photograph: UInt8[np.ndarray, "height width 3"],
    region: Region,
    scale: int,
    teacher: Callable[[UInt8[np.ndarray, "_ _ 3"]], UInt8[np.ndarray, "_ _ 3"]],
) -> UInt8[np.ndarray, "region_height region_width 3"]:
    """The teacher's picture of a region: of the photograph reduced by `scale`, as if it had seen the whole.

    Args:
      photograph: HR.
      region: of it.
      scale: 2, 3 or 4.
      teacher: enlarges an LR image by `scale`.

    Raises:
      ArbsrError: the teacher's picture has another size.
    """
    spans = [
        _span(begin, length, whole // MULTIPLE * MULTIPLE, scale)
        for begin, length, whole in zip(
            (region.top, region.left), (region.height, region.width), photograph.shape[:2], strict=True
        )
    ]
    (rows, cut_v, inner_v), (columns, cut_h, inner_h) = spans
    part = photograph[rows, columns]
    lr = imresize(part, height=part.shape[0] // scale, width=part.shape[1] // scale)[cut_v, cut_h]
    sr = teacher(np.ascontiguousarray(lr))
    wanted = lr.shape[0] * scale, lr.shape[1] * scale
    if sr.shape[:2] != wanted:
        raise ArbsrError(
            f"{region.name}: the teacher's picture is {sr.shape[1]}x{sr.shape[0]}, its HR image "
            f"{wanted[1]}x{wanted[0]}; a teacher must enlarge by exactly {scale}"
        )
    return sr[inner_v, inner_h]


def _span(begin: int, length: int, whole: int, scale: int) -> tuple[slice, slice, slice]:
    """Along one axis: HR pixels to reduce, LR pixels for the teacher among them, the region's pixels in its picture."""
    seen = max(0, begin - HALO * scale), min(whole, begin + length + HALO * scale)
    used = max(0, seen[0] - REACH * scale), min(whole, seen[1] + REACH * scale)
    cut = slice((seen[0] - used[0]) // scale, (seen[1] - used[0]) // scale)
    return slice(*used), cut, slice(begin - seen[0], begin - seen[0] + length)
