"""Meta-SR's upsampler as ONNX: what `models.meta.MetaUpsampling` computes of a window."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.meta import ROUNDING
from arbsr_jax.to_onnx.encoder import Weights, dense
from arbsr_jax.to_onnx.graph import INTEGER, Graph
from arbsr_jax.to_onnx.positions import as_float, column
from arbsr_jax.to_onnx.window import GraphWindow


def meta(graph: Graph, config: ModelConfig, weights: Weights, window: GraphWindow, scale: str) -> str:
    """Meta-SR's colours of every HR pixel, [n, pixels, 3]; see `models.meta`."""
    hyper, inverse = weights["hyper"], graph("Reciprocal", scale)
    parts = [graph("ReduceMean", inverse, axes=[1], keepdims=1)]
    kernel, bias = (np.asarray(hyper["fc_0"][name]) for name in ("kernel", "bias"))
    hidden, axes = [graph("MatMul", parts[0], graph.parameter(kernel[:1]))], []
    for number, (axis, length) in enumerate(((window.rows, window.height), (window.columns, window.width))):
        factor = graph("Gather", inverse, graph.integers(number), axis=1)
        shift = graph("Mul", graph("Sub", np.float32(1), graph("Reshape", factor, graph.integers(1))), np.float32(0.5))
        begin = graph("Add", axis.table, shift)
        below = graph("Floor", graph("Add", begin, np.float32(ROUNDING)))
        offset = graph("Max", graph("Sub", begin, below), np.float32(0))
        spread = graph("Unsqueeze", offset, graph.integers(*((1, 2) if number == 0 else (0, 2))))
        hidden.append(graph("Mul", spread, graph.parameter(kernel[1 + number])))
        pixel = graph("Add", axis.base, graph("Gather", graph("Cast", below, to=INTEGER), axis.phase))
        axes.append(list(_three(graph, pixel, length)))
    x = graph("Relu", graph("Add", graph.total(hidden), graph.parameter(bias)))
    kernels = graph(
        "Reshape", window.spread(dense(graph, x, hyper["kernel"])), graph.integers(-1, config.channels, 9, 3)
    )
    of_taps = graph.several("Split", 9, kernels, axis=2)
    colours = []
    for of_tap, ((row, in_rows), (right, in_columns)) in zip(of_taps, itertools.product(*axes), strict=True):
        inside = window.flat(graph("Mul", column(graph, in_rows), in_columns))
        seen = graph("Mul", window.gathered(column(graph, row), right), inside)
        kernel = graph("Squeeze", of_tap, graph.integers(2))  # [pixels, channels, 3]
        product = graph("MatMul", graph("Unsqueeze", seen, graph.integers(2)), kernel)
        colours.append(graph("Squeeze", product, graph.integers(2)))
    return graph.total(colours)


def _three(graph: Graph, pixel: str, length: str) -> Any:
    """The LR pixels before, at and after others, and 1 for those in the image."""
    last = graph("Sub", length, np.int64(1))
    for step in range(-1, 2):
        place = graph("Add", pixel, np.int64(step))
        held = graph("Max", graph("Min", place, last), np.int64(0))
        yield held, as_float(graph, graph("Equal", place, held))
