"""The LR side of a network as ONNX: what `models.network.SRNetwork.encode` computes. Arrays are NCHW."""

from __future__ import annotations

from typing import Any

import numpy as np

from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.to_onnx.graph import Graph, Value

Weights = dict[str, Any]  # of a layer, by their names in model files


def conv3x3(graph: Graph, x: Value, weights: Weights, factor: float = 1.0) -> str:
    """3x3 conv with zero padding 1, its result times `factor`."""
    kernel, bias = (np.asarray(weights[name]) * np.float32(factor) for name in ("kernel", "bias"))
    kernel, bias = graph.parameter(kernel.transpose(3, 2, 0, 1)), graph.parameter(bias)
    return graph("Conv", x, kernel, bias, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def conv1x1(graph: Graph, x: Value, weights: Weights) -> str:
    """1x1 conv."""
    kernel = np.asarray(weights["kernel"]).T[:, :, None, None]
    return graph("Conv", x, graph.parameter(kernel), graph.parameter(weights["bias"]), kernel_shape=[1, 1])


def dense(graph: Graph, x: Value, weights: Weights) -> str:
    """A fully connected layer on the last axis."""
    product = graph("MatMul", x, graph.parameter(weights["kernel"]))
    return graph("Add", product, graph.parameter(weights["bias"]))


def encode(graph: Graph, config: ModelConfig, weights: Weights, lr: str, scale: str) -> str:
    """LR features of images [n, height, width, 3] in 0..255 for a scale [1, 2], (r_v, r_h)."""
    x = graph("Transpose", graph("Sub", lr, RGB_MEAN), perm=[0, 3, 1, 2])
    head = x = conv3x3(graph, x, weights["head"])
    if config.backbone == "rdn":
        x = conv3x3(graph, x, weights["shallow"])
    block, blocks = BLOCKS[config.backbone], []
    for index in range(config.blocks):
        x = block(graph, config, weights[f"block_{index}"], x)
        place = (index + 1) // config.interval
        if config.adaption != "none" and (index + 1) % config.interval == 0:
            x = _adapt(graph, config, weights[f"adaption_{place - 1}"], x, scale)
        blocks.append(x)
    if config.backbone == "rdn":
        x = conv1x1(graph, graph("Concat", *blocks, axis=1), weights["fuse"])
    return graph("Add", head, conv3x3(graph, x, weights["body_conv"]))


def _res_block(graph: Graph, config: ModelConfig, weights: Weights, x: str) -> str:
    branch = graph("Relu", conv3x3(graph, x, weights["conv_0"]))
    return graph("Add", x, conv3x3(graph, branch, weights["conv_1"], config.res_scale))


def _residual_group(graph: Graph, config: ModelConfig, weights: Weights, x: str) -> str:
    branch = x
    for index in range(config.group_blocks):
        block = weights[f"block_{index}"]
        inner = graph("Relu", conv3x3(graph, branch, block["conv_0"]))
        inner = conv3x3(graph, inner, block["conv_1"])
        squeezed = graph("Relu", conv1x1(graph, graph("GlobalAveragePool", inner), block["attention"]["squeeze"]))
        attention = graph("Sigmoid", conv1x1(graph, squeezed, block["attention"]["excite"]))
        branch = graph("Add", branch, graph("Mul", inner, attention))
    return graph("Add", x, conv3x3(graph, branch, weights["conv"]))


def _residual_dense_block(graph: Graph, config: ModelConfig, weights: Weights, x: str) -> str:
    seen = x
    for index in range(config.dense_layers):
        new = graph("Relu", conv3x3(graph, seen, weights[f"conv_{index}"]))
        seen = graph("Concat", seen, new, axis=1)
    return graph("Add", x, conv1x1(graph, seen, weights["fuse"]))


BLOCKS = {"edsr": _res_block, "rcan": _residual_group, "rdn": _residual_dense_block}


def _adapt(graph: Graph, config: ModelConfig, weights: Weights, x: str, scale: str) -> str:
    """F_fuse of Eq. 3."""
    if config.adaption == "experts":
        adapted = _expert_conv(graph, config, weights["conv"], x, scale)
    else:
        adapted = _scale_aware_conv(graph, config, weights["conv"], x, encode_scale(graph, config, scale))
    if config.adaption != "plain":
        adapted = graph("Mul", adapted, _mask(graph, weights["mask"], x))
    return graph("Add", x, adapted)


def encode_scale(graph: Graph, config: ModelConfig, scale: str) -> str:
    """What the heads see of a scale."""
    return scale if config.scale_input == "factor" else graph("Reciprocal", scale)


def hidden_layers(graph: Graph, weights: Weights, x: Value, first: int = 0) -> str:
    """The fully connected layers of a hypernetwork from number `first` on, each with its ReLU."""
    names = [name for name in sorted(weights) if name.startswith("fc_")]
    for name in names[first:]:
        x = graph("Relu", dense(graph, x, weights[name]))
    assert isinstance(x, str)
    return x


def _scale_aware_conv(graph: Graph, config: ModelConfig, weights: Weights, x: str, numbers: str) -> str:
    hidden, channels = hidden_layers(graph, weights["hyper"], numbers), config.channels
    kernel = graph("Reshape", dense(graph, hidden, weights["hyper"]["kernel"]), graph.integers(9, channels))
    kernel = graph("Reshape", graph("Transpose", kernel, perm=[1, 0]), graph.integers(channels, 1, 3, 3))
    bias = graph("Reshape", dense(graph, hidden, weights["hyper"]["bias"]), graph.integers(channels))
    x = graph("Conv", x, kernel, bias, kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=channels)
    return conv1x1(graph, x, weights["mix"])


def _expert_conv(graph: Graph, config: ModelConfig, weights: Weights, x: str, scale: str) -> str:
    hidden = hidden_layers(graph, weights["hyper"], graph("Reciprocal", scale))
    share = graph("Softmax", dense(graph, hidden, weights["hyper"]["routing"]), axis=-1)
    experts = np.asarray(weights["experts"]).transpose(0, 4, 3, 1, 2)
    kernel = graph("MatMul", share, graph.parameter(experts.reshape(len(experts), -1)))
    kernel = graph("Reshape", kernel, graph.integers(*experts.shape[1:]))
    return graph("Conv", x, kernel, kernel_shape=[3, 3], pads=[1, 1, 1, 1])


def _mask(graph: Graph, weights: Weights, x: str) -> str:
    """M of Eq. 3."""
    size = graph("Shape", x, start=2)
    x = graph("Relu", conv3x3(graph, x, weights["conv_0"]))
    # Beyond the border of an odd size nothing is counted: the same as repeating the border.
    x = graph("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    for name in ("conv_1", "conv_2"):
        x = graph("Relu", conv3x3(graph, x, weights[name]))
    twice = np.array([1, 1, 2, 2], np.float32)
    x = graph("Resize", x, "", twice, mode="linear", coordinate_transformation_mode="half_pixel")
    x = graph("Slice", x, graph.integers(0, 0), size, graph.integers(2, 3))
    return graph("Sigmoid", conv3x3(graph, x, weights["conv_3"]))
