"""Photographs of every kind through a network that knows RGB alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.inference.arguments import DEPTHS, ScaleLike, SizeLike
from arbsr_jax.inference.upscaler import Progress, Upscaler
from arbsr_jax.photos.photo import Photo, to_8_bit

Enlarge = Callable[..., Shaped[np.ndarray, "new_height new_width 3"]]
DEEPEST = np.iinfo(np.uint16).max


def upscale_photo(
    upscaler: Upscaler,
    photo: Photo,
    scale: ScaleLike | None = None,
    size: SizeLike | None = None,
    *,
    ensemble: bool = False,
    progress: Progress | None = None,
) -> Photo:
    """Super-resolve a photograph; gray stays gray, 16 bits stay 16, transparency is enlarged with the colours.

    Colours are multiplied by alpha before and divided after, so that colours hidden under transparent pixels do not
    shine through at edges.

    Args:
      upscaler: the network.
      photo: the photograph.
      scale: as in `Upscaler.upscale`.
      size: as in `Upscaler.upscale`.
      ensemble: whether to average over eight views.
      progress: called with the share that is done.

    Raises:
      ArbsrError: as in `Upscaler.upscale`.
    """
    passes = 2 if _alpha_varies(photo) else 1

    def enlarge(image: Shaped[np.ndarray, "height width 3"], number: int) -> Shaped[np.ndarray, "h w 3"]:
        def share(done: float) -> None:
            if progress:
                progress((number + done) / passes)

        return upscaler.upscale(image, scale, size, share, ensemble=ensemble)

    return enlarge_photo(photo, enlarge)


def enlarge_photo(photo: Photo, enlarge: Enlarge) -> Photo:
    """A photograph of any kind, by any way to enlarge RGB of 8 and 16 bits: `enlarge(image, number of the pass)`."""
    pixels = photo.pixels
    if pixels.shape[-1] in (2, 4):
        result = _with_alpha(pixels, enlarge, constant=not _alpha_varies(photo))
    else:
        result = _colour(pixels, partial(enlarge, number=0))
    return dataclasses.replace(photo, pixels=result)


def _alpha_varies(photo: Photo) -> bool:
    return photo.pixels.shape[-1] in (2, 4) and bool(np.ptp(photo.pixels[..., -1]) > 0)


def _colour(pixels: np.ndarray, enlarge: Enlarge) -> np.ndarray:
    """Gray or RGB; gray is the mean of the three channels that come out."""
    if pixels.shape[-1] == 3:
        return enlarge(pixels)
    large = enlarge(np.repeat(pixels, 3, axis=-1)).astype(np.uint32)
    return ((large.sum(axis=-1, keepdims=True) * 2 + 3) // 6).astype(pixels.dtype)


def _with_alpha(pixels: np.ndarray, enlarge: Enlarge, *, constant: bool) -> np.ndarray:
    colour, alpha = pixels[..., :-1], pixels[..., -1:]
    if constant:
        large = _colour(np.ascontiguousarray(colour), partial(enlarge, number=0))
        return np.concatenate([large, np.full_like(large[..., :1], alpha.flat[0])], axis=-1)
    deep = np.uint32(DEEPEST // np.iinfo(pixels.dtype).max)
    colour, alpha = (part.astype(np.uint32) * deep for part in (colour, alpha))
    premultiplied = ((colour * alpha + DEEPEST // 2) // DEEPEST).astype(np.uint16)
    large = _colour(premultiplied, partial(enlarge, number=0)).astype(np.float64)
    large_alpha = _colour(alpha.astype(np.uint16), partial(enlarge, number=1))
    divided = np.divide(large * DEEPEST, large_alpha, out=np.zeros_like(large), where=large_alpha > 0)
    whole = np.concatenate([np.clip(np.floor(divided + 0.5), 0, DEEPEST).astype(np.uint16), large_alpha], axis=-1)
    return whole if DEPTHS[pixels.dtype] > 1 else to_8_bit(whole)
