"""Aliases of arrays that several rooms speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Shaped, UInt8

if TYPE_CHECKING:
    from jax import Array
else:
    Array = Any  # numpy's and JAX's arrays alike: JAX takes seconds to import

Pixels = Shaped[np.ndarray, "_ _ _"]  # [height, width, channels]; in files uint8 or uint16
RGB8 = UInt8[np.ndarray, "height width 3"]
Images = Float[Any, "batch height width channels"]
Features = Float[Array, "batch height width channels"]
