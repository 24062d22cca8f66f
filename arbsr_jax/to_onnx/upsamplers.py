"""The HR side of a network as ONNX: what `models.network.SRNetwork.decode` computes of a window of the result."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.models.liif import HIDDEN, WIDTH
from arbsr_jax.models.upsampling import shuffle_factors
from arbsr_jax.to_onnx.encoder import Weights, conv3x3, dense, encode_scale, hidden_layers
from arbsr_jax.to_onnx.graph import INTEGER, Graph
from arbsr_jax.to_onnx.meta_decoder import meta
from arbsr_jax.to_onnx.positions import INPUTS, Axis, as_float, column, nearest_two, positions
from arbsr_jax.to_onnx.window import GraphWindow, shaped

TAPS = [(i, j) for i in range(3) for j in range(3)]  # of the last conv
CUBIC = -0.5  # Keys' a


def phase_hidden(graph: Graph, weights: Weights, numbers: str, window: GraphWindow) -> str:
    """The last hidden layer of the heads for every pair of phases, [phases_v, phases_h, width].

    The first layer is linear in (scale, R(y), R(x)): its parts are added where they meet.
    """
    kernel, bias = (np.asarray(weights["fc_0"][name]) for name in ("kernel", "bias"))
    first = graph("Add", graph("MatMul", numbers, graph.parameter(kernel[:2])), graph.parameter(bias))
    rows = graph("Unsqueeze", window.rows.table, graph.integers(1, 2))
    columns = graph("Unsqueeze", window.columns.table, graph.integers(0, 2))
    parts = [graph("Mul", rows, graph.parameter(kernel[2])), graph("Mul", columns, graph.parameter(kernel[3]))]
    return hidden_layers(graph, weights, graph("Relu", graph.total([first, *parts])), first=1)


def scale_aware(graph: Graph, config: ModelConfig, weights: Weights, window: GraphWindow, scale: str) -> str:
    """Section 3.2.2 up to the 1x1 conv, [n, pixels, channels]."""
    hyper, steps = weights["hyper"], list(itertools.product(*[range(config.kernel_size)] * 2))
    hidden = phase_hidden(graph, hyper, encode_scale(graph, config, scale), window)
    table = {name: dense(graph, hidden, hyper[name]) for name in ("kernel", "bias", "offset")}
    kernels = graph.several("Split", len(steps), table["kernel"], axis=2) if len(steps) > 1 else [table["kernel"]]
    offset, parts = window.spread(table["offset"]), []
    for step, kernel in zip(steps, kernels, strict=True):
        beyond = np.array(step, np.float32) - config.kernel_size // 2
        sampled = window.sampled(graph("Add", offset, beyond) if beyond.any() else offset)
        parts.append(graph("Mul", sampled, window.spread(kernel)))
    return graph.total([*parts, window.spread(table["bias"])])


def experts(graph: Graph, config: ModelConfig, weights: Weights, window: GraphWindow, scale: str) -> str:
    """The later version's upsampling, see `models.experts`."""
    hyper, compress, expand = weights["hyper"], np.asarray(weights["compress"]), np.asarray(weights["expand"])
    turned = graph("Gather", graph("Reciprocal", scale), np.array([1, 0]), axis=1)
    hidden = phase_hidden(graph, hyper, turned, window)
    x = window.sampled(window.spread(dense(graph, hidden, hyper["offset"])), zeros_outside=True)
    count, _, few = compress.shape
    share = graph("Sigmoid", window.spread(dense(graph, hidden, hyper["routing"])))
    share = graph("Gather", share, np.repeat(np.arange(count), few), axis=1)
    inner = graph("MatMul", x, graph.parameter(compress.swapaxes(0, 1).reshape(config.channels, -1)))
    mixed = graph.total(graph.several("Split", count, graph("Mul", inner, share), axis=2))
    inner = graph("Mul", graph("Concat", *[mixed] * count, axis=2), share)
    return graph("Add", x, graph("MatMul", inner, graph.parameter(expand.reshape(-1, config.channels))))


