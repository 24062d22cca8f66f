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
    "lr: float32 [n, height, width, 3], RGB in 0..255. hr: larger by the one factor of this file, not clipped."
)
CALL = (
    "lr: float32 [n, height, width, 3], RGB in 0..255: an image, or a tile of it. "
    "rows, columns: int64 [6]: p, q, origin, first, stop, length. The axis is enlarged by p/q in lowest terms; origin: "
    "the image's row or column at which the tile begins; [first, stop): the result's pixels to compute; length: of the "
    "whole result, floor(image * p / q + 1/2). hr: float32 [n, stop - first, stop - first, 3] in 0..255, not clipped."
)


def to_onnx(
    model: Model, path: Path, *, half: bool = False, tile: tuple[int, int] | None = None, factor: int = 0
) -> bytes:
    """The content of an ONNX file that enlarges images; how to call it stands in its metadata.

    Args:
      model: of any config.
      path: the model file, whose hash is kept.
      half: store float16 weights, half the size; runtimes compute in float32.
      tile: (height, width) of the LR arrays that it takes; None: any.
      factor: an integer, at which alone a network with field upsampling is written, of plain convs; 0: every scale.

    Raises:
      ArbsrError: the extra `onnx` is not installed, or `factor` is not for this network.
    """
    try:
        from arbsr_jax.to_onnx import encoder, field_decoder, graph, positions, upsamplers
    except ImportError:
        raise ArbsrError(missing_extra("onnx", "onnx")) from None
    built, config, weights = graph.Graph(half=half), model.config, model.parameters
    image = ("n", *(tile or ("height", "width")), 3)
    inputs: dict[str, tuple[int, tuple[int | str, ...]]] = {"lr": (graph.FLOAT, image)}
    if config.scale:
        hr = upsamplers.pixel_shuffle(built, config, weights, encoder.encode(built, config, weights, "lr", ""))
        sizes = tuple(side * config.scale for side in tile) if tile else ("tall", "wide")
    elif factor:
        if config.upsampler != "field" or config.adaption != "none":
            raise ArbsrError(f"{model.name}: one factor alone is for networks with field upsampling, without adaption")
        features = encoder.encode(built, config, weights, "lr", "")
        hr, sizes = field_decoder.decode_at(built, config, weights, features, factor), ("tall", "wide")
    else:
        scale = positions.scale(built)
        features = encoder.encode(built, config, weights, "lr", scale)
        decode = field_decoder.decode if config.upsampler == "field" else upsamplers.decode
        hr = decode(built, config, weights, features, scale)
        inputs |= {name: (graph.INTEGER, (len(positions.AXIS),)) for name in positions.INPUTS}
        sizes = "tall", "wide"
    made = built.finish(model.name, inputs, ("hr", hr, ("n", *sizes, 3)), metadata(model, path, config.scale or factor))
    return made.SerializeToString()


def metadata(model: Model, path: Path, factor: int) -> dict[str, str]:
    """What the file says of itself; `factor`: the only one that it enlarges by, or 0."""
    config: ModelConfig = model.config
    return {
        "name": model.name,
        "call": CALL_ONE_SCALE if factor else CALL,
        "config": json.dumps(dataclasses.asdict(config)),
        "licence": str(model.provenance.get("licence", "unknown")),
        "largest_factor": f"{factor or model.largest_factor:g}",
        "model_file_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
