"""What people hand to `upscale`: files, PIL images, and arrays of any library; and the way back to the same kind."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from arbsr_jax.errors import ArbsrError, reason
from arbsr_jax.imaging.image_files import read_pixels
from arbsr_jax.inference.arguments import GREY_LEVEL

DEEP_GRAY = ("I;16", "I;16B", "I;16L", "I;16N", "I")  # PIL's modes of 16 bits
THROUGH_RGB = ("CMYK", "YCbCr", "HSV", "LAB", "RGBX")
NEEDED = (
    "give a file, a PIL image, or an array [height, width], [height, width, 1 to 4] or [images, height, width, 1 to 4]"
)
FromArray = Callable[[np.ndarray], Any]


def to_array(image: Any) -> tuple[np.ndarray, FromArray]:
    """Pixels [..., height, width, channels] as uint8, uint16 or float32, and what makes the result of their kind.

    Args:
      image: a path of a PNG, JPEG, WebP, TIFF, GIF, AVIF or BMP; a PIL image; or an array of numpy, JAX or any library
        with DLPack (PyTorch): uint8, uint16, or floats from 0 to 1; [height, width], [height, width, channels] or
        [images, height, width, channels].

    Raises:
      ArbsrError: it is none of that.
    """
    if isinstance(image, (str, Path)):
        try:
            return read_pixels(Path(image)), lambda pixels: pixels
        except ArbsrError as error:
            more = "; arbsr_jax.read_image reads more kinds of files" if Path(image).is_file() else ""
            raise ArbsrError(f"{error}{more}") from None
    if isinstance(image, Image.Image):
        return _of_pil(image)
    if isinstance(image, np.matrix):
        raise ArbsrError(f"the image is a numpy matrix; {NEEDED}")
    if isinstance(image, np.ndarray):
        pixels, back = image, lambda pixels: pixels
    elif hasattr(image, "__dlpack__"):
        pixels, back = _by_dlpack(image)
    else:
        raise ArbsrError(f"the image is {type(image).__name__}; {NEEDED}")
    flat = pixels.ndim == 2
    whole = pixels[..., None] if flat else pixels
    _check(pixels, whole)
    if pixels.dtype.kind == "f":
        return whole.astype(np.float32), lambda large: back((large[..., 0] if flat else large).astype(pixels.dtype))
    return whole, lambda large: back(large[..., 0] if flat else large)


def _check(given: np.ndarray, whole: np.ndarray) -> None:
    what = f"the image is {given.dtype}{list(given.shape)}"
    if whole.ndim not in (3, 4) or not 1 <= whole.shape[-1] <= 4:
        raise ArbsrError(f"{what}; {NEEDED}")
    if 0 in whole.shape:
        raise ArbsrError(f"{what}: empty")
    if given.dtype.kind == "f":
        low, high = float(given.min()), float(given.max())
        if not (low >= 0 and high <= 1):  # nor if one is NaN
            raise ArbsrError(f"{what} with values from {low:g} to {high:g}; floats go from 0 to 1")
    elif given.dtype not in GREY_LEVEL:
        raise ArbsrError(f"{what}; allowed: uint8, uint16, and floats from 0 to 1")


def _by_dlpack(image: Any) -> tuple[np.ndarray, FromArray]:
    """An array of another library, and back to it if it can take one."""
    jax = sys.modules.get("jax")
    if jax and isinstance(image, jax.Array):
        return np.asarray(jax.device_get(image)), jax.numpy.asarray
    for step in ("detach", "cpu"):  # of PyTorch, whose tensors may be elsewhere, and may want gradients
        image = getattr(image, step, lambda same=image: same)()
    library = importlib.import_module(type(image).__module__.partition(".")[0])
    from_dlpack = getattr(library, "from_dlpack", None)
    return np.from_dlpack(image), lambda pixels: from_dlpack(np.ascontiguousarray(pixels)) if from_dlpack else pixels


def _of_pil(image: Image.Image) -> tuple[np.ndarray, FromArray]:
    """Mode and depth stay, but for palettes and black and white, which cannot hold what is between."""
    try:
        image.load()
    except Exception as error:  # closed, cut off, damaged
        raise ArbsrError(f"the PIL image cannot be read ({reason(error)}); open it again") from None
    mode, known = image.mode, dict(image.info)
    if 0 in image.size:
        raise ArbsrError(f"the image is {image.width}x{image.height}: empty")

    def back(pixels: np.ndarray, through: str | None = None) -> Image.Image:
        made = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        made = made if through is None else made.convert(through)
        made.info.update({name: value for name, value in known.items() if name != "transparency"})
        return made

    if mode in DEEP_GRAY:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise ArbsrError(f"the image is of mode {mode} with values beyond 16 bits; allowed: 0 to 65535")
        return values.astype(np.uint16)[..., None], lambda pixels: back(pixels, "I" if mode == "I" else None)
    if mode in THROUGH_RGB:
        return np.asarray(image.convert("RGB")), lambda pixels: back(pixels, None if mode == "RGBX" else mode)
    kept = {"1": "L", "P": "RGB", "PA": "RGBA", "La": "LA", "RGBa": "RGBA"}.get(mode, mode)
    if "transparency" in image.info and kept in ("L", "RGB"):
        kept = "LA" if kept == "L" else "RGBA"
    if kept not in ("L", "LA", "RGB", "RGBA"):
        raise ArbsrError(
            f"the image is of mode {mode}; allowed: 1, L, LA, P, RGB, RGBA, I;16, I, CMYK, YCbCr, HSV, LAB"
        )
    pixels = np.asarray(image.convert(kept))
    return pixels.reshape(*pixels.shape[:2], -1), back
