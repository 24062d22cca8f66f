"""What ONNX files compute and cost in onnxruntime, beside JAX: largest difference, bytes, seconds.

    python -m benchmarks.onnx_files [--models arbedsr-tiny arbedsr-baseline] [--rounds 3] [--record]

Both enlarge whole images, in turn, after an unmeasured run.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from arbsr_jax import Upscaler
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model, find_model, read_model_file
from arbsr_jax.to_onnx.onnx_file import to_onnx
from benchmarks.large_images import photograph
from benchmarks.record import machine, record
from benchmarks.timing import median_seconds

SCALES = ("1.5", "2", "2.37", "4", "2.5x3.5", "4x1.5")
SIZES = ((37, 51), (203, 301))  # (height, width), odd
MEGA = 1e6


class OnnxFile:
    """An exported network in onnxruntime.

    Attributes:
      content: of the file.
    """

    def __init__(self, model: Model, path: Path, **options: Any) -> None:
        self._config, self.content = model.config, to_onnx(model, path, **options)
        self._session = onnxruntime.InferenceSession(self.content)

    def upscale(self, image: np.ndarray, scale: Scale) -> np.ndarray:
        """A whole image enlarged; float32 in 0..255."""
        feeds = {"lr": image[None].astype(np.float32)}
        if not self._config.scale:
            factors, sizes = (scale.vertical, scale.horizontal), scale.output_size(*image.shape[:2])
            for name, factor, length in zip(("rows", "columns"), factors, sizes, strict=True):
                feeds[name] = np.array([*factor.as_integer_ratio(), 0, 0, length, length])
        return self._session.run(None, feeds)[0][0]


def compare(file: OnnxFile, upscaler: Upscaler, image: np.ndarray, scale: Scale, rounds: int = 0) -> dict[str, float]:
    """The largest difference in grey levels; with rounds, seconds of both too."""
    difference = np.abs(file.upscale(image, scale) - upscaler.upscale_unrounded(image, scale)).max()
    found = {"difference": float(difference)}
    if rounds:
        found["onnx_s"] = median_seconds(lambda: file.upscale(image, scale), rounds)
        found["jax_s"] = median_seconds(lambda: upscaler.upscale_unrounded(image, scale), rounds)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["arbedsr-tiny", "arbedsr-baseline"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    for name in flags.models:
        model, path = read_model_file(name), find_model(name)
        file, upscaler = OnnxFile(model, path), Upscaler(model, tile=0)
        halved = len(to_onnx(model, path, half=True))
        sizes = {"file_mb": len(file.content) / MEGA, "float16_mb": halved / MEGA}
        for height, width in SIZES:
            image = photograph(height, width)
            for words in SCALES:
                row = {"model": name, "size": f"{width}x{height}", "scale": words, **sizes}
                row |= compare(file, upscaler, image, Scale.of(words), flags.rounds) | {"machine": machine()}
                print(
                    " ".join(
                        f"{key} {value:.3g}" if isinstance(value, float) else str(value) for key, value in row.items()
                    )
                )
                if flags.record:
                    record("onnx_files", [row], ("model", "size", "scale", "machine"))


if __name__ == "__main__":
    main()
