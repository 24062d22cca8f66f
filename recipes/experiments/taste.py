"""One sheet: a photograph by 2.5x3.5, by bicubic, arbedsr-tiny, a network that another one taught, and that one.

python recipes/experiments/taste.py TAUGHT.safetensors MODELS/realesr-animevideov3-x4 SHEET.png

The teacher knows x4 alone; its picture is made smaller by `imresize`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFont

from arbsr_jax import load_model
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale

SCALE = Scale.of("2.5x3.5")
PARTS = [(60, 175), (230, 300)]  # top left of what is shown, (row, column) of the photograph
HIGH, WIDE = 90, 110
GAP, CAPTION, FONT = 6, 20, 14


def main() -> None:
    """Draw the sheet."""
    taught, teacher, sheet = sys.argv[1:]
    rows = [panels(skimage.data.astronaut()[y : y + HIGH, x : x + WIDE], taught, teacher) for y, x in PARTS]
    high, wide = next(iter(rows[0].values())).shape[:2]
    whole = Image.new("RGB", (len(rows[0]) * (wide + GAP) - GAP, len(rows) * (high + GAP) - GAP + CAPTION), "white")
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(FONT)
    for row, pictures in enumerate(rows):
        for column, (name, picture) in enumerate(pictures.items()):
            whole.paste(Image.fromarray(picture), (column * (wide + GAP), CAPTION + row * (high + GAP)))
            draw.text((column * (wide + GAP) + 2, 1), name, "black", font)
    whole.save(sheet)


def panels(lr: np.ndarray, taught: str, teacher: str) -> dict[str, np.ndarray]:
    """By name."""
    height, width = SCALE.output_size(*lr.shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.png", Path(folder) / "out.png"
        Image.fromarray(lr).save(source)
        program = [
            sys.executable,
            str(Path(__file__).parents[1] / "ncnn_upscaler.py"),
            teacher,
            str(source),
            str(target),
        ]
        subprocess.run(program, check=True)
        fixed = imresize(np.asarray(Image.open(target)), height=height, width=width)
    return {
        "bicubic": imresize(lr, height=height, width=width),
        "arbedsr-tiny": load_model("arbedsr-tiny").upscale(lr, SCALE),
        "taught, 2.5x3.5 at once": load_model(taught).upscale(lr, SCALE),
        "teacher: x4, then smaller": fixed,
    }


if __name__ == "__main__":
    main()