def implicit(graph: Graph, config: ModelConfig, weights: Weights, window: GraphWindow, scale: str) -> str:
    """LIIF's layers before the last, of which the features are those of its first; see `models.liif`."""
    del config
    way = np.asarray(weights["way"])
    cell = graph("MatMul", graph("Div", np.float32(2), scale), graph.parameter(weights["cell"]))
    parts = []
    for (row, down, row_weight), (right, across, right_weight) in itertools.product(
        _neighbours(graph, window.rows, window.height), _neighbours(graph, window.columns, window.width)
    ):
        of_rows = graph("Mul", graph("Unsqueeze", down, graph.integers(1, 2)), graph.parameter(way[0]))
        of_columns = graph("Mul", graph("Unsqueeze", across, graph.integers(0, 2)), graph.parameter(way[1]))
        steps = graph("Reshape", graph("Add", of_rows, of_columns), graph.integers(-1, WIDTH))
        y = graph("Relu", graph.total([window.gathered(column(graph, row), right), steps, cell]))
        for layer in range(HIDDEN):
            y = graph("Relu", dense(graph, y, weights[f"hidden_{layer}"]))
        weight = window.flat(graph("Mul", column(graph, row_weight), right_weight))
        parts.append(graph("Mul", y, weight))
    return graph.total(parts)


def _neighbours(graph: Graph, axis: Axis, length: str) -> list[tuple[str, str, str]]:
    taps, weights = nearest_two(graph, axis.base, axis.relative, length)
    found = []
    for tap, weight in zip(taps, weights, strict=True):
        way = graph("Add", as_float(graph, graph("Sub", axis.base, tap)), axis.relative)
        found.append((tap, graph("Mul", way, np.float32(2)), weight))
    return found


def bicubic(graph: Graph, config: ModelConfig, weights: Weights, window: GraphWindow, scale: str) -> str:
    """Keys' interpolation with mirrored borders, [n, pixels, channels]; see `kernels.sampling.bicubic_upsample`."""
    del config, weights, scale
    axes = (window.rows, window.height), (window.columns, window.width)
    rows, columns = (list(_cubic_taps(graph, *axis)) for axis in axes)
    parts = []
    for (row, row_weight), (right, right_weight) in itertools.product(rows, columns):
        weight = window.flat(graph("Mul", column(graph, row_weight), right_weight))
        parts.append(graph("Mul", window.gathered(column(graph, row), right), weight))
    return graph.total(parts)


def _cubic_taps(graph: Graph, axis: Axis, length: str) -> Any:
    below = graph("Floor", axis.relative)
    first = graph("Add", axis.base, graph("Cast", below, to=INTEGER))
    remainder = graph("Sub", axis.relative, below)
    beyond = graph("Sub", graph("Mul", length, np.int64(2)), np.int64(1))
    for tap in range(-1, 3):
        index = graph("Add", first, np.int64(tap))
        mirrored = graph("Where", graph("Less", index, np.int64(0)), graph("Sub", np.int64(-1), index), index)
        outside = graph("GreaterOrEqual", mirrored, length)
        mirrored = graph("Where", outside, graph("Sub", beyond, mirrored), mirrored)
        # In windows with a ring, positions beyond the image are read, but do not count.
        last = graph("Sub", length, np.int64(1))
        mirrored = graph("Max", graph("Min", mirrored, last), np.int64(0))
        yield mirrored, _cubic(graph, graph("Abs", graph("Sub", remainder, np.float32(tap))), inner=tap in (0, 1))


def _cubic(graph: Graph, distance: str, *, inner: bool) -> str:
    """Keys' kernel at distances up to 1 (`inner`) or from 1 to 2, by Horner's scheme."""
    a = CUBIC
    terms = (a + 2, -(a + 3), 0, 1) if inner else (a, -5 * a, 8 * a, -4 * a)
    value = graph("Mul", distance, np.float32(terms[0]))
    for term in terms[1:-1]:
        value = graph("Mul", graph("Add", value, np.float32(term)), distance)
    return graph("Add", value, np.float32(terms[-1]))


