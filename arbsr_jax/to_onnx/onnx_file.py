"""A model file as one ONNX file for every scale and size."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import ModelConfig

if TYPE_CHECKING:
    from arbsr_jax.to_onnx.graph import Graph

LR = "lr"  # the image that networks take
CALL_ONE_SCALE = (
    "lr: float32 [n, height, width, 3], RGB in 0..255. hr: larger by the one factor of this file, not clipped."
)
CALL_PLAIN = (
    "input: [n, 3, height, width], RGB in 0..1. output: larger by the one pair of factors of this file, in 0..1."
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
        from arbsr_jax.to_onnx import graph, positions
    except ImportError:
        raise ArbsrError(missing_extra("onnx", "onnx")) from None
    built, config = graph.Graph(half=half), model.config
    image = ("n", *(tile or ("height", "width")), 3)
    inputs: dict[str, tuple[int, tuple[int | str, ...]]] = {LR: (graph.FLOAT, image)}
    if config.scale:
        sizes = tuple(side * config.scale for side in tile) if tile else ("tall", "wide")
    elif factor:
        if config.upsampler != "field" or config.adaption != "none":
            raise ArbsrError(f"{model.name}: one factor alone is for networks with field upsampling, without adaption")
        sizes = "tall", "wide"
    else:
        inputs |= {name: (graph.INTEGER, (len(positions.AXIS),)) for name in positions.INPUTS}
        sizes = "tall", "wide"
    output = "hr", _decoded(built, model, factor), ("n", *sizes, 3)
    facts = metadata(model, path, config.scale or factor)
    return built.finish(model.name, inputs, output, facts).SerializeToString()


def to_plain_onnx(model: Model, path: Path, scale: Scale, *, half: bool = False) -> bytes:
    """The content of an ONNX file with one input and one output, for programs that know no more.

    Args:
      model: of any config.
      path: the model file, whose hash is kept.
      scale: the only one of the file.
      half: float16 weights, input and output; runtimes compute in float32.

    Raises:
      ArbsrError: the extra `onnx` is not installed, or the network is for another scale alone.
    """
    try:
        from arbsr_jax.to_onnx import graph, plain
    except ImportError:
        raise ArbsrError(missing_extra("onnx", "onnx")) from None
    if model.config.scale and scale != Scale.of(model.config.scale):
        raise ArbsrError(f"{model.name} is a network for scale {model.config.scale} alone, not {scale}")
    built, config = graph.Graph(half=half), model.config
    plain.take_image(built, LR, half=half)
    whole = scale.symmetric and scale.vertical.denominator == 1 and scale.vertical > 1
    factor = int(scale.vertical) if whole and config.upsampler == "field" and config.adaption == "none" else 0
    if not (config.scale or factor):
        plain.place_pixels(built, LR, scale)
    hr = plain.result_of(built, _decoded(built, model, factor), half=half)
    kind = graph.HALF if half else graph.FLOAT
    facts = metadata(model, path, 0) | {"call": CALL_PLAIN, "scale": str(scale)}
    inputs = {plain.INPUT: (kind, ("n", 3, "height", "width"))}
    output = plain.OUTPUT, hr, ("n", 3, "tall", "wide")
    return built.finish(model.name, inputs, output, facts, half=half).SerializeToString()


def _decoded(built: Graph, model: Model, factor: int) -> str:
    """The HR image of the value `LR`, [n, height, width, 3] in 0..255; factor 0: where the values of positions say."""
    from arbsr_jax.to_onnx import encoder, field_decoder, positions, upsamplers

    config, weights = model.config, model.parameters
    if config.scale:
        return upsamplers.pixel_shuffle(built, config, weights, encoder.encode(built, config, weights, LR, ""))
    if factor:
        return field_decoder.decode_at(built, config, weights, encoder.encode(built, config, weights, LR, ""), factor)
    scale = positions.scale(built)
    features = encoder.encode(built, config, weights, LR, scale)
    decode = field_decoder.decode if config.upsampler == "field" else upsamplers.decode
    return decode(built, config, weights, features, scale)


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
