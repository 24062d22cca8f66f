"""Pictures of one to four channels through a network that knows RGB alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.inference.arguments import GREY_LEVEL

Progress = Callable[[float], object]
AnyPixels = Shaped[np.ndarray, "*images _ _ _"]  # height, width, channels
Enlarge = Callable[[AnyPixels, Progress], AnyPixels]  # of RGB


def upscale_any_channels(pixels: AnyPixels, enlarge: Enlarge, progress: Progress = lambda share: None) -> AnyPixels:
    """Larger pictures of the same channels and type, by any way to enlarge RGB of uint8, uint16 and float32.

    Gray is the mean of the three channels that come out. Colours are multiplied by alpha before and divided after, so
    that colours hidden under transparent pixels do not shine through at edges.

    Args:
      pixels: a picture, or several of one size; alpha is the last channel, not premultiplied.
      enlarge: from RGB and a function to call with the share that is done, to larger RGB of the same type.
      progress: called with the share that is done.
    """
    colour, alpha = (pixels[..., :-1], pixels[..., -1:]) if pixels.shape[-1] in (2, 4) else (pixels, None)
    if alpha is None:
        return _colour(colour, enlarge, progress)
    if np.ptp(alpha) == 0:
        large = _colour(np.ascontiguousarray(colour), enlarge, progress)
        return np.concatenate([large, np.full_like(large[..., :1], alpha.flat[0])], axis=-1)
    top = np.float64(255 * GREY_LEVEL[pixels.dtype])
    # Dark colours under thin alpha need more than 8 bits.
    working = np.float32 if pixels.dtype.kind == "f" else np.uint16
    full = 255 * GREY_LEVEL[np.dtype(working)]
    share = alpha / top
    premultiplied = _typed(colour * share / top * full, working)
    large = _colour(premultiplied, enlarge, lambda done: progress(done / 2)) / full
    large_alpha = _colour(_typed(share * full, working), enlarge, lambda done: progress((1 + done) / 2)) / full
    divided = np.divide(large, large_alpha, out=np.zeros_like(large), where=large_alpha > 0)
    whole = np.concatenate([np.clip(divided, 0, 1), large_alpha], axis=-1)
    return _typed(whole * top, pixels.dtype.type)


def _colour(pixels: AnyPixels, enlarge: Enlarge, progress: Progress) -> AnyPixels:
    if pixels.shape[-1] == 3:
        return enlarge(pixels, progress)
    large = enlarge(np.repeat(pixels, 3, axis=-1), progress)
    return _typed(large.mean(axis=-1, keepdims=True, dtype=np.float64), pixels.dtype.type)


def _typed(values: np.ndarray, dtype: type) -> AnyPixels:
    """Values as a type, rounded half up if it is of integers."""
    return (values if np.issubdtype(dtype, np.floating) else np.floor(values + 0.5)).astype(dtype)
