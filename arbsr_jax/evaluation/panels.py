"""Super-resolved images on disk, and LR, bicubic, SR and HR side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import uniform_filter

from arbsr_jax.evaluation.datasets import COMPARISON
from arbsr_jax.evaluation.sweep import Scored
from arbsr_jax.imaging.grid import axis_phases
from arbsr_jax.imaging.metrics import rgb_to_y
from arbsr_jax.imaging.scale import Scale

BOX = 160  # HR pixels of the part that is shown
ZOOM = 2
GAP, CAPTION, FONT_SIZE = 6, 22, 14


def save_panels(folder: Path, scored: Scored, scale: Scale, protocol: str, method: str) -> None:
    """Write NAME.png, the whole result, and NAME_compare.png, its most improved part beside the others."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scored.sr).save(folder / f"{scored.name}.png")
    comparison(scored, scale, protocol, method).save(folder / f"{scored.name}{COMPARISON}.png")


def comparison(
    scored: Scored, scale: Scale, protocol: str, method: str, corner: tuple[int, int] | None = None
) -> Image.Image:
    """LR, bicubic, SR and HR of one part, enlarged, with PSNR of the whole image.

    Args:
      scored: the image.
      scale: of the result.
      protocol: how.
      method: the name of what made the SR image.
      corner: top left (row, column) of the part; None: the part that gains most over bicubic.
    """
    box = most_improved_box(scored) if corner is None else box_at(scored, corner)
    panels = {
        f"LR ({scale} smaller)": nearest(scored.pair.lr, scale, scored.sr.shape[:2]),
        f"bicubic {scored.scores.bicubic.psnr:.2f} dB": scored.bicubic,
        f"{method} {scored.scores.ours.psnr:.2f} dB": scored.sr,
        f"HR ({scored.name}, {protocol})": scored.pair.hr,
    }
    height, width = (ZOOM * (axis.stop - axis.start) for axis in box)
    sheet = Image.new("RGB", (len(panels) * (width + GAP) - GAP, height + CAPTION), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_SIZE)
    for index, (caption, picture) in enumerate(panels.items()):
        left = index * (width + GAP)
        panel = Image.fromarray(picture[box]).resize((width, height), Image.Resampling.NEAREST)
        sheet.paste(panel, (left, CAPTION))
        draw.text((left + 2, 2), caption, "black", font)
    return sheet


def nearest(
    lr: UInt8[np.ndarray, "height width 3"], scale: Scale, size: tuple[int, int]
) -> UInt8[np.ndarray, "hr_height hr_width 3"]:
    """The LR image on the HR grid, each pixel of it a block: the network's input."""
    factors = (scale.vertical, scale.horizontal)
    rows, columns = (
        np.minimum(axis_phases(factor, length).base, limit - 1)
        for factor, length, limit in zip(factors, size, lr.shape[:2], strict=True)
    )
    return lr[rows[:, None], columns[None, :]]


def box_at(scored: Scored, corner: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the box at a corner, moved inside the image if it reaches beyond."""
    height, width = scored.sr.shape[:2]
    top, left = max(0, min(corner[0], height - BOX)), max(0, min(corner[1], width - BOX))
    return slice(top, min(top + BOX, height)), slice(left, min(left + BOX, width))


def most_improved_box(scored: Scored) -> tuple[slice, slice]:
    """Rows and columns of the box whose squared error falls most from bicubic to SR."""
    y = rgb_to_y(scored.pair.hr)
    gain = (rgb_to_y(scored.bicubic) - y) ** 2 - (rgb_to_y(scored.sr) - y) ** 2
    sides: Any = [min(BOX, length) for length in gain.shape]  # scipy takes one for each axis
    mean_gain = uniform_filter(gain, sides)
    # uniform_filter centres its window: keep to the centres whose window lies inside the image.
    inside = tuple(slice(s // 2, n - (s - 1) // 2) for s, n in zip(sides, gain.shape, strict=True))
    top, left = np.unravel_index(np.argmax(mean_gain[inside]), mean_gain[inside].shape)
    return slice(top, top + sides[0]), slice(left, left + sides[1])
