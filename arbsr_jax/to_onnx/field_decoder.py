"""Field upsampling as ONNX: what `kernels.field_strips` computes, of a whole window at once.

What an LR pixel gives to the cells around it is one product of its coefficients with the basis of its type. Every HR
pixel then adds up what four LR pixels give to it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from arbsr_jax.imaging.cells import MOST_TYPES, axis_cells
from arbsr_jax.imaging.grid import make_grid
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.kernels.field_sum import CORNERS
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.models.network import SRNetwork
from arbsr_jax.to_onnx.encoder import Weights, conv1x1, conv3x3, dense, hidden_layers
from arbsr_jax.to_onnx.graph import Graph, Value
from arbsr_jax.to_onnx.positions import AXIS, INPUTS, as_float, column

ONE, TWO = np.int64(1), np.int64(2)


class CellAxis(NamedTuple):
    """One axis of a window by cells, as `imaging.cells.Cells`, as names of values.

    Attributes:
      pixels: LR pixels by type, [types, repeats].
      types: their number.
      repeats: LR pixels of a type.
      places: of a cell.
      way: from an LR pixel of each type to the places of the cells after and before it, [2 * types * places].
      slots: of each HR pixel the number of the LR pixel before it, and its place in the cell.
    """

    pixels: str
    types: str
    repeats: str
    places: str
    way: str
    slots: tuple[str, str]


def cell_axis(graph: Graph, axis: str, length: str) -> CellAxis:
    """The cells of an axis; `axis` is an integer input with `AXIS`, `length` of the LR array."""
    p, q, origin, first, stop, _ = (graph("Gather", axis, np.int64(n)) for n in range(len(AXIS)))
    doubled, twice_q = graph("Mul", p, TWO), graph("Mul", q, TWO)
    pixels = graph("Range", first, stop, ONE)
    # Division cuts off: numerators are above 0 where a cell more is counted.
    numerator = graph("Add", graph("Mul", graph("Add", graph("Mul", pixels, TWO), ONE), q), p)
    cells = graph("Sub", graph("Div", numerator, doubled), ONE)
    before, last = (graph("Gather", cells, np.int64(at)) for at in (0, -1))
    count = graph("Add", graph("Sub", last, before), TWO)
    few = graph("And", graph("LessOrEqual", q, np.int64(MOST_TYPES)), graph("LessOrEqual", graph("Mul", q, TWO), count))
    types = graph("Where", few, q, count)
    repeats = graph("Div", graph("Sub", graph("Add", count, types), ONE), types)
    places = graph("Div", graph("Sub", graph("Add", p, q), ONE), q)
    spare = graph("Mul", graph("Add", places, TWO), TWO)

    def first_of(cell: str) -> str:
        """The first HR pixel of cells: (2p * cell + p - q) / 2q, rounded up."""
        value = graph("Sub", graph("Add", graph("Mul", cell, doubled), p), q)
        value = graph("Add", value, graph("Sub", graph("Mul", graph("Add", spare, ONE), twice_q), ONE))
        return graph("Sub", graph("Div", value, twice_q), spare)

    numbers = graph("Add", graph("Range", np.int64(0), types, ONE), before)
    sides = graph(
        "Concat", *(graph("Unsqueeze", graph("Sub", numbers, np.int64(e)), graph.integers(0)) for e in (0, 1)), axis=0
    )
    places_of = graph("Range", np.int64(0), places, ONE)
    hr_pixels = graph("Add", graph("Unsqueeze", first_of(sides), graph.integers(2)), places_of)
    position = graph("Sub", graph("Mul", graph("Add", graph("Mul", hr_pixels, TWO), ONE), q), p)
    lr = graph("Unsqueeze", graph("Mul", numbers, doubled), graph.integers(0, 2))
    way = graph("Div", as_float(graph, graph("Sub", position, lr)), as_float(graph, doubled))
    of_window = graph(
        "Sub", graph("Add", graph("Range", np.int64(0), graph("Mul", types, repeats), ONE), before), origin
    )
    inside = graph("Max", graph("Min", of_window, graph("Sub", length, ONE)), np.int64(0))
    by_type = graph("Transpose", graph("Reshape", inside, _shape(graph, repeats, types)), perm=[1, 0])
    index = graph("Sub", cells, before), graph("Sub", pixels, first_of(cells))
    return CellAxis(by_type, types, repeats, places, graph("Reshape", way, graph.integers(-1)), index)


def coefficients(graph: Graph, config: ModelConfig, weights: Weights, features: str, lr: str) -> str:
    """Of LR pixels, with their colours: [n, 3, terms, height, width]."""
    x = graph("Relu", conv3x3(graph, features, weights["first"]))
    for layer in range(config.hidden_layers - 1):
        x = graph("Relu", conv1x1(graph, x, weights[f"middle_{layer}"]))
    x = conv1x1(graph, x, weights["last"])
    colours = graph("Transpose", graph("Sub", lr, RGB_MEAN), perm=[0, 3, 1, 2])
    size = graph("Shape", x, start=2)
    terms = graph("Reshape", x, graph("Concat", graph.integers(0, 3, config.basis), size, axis=0))
    return graph("Concat", terms, graph("Unsqueeze", colours, graph.integers(2)), axis=2)


def basis(graph: Graph, weights: Weights, rows: CellAxis, columns: CellAxis, scale: str) -> str:
    """The basis times its tent, and the tent, of all ways: [rows, columns, terms]."""
    kernel, bias = (np.asarray(weights["hyper"]["fc_0"][name]) for name in ("kernel", "bias"))
    frequencies = np.asarray(weights["frequencies"])
    count = frequencies.shape[1]
    ways = graph("Unsqueeze", rows.way, graph.integers(1, 2)), graph("Unsqueeze", columns.way, graph.integers(0, 2))
    angles = graph.total([graph("Mul", way, graph.parameter(row)) for way, row in zip(ways, frequencies, strict=True)])
    first = graph("MatMul", graph("Reciprocal", scale), graph.parameter(kernel[2:4]))
    parts = [graph("Add", first, graph.parameter(bias))]
    parts += [graph("Mul", way, graph.parameter(2 * row)) for way, row in zip(ways, kernel[:2], strict=True)]
    parts.append(graph("MatMul", graph("Sin", angles), graph.parameter(kernel[4 : 4 + count])))
    parts.append(graph("MatMul", graph("Cos", angles), graph.parameter(kernel[4 + count :])))
    hidden = hidden_layers(graph, weights["hyper"], graph("Relu", graph.total(parts)), first=1)
    tents = [graph("Sub", np.float32(1), graph("Abs", way)) for way in ways]
    tent = graph("Mul", *tents)
    return graph("Concat", graph("Mul", dense(graph, hidden, weights["hyper"]["basis"]), tent), tent, axis=2)


def decode(graph: Graph, config: ModelConfig, weights: Weights, features: str, scale: str) -> str:
    """The result of a window, [n, h, w, 3], from LR features and the graph's inputs `lr`, `rows` and `columns`."""
    weights, terms = weights["upsampler"], config.basis + 1
    lengths = graph("Shape", features)
    height, width = (graph("Gather", lengths, np.int64(n)) for n in (2, 3))
    rows, columns = (cell_axis(graph, name, length) for name, length in zip(INPUTS, (height, width), strict=True))
    of_ways = basis(graph, weights, rows, columns, scale)
    sides = [(graph.integers(2), _one(graph, axis.types), _one(graph, axis.places)) for axis in (rows, columns)]
    of_ways = graph("Reshape", of_ways, graph("Concat", *sides[0], *sides[1], graph.integers(terms), axis=0))
    of_ways = graph("Transpose", of_ways, perm=[1, 4, 6, 0, 3, 2, 5])
    types = _shape(graph, rows.types, columns.types)
    matrices = graph("Reshape", of_ways, graph("Concat", types, graph.integers(terms, -1), axis=0))

    of_lr = graph("Transpose", coefficients(graph, config, weights, features, "lr"), perm=[3, 4, 0, 1, 2])
    of_lr = graph(
        "Reshape",
        of_lr,
        graph("Concat", graph("Mul", _one(graph, height), _one(graph, width)), graph.integers(-1), axis=0),
    )
    down = graph("Unsqueeze", graph("Mul", rows.pixels, width), graph.integers(1, 3))
    chosen = graph("Add", down, graph("Unsqueeze", columns.pixels, graph.integers(0, 2)))
    of_lr = graph("Gather", of_lr, graph("Reshape", chosen, graph.integers(-1)), axis=0)
    of_lr = graph("Reshape", of_lr, graph("Concat", types, graph.integers(-1, terms), axis=0))
    products = graph("MatMul", of_lr, matrices)

    # Of [types_v, types_h, repeats_v, repeats_h, n * 3, (corners, places_v, places_h)], n * 3 comes first.
    planes = graph("Mul", graph("Shape", features, end=1), np.array([3], np.int64))
    lr_pixels = graph("Shape", graph("Reshape", chosen, graph.integers(-1)))
    products = graph("Reshape", products, graph("Concat", lr_pixels, planes, graph.integers(-1), axis=0))
    length = graph("Gather", graph("Shape", products), np.int64(2))
    products = graph("Transpose", products, perm=[1, 0, 2])
    products = graph("Reshape", products, graph("Concat", planes, graph.integers(-1), axis=0))
    of_repeat = graph("Mul", columns.repeats, length), length
    of_type = [graph("Mul", graph("Mul", rows.repeats, columns.repeats), length)]
    of_type.insert(0, graph("Mul", of_type[0], columns.types))
    of_slot = columns.places, ONE
    of_corner = graph("Mul", rows.places, columns.places)
    parts = []
    for number, corner in enumerate(CORNERS):
        row, beside = (
            _place(graph, axis, step, *strides)
            for axis, step, *strides in zip((rows, columns), corner, of_type, of_repeat, of_slot, strict=True)
        )
        beside = graph("Add", beside, graph("Mul", of_corner, np.int64(number)))
        parts.append(graph("Gather", products, graph("Add", column(graph, row), beside), axis=1))
    size = (graph("Shape", axis.slots[0]) for axis in (rows, columns))
    total = graph("Reshape", graph.total(parts), graph("Concat", graph.integers(-1, 3), *size, axis=0))
    return graph("Add", graph("Transpose", total, perm=[0, 2, 3, 1]), RGB_MEAN)


