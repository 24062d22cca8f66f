"""What the page asks for: a picture in, its enlargement and bicubic interpolation's out."""

from __future__ import annotations

import io
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.channels import enlarge_channels
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.photos.photo import Pixels, to_8_bit
from arbsr_jax.photos.reading import photo_size, read_photo

LARGEST_UPLOAD = 25 * 2**20  # bytes
LARGEST_INPUT, LARGEST_RESULT = 6e6, 50e6  # pixels
KEPT = 4  # results; older ones are forgotten


class Service:
    """One model behind the page; requests are computed one after the other."""

    def __init__(self, upscaler: Upscaler) -> None:
        self._upscaler, self._lock = upscaler, threading.Lock()
        self._results: OrderedDict[str, dict[str, bytes]] = OrderedDict()  # PNGs by kind, by token

    def upscale(self, upload: bytes, horizontal: str, vertical: str) -> dict[str, str | float]:
        """Enlarge an uploaded file; the facts hold the token under which `picture` knows the results.

        Raises:
          ArbsrError: the file is no picture, too large, or the factors are not allowed.
        """
        scale = Scale.of(f"{horizontal}x{vertical}")
        pixels = _decoded(upload)
        height, width = scale.output_size(*pixels.shape[:2])
        if height * width > LARGEST_RESULT:
            raise ArbsrError(
                f"the result would have {width}x{height} pixels; this page makes {LARGEST_RESULT / 1e6:.0f} Mpx"
            )
        with self._lock:
            ours, seconds = self._upscaler.timed(lambda: self._upscaler.upscale(pixels, scale))
        bicubic = enlarge_channels(pixels, lambda image, _: _bicubic(image, (height, width)))
        pictures = {"ours": _png(ours), "bicubic": _png(bicubic)}
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._results[token] = pictures
            while len(self._results) > KEPT:
                self._results.popitem(last=False)
        size = {"width": width, "height": height}
        return {"token": token, **size, "seconds": round(seconds, 2), "scale": scale.in_words}

    def picture(self, token: str, kind: str) -> bytes | None:
        """One of a result's pictures as PNG; None if there is none."""
        return self._results.get(token, {}).get(kind)


def _decoded(upload: bytes) -> Pixels:
    """What was uploaded, with 8 bits."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(upload)
        try:
            height, width = photo_size(path)
            if height * width > LARGEST_INPUT:
                raise ArbsrError(
                    f"the picture has {width}x{height} pixels; this page takes {LARGEST_INPUT / 1e6:.0f} Mpx"
                )
            photo = read_photo(path)
        except ArbsrError as error:
            raise ArbsrError(str(error).replace(str(path), "the picture")) from None
    return to_8_bit(photo.pixels)


def _bicubic(image: Pixels, size: tuple[int, int]) -> Pixels:
    """Of 8 bits as MATLAB's; of 16, as transparent pictures are computed, rounded half up."""
    if image.dtype == np.uint8:
        return imresize(image, height=size[0], width=size[1])
    large = np.floor(imresize(image.astype(np.float64), height=size[0], width=size[1]) + 0.5)
    return np.clip(large, 0, np.iinfo(image.dtype).max).astype(image.dtype)


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
