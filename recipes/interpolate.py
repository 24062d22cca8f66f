"""A model file between two trainings of one network, with most of what each does better (WiSE-FT, arXiv 2109.01903).

python recipes/interpolate.py FROM TO PHOTOS -o OUT.safetensors [--share 0.25]

Masks are TO's alone, since FROM's can be saturated. FROM's part of F_adapt is weighted by the ratio of both masks'
means on the photographs, so that F_adapt * M (Eq. 3) keeps its size.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from arbsr_jax.analysis.features import encode
from arbsr_jax.imaging.image_files import list_images, read_rgb
from arbsr_jax.model_file import Model, read_model_file, save_model
from arbsr_jax.models.parameters import flatten_parameters, unflatten_parameters
from arbsr_jax.train.norms import CALIBRATION_SCALE, MASK, example_images, scale_adaption

PHOTOGRAPHS = 25  # whose middles tell the masks' means


def mask_means(model: Model, images: np.ndarray) -> list[float]:
    """The mean of the mask at every place, over all images."""
    masks = [encode(model, image, CALIBRATION_SCALE).masks for image in images]
    return [float(np.mean(place)) for place in zip(*masks, strict=True)]


def main() -> None:
    """Read both files, mix their weights and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("start", metavar="FROM", help="model file or shipped model")
    parser.add_argument("end", metavar="TO", help="another of the same network")
    parser.add_argument("photographs", metavar="PHOTOS", type=Path, help="folder of photographs for the masks' means")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.25, help="of TO")
    flags = parser.parse_args()
    start, end = read_model_file(flags.start), read_model_file(flags.end)
    if start.config != end.config:
        raise SystemExit(f"{flags.start} and {flags.end} hold different networks; give two of one network")
    images = example_images([partial(read_rgb, path) for path in list_images(flags.photographs)], PHOTOGRAPHS)
    leaves, last = flatten_parameters(start.parameters), flatten_parameters(end.parameters)
    for place, (ours, theirs) in enumerate(zip(mask_means(start, images), mask_means(end, images), strict=True)):
        leaves |= {path: leaf for path, leaf in last.items() if path.startswith(f"adaption_{place}{MASK}")}
        leaves |= scale_adaption(leaves, place, ours / theirs)
    share = np.float32(flags.share)
    mixed = {path: (1 - share) * leaf + share * last[path] for path, leaf in leaves.items()}
    origin = {"name": flags.output.stem, "interpolated": f"{flags.share:g} of {end.name}, the rest of {start.name}"}
    save_model(flags.output, start.config, unflatten_parameters(mixed), origin)


if __name__ == "__main__":
    main()
