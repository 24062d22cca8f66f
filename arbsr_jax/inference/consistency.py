"""How far a large picture is from its small one when it is made small again, and how to bring it there.

Many large pictures have one small one; a faithful one has the right one. Projection adds to the large picture what its
small one lacks, enlarged (back-projection, Irani and Peleg 1991), by MATLAB's bicubic resizing both ways.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Shaped

from arbsr_jax.imaging.resize import imresize
from arbsr_jax.inference.arguments import GREY_LEVEL

ALLOWED = 1.0  # grey levels
MOST_STEPS = 30

Small = Shaped[np.ndarray, "height width _"]
Large = Shaped[np.ndarray, "new_height new_width _"]


class ReconstructionError(NamedTuple):
    """|downscaled(large) - small| in grey levels of 255."""

    mean: float
    largest: float


def reconstruction_error(large: Large, small: Small) -> ReconstructionError:
    """How far a picture is from its small one; colours count as far as they are opaque.

    Args:
      large: uint8, uint16, or floats from 0 to 1; with alpha or without.
      small: of the same type and channels.
    """
    return _distance(_levels(large), _levels(small))


def back_project(large: Large, small: Small) -> tuple[Large, ReconstructionError]:
    """The large picture brought to at most one grey level from its small one, if some steps suffice.

    Where light is clipped, they may not. The nearest of all steps is returned, with its distance.
    """
    target, exact = _levels(small), _levels(large)
    best, nearest = large, _distance(exact, target)
    for _ in range(MOST_STEPS):
        if nearest.largest <= ALLOWED:
            break
        missing = target - _shrunk(exact, target.shape)
        exact = np.clip(exact + imresize(missing, height=large.shape[0], width=large.shape[1]), 0, 255)
        if large.shape[-1] in (2, 4):
            exact[..., :-1] = np.minimum(exact[..., :-1], exact[..., -1:])  # nothing is lighter than it is opaque
        rounded = _pixels(exact, large)
        reached = _distance(_levels(rounded), target)
        if reached.largest < nearest.largest:
            best, nearest = rounded, reached
    return best, nearest


def _distance(large: np.ndarray, small: np.ndarray) -> ReconstructionError:
    """Of grey levels."""
    apart = np.abs(_shrunk(large, small.shape) - small)
    return ReconstructionError(float(apart.mean()), float(apart.max()))


def _shrunk(levels: Float64[np.ndarray, "new_height new_width _"], shape: tuple[int, ...]) -> np.ndarray:
    return imresize(levels, height=shape[0], width=shape[1])


def _levels(pixels: Shaped[np.ndarray, "_ _ _"]) -> Float64[np.ndarray, "_ _ _"]:
    """Grey levels; colours multiplied by alpha."""
    levels = pixels / np.float64(GREY_LEVEL[pixels.dtype])
    if pixels.shape[-1] in (2, 4):
        levels[..., :-1] *= levels[..., -1:] / 255
    return levels


def _pixels(levels: Float64[np.ndarray, "_ _ _"], like: Shaped[np.ndarray, "_ _ _"]) -> np.ndarray:
    """The other way round."""
    if like.shape[-1] in (2, 4):
        colours = np.divide(
            levels[..., :-1] * 255, levels[..., -1:], out=np.zeros_like(levels[..., :-1]), where=levels[..., -1:] > 0
        )
        levels = np.concatenate([np.minimum(colours, 255), levels[..., -1:]], axis=-1)
    values = levels * GREY_LEVEL[like.dtype]
    return (values if like.dtype.kind == "f" else np.floor(values + 0.5)).astype(like.dtype)
