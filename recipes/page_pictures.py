"""The page's own pictures, from scikit-image's photographs: three small samples, and an example before and after.

python recipes/page_pictures.py [--model arbedsr-field]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from arbsr_jax import load_model
from arbsr_jax.imaging.resize import imresize

PAGE = Path(__file__).parents[1] / "arbsr_jax" / "demo" / "page"
HERO = 400  # pixels of a side
SAMPLES = {  # photographs without rights reserved, and their size as samples
    "astronaut": (skimage.data.astronaut, (128, 128)),
    "coffee": (skimage.data.coffee, (120, 180)),
    "cat": (skimage.data.chelsea, (120, 180)),
}


def main() -> None:
    """Write all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="arbedsr-field")
    flags = parser.parse_args()
    for name, (photograph, (height, width)) in SAMPLES.items():
        save(f"sample-{name}", imresize(photograph(), height=height, width=width), quality=90)
    small = imresize(skimage.data.astronaut()[:320, 110:430], height=100, width=100)
    save("hero-before", imresize(small, height=HERO, width=HERO), quality=75)
    save("hero-after", load_model(flags.model).upscale(small, size=(HERO, HERO)), quality=75)


def save(name: str, pixels: np.ndarray, quality: int) -> None:
    """A WebP file of the page."""
    path = PAGE / f"{name}.webp"
    Image.fromarray(pixels).save(path, quality=quality, method=6)
    print(f"{path.name}: {pixels.shape[1]}x{pixels.shape[0]}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
