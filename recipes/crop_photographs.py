"""Square crops of photographs, at random places, as PNG files: much variety for the time that a teacher takes.

python recipes/crop_photographs.py PHOTOS_DIR [PHOTOS_DIR ...] -o CROPS [--side 432] [--count 2] [--reduce 1]
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

import numpy as np

from arbsr_jax.imaging.image_files import list_images, read_rgb, write_png
from arbsr_jax.imaging.resize import imresize


def main() -> None:
    """Write the crops; a photograph that is smaller than a crop is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--side", type=int, default=432, help="pixels of a crop, a multiple of 12 for teachers")
    parser.add_argument("--count", type=int, default=2, help="crops of each photograph")
    parser.add_argument("--reduce", type=int, default=1, help="reduce photographs by so much first: 2 if compressed")
    flags = parser.parse_args()
    flags.output.mkdir(parents=True, exist_ok=True)
    for path in (path for folder in flags.folders for path in list_images(folder)):
        image = read_rgb(path)
        if flags.reduce > 1:
            image = imresize(image, height=image.shape[0] // flags.reduce, width=image.shape[1] // flags.reduce)
        spare = np.array(image.shape[:2]) - flags.side
        if spare.min() < 0:
            print(f"left out: {path}, {image.shape[1]}x{image.shape[0]}")
            continue
        name = f"{path.parent.name}-{path.stem}"
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        for number in range(flags.count):
            top, left = rng.integers(spare + 1)
            crop = image[top : top + flags.side, left : left + flags.side]
            write_png(flags.output / f"{name}-{number}.png", np.ascontiguousarray(crop))


if __name__ == "__main__":
    main()
