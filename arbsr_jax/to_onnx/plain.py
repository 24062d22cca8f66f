"""A plain network for other programs: one image in, one image out, at one pair of factors.

Programs such as chaiNNer or vs-mlrt feed one array [1, 3, height, width] of 0 to 1 and know no other input. Positions
of HR pixels are computed in the graph, from the size of the image that comes.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from arbsr_jax.imaging.scale import Scale
from arbsr_jax.to_onnx.graph import FLOAT, HALF, Graph
from arbsr_jax.to_onnx.positions import INPUTS

INPUT, OUTPUT = "input", "output"
WHITE = np.float32(255)
TO_CHANNELS_LAST, TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def take_image(graph: Graph, name: str, *, half: bool) -> None:
    """Make of `INPUT`, [n, 3, height, width] in 0..1, what networks take by a name: [n, height, width, 3] in 0..255."""
    image = graph("Cast", INPUT, to=FLOAT) if half else INPUT
    graph.alias(name, graph("Mul", graph("Transpose", image, perm=TO_CHANNELS_LAST), WHITE))


def place_pixels(graph: Graph, image: str, scale: Scale) -> None:
    """Make of the image's size what graphs for every scale take as their inputs `INPUTS`."""
    shape = graph("Shape", image)
    for number, (name, factor) in enumerate(zip(INPUTS, (scale.vertical, scale.horizontal), strict=True), start=1):
        length = _enlarged(graph, graph("Gather", shape, graph.integers(number)), factor)
        zero = graph.integers(0)
        numbers = graph.integers(factor.numerator), graph.integers(factor.denominator), zero, zero, length, length
        graph.alias(name, graph("Concat", *numbers, axis=0))


def result_of(graph: Graph, hr: str, *, half: bool) -> str:
    """[n, height, width, 3] in 0..255, clipped, as [n, 3, height, width] in 0..1."""
    shares = graph("Div", graph("Clip", hr, np.float32(0), WHITE), WHITE)
    result = graph("Transpose", shares, perm=TO_CHANNELS_FIRST)
    return graph("Cast", result, to=HALF) if half else result


def _enlarged(graph: Graph, length: str, factor: Fraction) -> str:
    """floor(length p / q + 1/2) in integers."""
    p, q = np.int64(factor.numerator), np.int64(factor.denominator)
    doubled = graph("Add", graph("Mul", length, graph.integers(int(2 * p))), graph.integers(int(q)))
    return graph("Div", doubled, graph.integers(int(2 * q)))
