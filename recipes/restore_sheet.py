"""A sheet of damaged photographs, enlarged: bicubic, the dial at 0, 0.5 and 1, and a network of others.

    python recipes/restore_sheet.py NETWORK -o docs/img/restoring.jpg

NETWORK: a .param and a .bin of ncnn's, without ending; its x4 pictures are resized.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

from arbsr_jax.dial import Dial
from arbsr_jax.evaluation.degraded import compressed, noisy
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.models.config import DEFAULT_RESTORING
from recipes.ncnn_upscaler import load, run

STRENGTHS = (0.0, 0.5, 1.0)
CROP, LINE = (66, 84), 18  # LR pixels that are shown; pixels of a line of text
PHOTOGRAPHS = {  # how each is damaged at half its size, the corner that is shown, and the factors
    "astronaut": (skimage.data.astronaut, lambda lr: compressed(lr, 40.0), (20, 70), "3"),
    "cat": (skimage.data.chelsea, lambda lr: compressed(lr, 30.0), (30, 100), "2.5x3.5"),
    "coffee": (skimage.data.coffee, lambda lr: noisy(lr, 12.0), (40, 100), "3"),
    "rocket": (skimage.data.rocket, lambda lr: compressed(noisy(lr, 8.0), 50.0), (120, 130), "2.5x3.5"),
    "shuttle": (skimage.data.astronaut, lambda lr: compressed(lr, 50.0), (30, 160), "3"),
    "spoon": (skimage.data.coffee, lambda lr: compressed(noisy(lr, 6.0), 60.0), (110, 180), "2.5x3.5"),
}


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("--model", default=DEFAULT_RESTORING)
    parser.add_argument("-o", "--output", type=Path, required=True)
    flags = parser.parse_args()
    dial, other = Dial.of(flags.model), load(flags.network)
    upscalers = [Upscaler(dial.at(strength)) for strength in STRENGTHS]
    names = ["bicubic", *(f"restore {strength:g}" for strength in STRENGTHS), Path(flags.network).name]
    rows = []
    for name, (photograph, damage, (top, left), text) in PHOTOGRAPHS.items():
        whole, scale = photograph()[..., :3], Scale.of(text)
        lr = damage(imresize(whole, height=whole.shape[0] // 2, width=whole.shape[1] // 2))
        crop = np.ascontiguousarray(lr[top : top + CROP[0], left : left + CROP[1]])
        height, width = scale.output_size(*crop.shape[:2])
        made = [imresize(crop, height=height, width=width)]
        made += [upscaler.upscale(crop, scale) for upscaler in upscalers]
        made.append(imresize(run(other, crop), height=height, width=width))
        rows.append(row(made, [f"{name}, {text}: {names[0]}", *names[1:]]))
    width = max(picture.width for picture in rows)
    sheet = Image.new("RGB", (width, sum(picture.height for picture in rows)), "white")
    for number, picture in enumerate(rows):
        sheet.paste(picture, (0, sum(before.height for before in rows[:number])))
    sheet.save(flags.output, quality=85)
    print(f"{flags.output}: {sheet.width}x{sheet.height}, {flags.output.stat().st_size} bytes")


def row(pictures: list[np.ndarray], names: list[str]) -> Image.Image:
    """Pictures of one size side by side, their names above."""
    height, width = pictures[0].shape[:2]
    image = Image.new("RGB", (len(pictures) * (width + 4), height + LINE + 4), "white")
    draw = ImageDraw.Draw(image)
    for number, (pixels, name) in enumerate(zip(pictures, names, strict=True)):
        draw.text((number * (width + 4) + 2, 3), name, fill="black")
        image.paste(Image.fromarray(pixels), (number * (width + 4), LINE))
    return image


if __name__ == "__main__":
    main()
