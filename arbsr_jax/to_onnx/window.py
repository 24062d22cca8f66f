"""LR features, and the HR pixels of a window that are decoded from them, as values of an ONNX graph."""

from __future__ import annotations

import itertools

import numpy as np

from arbsr_jax.to_onnx.graph import Graph
from arbsr_jax.to_onnx.positions import Axis, column, nearest_two


class GraphWindow:
    """LR features and the HR pixels to decode from them.

    Attributes:
      rows: of the window.
      columns: of the window.
      features: [n, LR pixels, channels].
      height: of the LR array.
      width: of the LR array.
    """

    def __init__(self, graph: Graph, features: str, rows: Axis, columns: Axis, channels: int) -> None:
        self._graph, self.rows, self.columns = graph, rows, columns
        shape = graph("Shape", features)
        self.height, self.width = (graph("Gather", shape, np.int64(n)) for n in (2, 3))
        nhwc = graph("Transpose", features, perm=[0, 2, 3, 1])
        self.features = graph("Reshape", nhwc, graph.integers(0, -1, channels))

    def flat(self, value: str) -> str:
        """[rows, columns] as [pixels, 1]."""
        return self._graph("Reshape", value, self._graph.integers(-1, 1))

    def gathered(self, row: str, right: str) -> str:
        """Features of an LR pixel for every HR pixel, [n, pixels, channels], by indices that broadcast."""
        graph = self._graph
        index = graph("Add", graph("Mul", row, self.width), right)
        return graph("Gather", self.features, graph("Reshape", index, graph.integers(-1)), axis=1)

    def spread(self, table: str) -> str:
        """A table [phases_v, phases_h, length] on every HR pixel, [pixels, length]."""
        graph = self._graph
        index = graph("Add", graph("Mul", column(graph, self.rows.phase), self.columns.phases), self.columns.phase)
        flat = graph("Flatten", table, axis=2)
        return graph("Gather", flat, graph("Reshape", index, graph.integers(-1)), axis=0)

    def sampled(self, offset: str, *, zeros_outside: bool = False) -> str:
        """Features at C + offset of every HR pixel, bilinear; `offset` is [pixels, 2] in LR pixels, (rows, columns)."""
        graph = self._graph
        shape = graph("Concat", *(graph("Shape", axis.phase) for axis in (self.rows, self.columns)), axis=0)
        down, right = (graph("Reshape", part, shape) for part in graph.several("Split", 2, offset, axis=1))
        row_remainder = graph("Add", column(graph, self.rows.relative), down)
        column_remainder = graph("Add", self.columns.relative, right)
        row_taps = nearest_two(
            graph, column(graph, self.rows.base), row_remainder, self.height, zeros_outside=zeros_outside
        )
        column_taps = nearest_two(graph, self.columns.base, column_remainder, self.width, zeros_outside=zeros_outside)
        parts = []
        for (row, row_weight), (right, right_weight) in itertools.product(
            zip(*row_taps, strict=True), zip(*column_taps, strict=True)
        ):
            weight = self.flat(graph("Mul", row_weight, right_weight))
            parts.append(graph("Mul", self.gathered(row, right), weight))
        return graph.total(parts)


def shaped(graph: Graph, colours: str, window: GraphWindow) -> str:
    """[n, pixels, 3] as [n, h, w, 3]."""
    sizes = [graph("Shape", axis.inside) for axis in (window.rows, window.columns)]
    return graph("Reshape", colours, graph("Concat", graph("Shape", colours, end=1), *sizes, graph.integers(3), axis=0))
