"""Where HR pixels lie on the LR image, computed by the graph itself in integers (Eq. 4 and 5, as `imaging.grid`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from arbsr_jax.to_onnx.graph import FLOAT, INTEGER, Graph, Value

INPUTS = ("rows", "columns")  # of the graph, besides LR images
AXIS = ("p", "q", "origin", "first", "stop", "length")  # what an axis input holds


class Axis(NamedTuple):
    """One axis of a window, as names of values.

    Attributes:
      base: nearest LR pixel of every HR pixel, from the tile's origin on.
      relative: R of every HR pixel, in LR pixels.
      phase: row of `table` of every HR pixel.
      table: R of the phases that occur.
      phases: their number.
      inside: 1 for pixels of the HR image, 0 beyond.
    """

    base: str
    relative: str
    phase: str
    table: str
    phases: str
    inside: str


def scale(graph: Graph) -> str:
    """(r_v, r_h) of the graph's inputs, [1, 2]."""
    factors = []
    for name in INPUTS:
        p, q = (as_float(graph, graph("Gather", name, graph.integers(n))) for n in range(2))
        factors.append(graph("Div", p, q))
    return graph("Unsqueeze", graph("Concat", *factors, axis=0), graph.integers(0))


def positions(graph: Graph, axis: str, ring: int) -> Axis:
    """Positions of the HR pixels [first - ring, stop + ring) of an axis; `axis` is an integer input with `AXIS`."""
    p, q, origin, first, stop, length = (graph("Gather", axis, np.int64(n)) for n in range(len(AXIS)))
    one, two = np.int64(1), np.int64(2)
    first, stop = graph("Sub", first, np.int64(ring)), graph("Add", stop, np.int64(ring))
    count, doubled = graph("Sub", stop, first), graph("Mul", p, two)
    phases = graph("Min", p, count)

    def numerator(start: str, end: str) -> tuple[str, str]:
        pixels = graph("Range", start, end, one)
        return pixels, graph("Mul", graph("Add", graph("Mul", pixels, two), one), q)

    _, of_table = numerator(first, graph("Add", first, phases))
    fraction = graph("Div", as_float(graph, graph("Mod", of_table, doubled)), as_float(graph, doubled))
    table = graph("Sub", fraction, np.float32(0.5))
    phase = graph("Mod", graph("Range", np.int64(0), count, one), phases)
    pixels, of_pixels = numerator(first, stop)
    base = graph("Sub", graph("Div", of_pixels, doubled), origin)
    inside = graph("And", graph("GreaterOrEqual", pixels, np.int64(0)), graph("Less", pixels, length))
    return Axis(base, graph("Gather", table, phase), phase, table, phases, as_float(graph, inside))


def as_float(graph: Graph, value: str) -> str:
    """A value as float32."""
    return graph("Cast", value, to=FLOAT)


def column(graph: Graph, vector: Value) -> str:
    """[n] as [n, 1]."""
    return graph("Unsqueeze", vector, graph.integers(1))


def nearest_two(
    graph: Graph, whole: str, remainder: str, length: str, *, zeros_outside: bool = False
) -> tuple[list[str], list[str]]:
    """Indices and weights of the two LR pixels around positions, as `kernels.sampling.nearest_two`."""
    below = graph("Floor", remainder)
    first = graph("Add", whole, graph("Cast", below, to=INTEGER))
    taps = [first, graph("Add", first, np.int64(1))]
    weight = graph("Sub", remainder, below)
    weights = [graph("Sub", np.float32(1), weight), weight]
    last = graph("Sub", length, np.int64(1))
    inside = [graph("Max", graph("Min", tap, last), np.int64(0)) for tap in taps]
    if zeros_outside:
        there = [as_float(graph, graph("Equal", tap, held)) for tap, held in zip(taps, inside, strict=True)]
        weights = [graph("Mul", weight, one) for weight, one in zip(weights, there, strict=True)]
    return inside, weights