def decode_at(graph: Graph, config: ModelConfig, weights: Weights, features: str, factor: int) -> str:
    """The result at one integer factor, [n, h * factor, w * factor, 3]: a 2x2 conv of coefficients, rearranged."""
    scale = Scale.of(factor)
    axis = axis_cells(Fraction(factor), factor)
    table: Any = SRNetwork(config).apply({"params": weights}, make_grid(scale, (factor, factor)), method="phase_table")
    below, above = axis.phases[:, 0]
    of_phases = np.asarray(table["basis"]).reshape(*table["basis"].shape[:2], len(CORNERS), -1)
    kernel = np.stack(
        [
            of_phases[np.ix_((below, above)[down], (below, above)[right])][:, :, number]
            for number, (down, right) in enumerate(CORNERS)
        ]
    )
    kernel = kernel.reshape(2, 2, factor**2, -1).transpose(2, 3, 0, 1)
    x = coefficients(graph, config, weights["upsampler"], features, "lr")
    size = graph("Shape", x, start=3)
    x = graph("Reshape", x, graph("Concat", graph.integers(0, -1), size, axis=0))
    x = graph("Pad", x, graph.integers(0, 0, 1, 1, 0, 0, 1, 1), mode="edge")
    x = graph("Conv", x, graph.parameter(np.tile(kernel, (3, 1, 1, 1))), kernel_shape=[2, 2], group=3)
    x = graph("DepthToSpace", x, blocksize=factor, mode="CRD")
    before = int(axis.slots[0])  # places of the first cell that lie before the image
    first, after = graph.integers(before, before), graph.integers(before - factor, before - factor)
    x = graph("Slice", x, first, after, graph.integers(2, 3))
    return graph("Add", graph("Transpose", x, perm=[0, 2, 3, 1]), RGB_MEAN)


def _place(graph: Graph, axis: CellAxis, step: int, of_type: Value, of_repeat: Value, of_slot: Value) -> str:
    """Of this axis where the product of the LR pixel before (step 0) or after each HR pixel stands; by strides."""
    cell, slot = axis.slots
    pixel = graph("Add", cell, np.int64(step))
    type_ = graph("Mul", graph("Mod", pixel, axis.types), of_type)
    repeat = graph("Mul", graph("Div", pixel, axis.types), of_repeat)
    return graph("Add", graph("Add", type_, repeat), graph("Mul", slot, of_slot))


def _one(graph: Graph, value: str) -> str:
    """A number as a vector of one."""
    return graph("Unsqueeze", value, graph.integers(0))


def _shape(graph: Graph, *values: str) -> str:
    """Numbers as a vector."""
    return graph("Concat", *(_one(graph, value) for value in values), axis=0)