UPSAMPLERS = {"scale_aware": scale_aware, "experts": experts, "bicubic": bicubic, "implicit": implicit, "meta": meta}


def decode(graph: Graph, config: ModelConfig, weights: Weights, features: str, scale: str) -> str:
    """The result of a window, [n, h, w, 3], from LR features; the graph's inputs say which one."""
    rows, columns = (positions(graph, name, ring=0 if config.pixelwise else 1) for name in INPUTS)
    channels = config.channels
    if config.upsampler == "implicit":  # the first layer is linear in the features: once for each LR pixel
        features, channels = conv3x3(graph, features, weights["upsampler"]["features"]), WIDTH
    window = GraphWindow(graph, features, rows, columns, channels)
    x = UPSAMPLERS[config.upsampler](graph, config, weights.get("upsampler", {}), window, scale)
    if config.upsampler == "meta":
        return graph("Add", shaped(graph, x, window), RGB_MEAN.reshape(-1))
    return (pointwise_tail if config.upsampler == "implicit" else tail)(graph, weights, x, window)


def tail(graph: Graph, weights: Weights, x: str, window: GraphWindow) -> str:
    """The last conv of HR features with a ring of one pixel, and a 1x1 conv before it if there is one: [n, h, w, 3].

    A matrix product makes every pixel's nine taps, which nine shifted sums bring together; taps beyond the image are 0.
    """
    kernel, bias = (np.asarray(weights["tail"][name]) for name in ("kernel", "bias"))
    product = kernel.transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)
    if mix := weights.get("upsampler", {}).get("mix"):
        exact = np.asarray(mix["kernel"], np.float64), np.asarray(mix["bias"], np.float64)
        taps = graph("MatMul", x, graph.parameter(exact[0] @ product))
        taps = graph("Add", taps, graph.parameter(exact[1] @ product))
    else:
        taps = graph("MatMul", x, graph.parameter(product))
    rows, columns = (graph("Shape", axis.inside) for axis in (window.rows, window.columns))
    inside = window.flat(graph("Mul", column(graph, window.rows.inside), window.columns.inside))
    count = graph("Shape", x, end=1)
    shape = graph("Concat", count, rows, columns, graph.integers(product.shape[1]), axis=0)
    parts = graph.several("Split", len(TAPS), graph("Reshape", graph("Mul", taps, inside), shape), axis=3)
    size, shifted = graph("Concat", rows, columns, axis=0), []
    for (i, j), part in zip(TAPS, parts, strict=True):
        stop = graph("Sub", size, graph.integers(2 - i, 2 - j))
        shifted.append(graph("Slice", part, graph.integers(i, j), stop, graph.integers(1, 2)))
    return graph("Add", graph.total(shifted), graph.parameter(bias + RGB_MEAN.reshape(-1)))


def pointwise_tail(graph: Graph, weights: Weights, x: str, window: GraphWindow) -> str:
    """A 1x1 conv to colours, [n, h, w, 3]."""
    tail = weights["tail"] | {"bias": np.asarray(weights["tail"]["bias"]) + RGB_MEAN.reshape(-1)}
    return shaped(graph, dense(graph, x, tail), window)


def pixel_shuffle(graph: Graph, config: ModelConfig, weights: Weights, features: str) -> str:
    """The result of a scale-specific network, [n, h, w, 3]."""
    x = features
    for index, factor in enumerate(shuffle_factors(config.scale)):
        x = conv3x3(graph, x, weights["upsampler"][f"conv_{index}"])
        x = graph("DepthToSpace", x, blocksize=factor, mode="CRD")
    x = graph("Transpose", conv3x3(graph, x, weights["tail"]), perm=[0, 2, 3, 1])
    return graph("Add", x, RGB_MEAN)
