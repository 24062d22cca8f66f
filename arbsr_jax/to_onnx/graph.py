"""An ONNX graph under construction: nodes and constants get their names by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # of ONNX 1.12, which every runtime since 2022 reads
FLOAT = TensorProto.FLOAT
HALF = TensorProto.FLOAT16
INTEGER = TensorProto.INT64
Value = str | np.ndarray | np.generic  # what an earlier node made, by its name, or a constant


class Graph:
    """Nodes in the order in which they were added.

    Attributes:
      half: whether parameters are stored as float16, which runtimes turn into float32 when they load the file.
    """

    def __init__(self, *, half: bool = False) -> None:
        self.half = half
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._tensors: list[onnx.TensorProto] = []

    def __call__(self, operator: str, *inputs: Value, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        return self.several(operator, 1, *inputs, **attributes)[0]

    def several(self, operator: str, count: int, *inputs: Value, **attributes: Any) -> list[str]:
        """Add a node with some outputs; returns their names."""
        number = len(self._nodes)
        names = [f"{operator}_{number}" if count == 1 else f"{operator}_{number}_{n}" for n in range(count)]
        given = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self._nodes.append(helper.make_node(operator, given, names, **attributes))
        return names

    def alias(self, name: str, value: str) -> None:
        """Give a value another name."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))

    def constant(self, value: np.ndarray | np.generic) -> str:
        """The name of a constant; equal ones share it."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = f"constant_{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, self._constants[key]))
        return self._constants[key]

    def parameter(self, value: np.ndarray) -> str:
        """The name of a float32 array that is part of the weights."""
        value = np.asarray(value, np.float32)
        return self("Cast", value.astype(np.float16), to=FLOAT) if self.half else self.constant(value)

    def integers(self, *values: int) -> str:
        """A vector of integers, such as a shape."""
        return self.constant(np.array(values, np.int64))

    def total(self, values: Sequence[str]) -> str:
        """The sum of some arrays."""
        return self("Sum", *values)

    def finish(
        self,
        name: str,
        inputs: Mapping[str, tuple[int, Sequence[int | str]]],
        output: tuple[str, str, Sequence[int | str]],
        metadata: dict[str, str],
        *,
        half: bool = False,
    ) -> onnx.ModelProto:
        """The checked model.

        Args:
          name: of the graph.
          inputs: by name their type and shape; words in a shape stand for any size.
          output: the name that it shall have, the name that it has here, and its shape.
          metadata: words to keep in the file.
          half: whether the output is float16.
        """
        called, made, shape = output
        self.alias(called, made)
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info(key, *given) for key, given in inputs.items()],
            [helper.make_tensor_value_info(called, HALF if half else FLOAT, shape)],
            self._tensors,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, producer_name="arbsr_jax", opset_imports=[opset], ir_version=IR_VERSION)
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model
