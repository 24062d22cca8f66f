"""A model file as one ONNX file for every scale and size."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import ModelConfig

CALL_ONE_SCALE = (
    "lr: float32 [n, height, width, 3], RGB in 0..255. hr: as large as the network's scale says, not clipped."
)
CALL = (
    "lr: float32 [n, height, width, 3], RGB in 0..255: an image, or a tile of it. "
    "rows, columns: int64 [6]: p, q, origin, first, stop, length. The axis is enlarged by p/q in lowest terms; origin: "
    "the image's row or column at which the tile begins; [first, stop): the result's pixels to compute; length: of the "
    "whole result, floor(image * p / q + 1/2). hr: float32 [n, stop - first, stop - first, 3] in 0..255, not clipped."
)


def to_onnx(model: Model, path: Path, *, half: bool = False, tile: tuple[int, int] | None = None) -> bytes:
    """The content of an ONNX file that enlarges images; how to call it stands in its metadata.

    Args:
      model: of any config.
      path: the model file, whose hash is kept.
      half: store float16 weights, half the size; runtimes compute in float32.
      tile: (height, width) of the LR arrays that it takes; None: any.

    Raises:
      ArbsrError: the extra `onnx` is not installed, or the network has a part that cannot be written.
    """
    try:
        from arbsr_jax.to_onnx import encoder, graph, positions, upsamplers
    except ImportError:
        raise ArbsrError(missing_extra("onnx", "onnx")) from None
    if not model.config.scale and model.config.upsampler not in upsamplers.UPSAMPLERS:
        words = f"{model.config.upsampler} upsampling is not written as ONNX yet"
        raise ArbsrError(f"{model.name}: {words}; give a file that ends in .stablehlo")
    built, config, weights = graph.Graph(half=half), model.config, model.parameters
    image = ("n", *(tile or ("height", "width")), 3)
    inputs: dict[str, tuple[int, tuple[int | str, ...]]] = {"lr": (graph.FLOAT, image)}
    if config.scale:
        hr = upsamplers.pixel_shuffle(built, config, weights, encoder.encode(built, config, weights, "lr", ""))
        sizes = tuple(side * config.scale for side in tile) if tile else ("tall", "wide")
    else:
        axes = [positions.positions(built, name, ring=0 if config.pixelwise else 1) for name in ("rows", "columns")]
        factors = [built("Unsqueeze", axis.factor, built.integers(0, 1)) for axis in axes]
        scale = built("Concat", *factors, axis=1)
        features, channels = encoder.encode(built, config, weights, "lr", scale), config.channels
        if config.pixelwise:  # the first layer is linear in the features: once for each LR pixel
            features = encoder.conv3x3(built, features, weights["upsampler"]["features"])
            channels = upsamplers.WIDTH
        rows, columns = axes
        window = upsamplers.Window(built, features, rows, columns, channels)
        upsample = upsamplers.UPSAMPLERS[config.upsampler]
        x = upsample(built, config, weights.get("upsampler", {}), window, scale)
        hr = (upsamplers.pointwise_tail if config.pixelwise else upsamplers.tail)(built, weights, x, window)
        inputs |= {name: (graph.INTEGER, (len(positions.AXIS),)) for name in ("rows", "columns")}
        sizes = "tall", "wide"
    made = built.finish(model.name, inputs, ("hr", hr, ("n", *sizes, 3)), metadata(model, path))
    return made.SerializeToString()


def metadata(model: Model, path: Path) -> dict[str, str]:
    """What the file says of itself."""
    config: ModelConfig = model.config
    return {
        "name": model.name,
        "call": CALL_ONE_SCALE if config.scale else CALL,
        "config": json.dumps(dataclasses.asdict(config)),
        "licence": str(model.provenance.get("licence", "unknown")),
        "largest_factor": f"{config.scale or model.largest_factor:g}",
        "model_file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
