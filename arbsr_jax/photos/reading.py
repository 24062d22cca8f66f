"""From a file to a `Photo`."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, ImageCms

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import opened
from arbsr_jax.photos.exif import orientation, upright
from arbsr_jax.photos.photo import Photo, Pixels

# What turns pixels the right way up, by EXIF's orientation.
TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p.swapaxes(0, 1)[:, ::-1],
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p.swapaxes(0, 1)[::-1],
}
TRANSPOSING = (5, 6, 7, 8)
DIRECT = {"L": "L", "LA": "LA", "RGB": "RGB", "RGBA": "RGBA", "1": "L", "La": "LA", "RGBa": "RGBA"}
COUNTED = ("GIF", "PNG", "WEBP", "TIFF")  # formats whose frames are pictures (a JPEG's may be thumbnails)


def read_photo(path: Path) -> Photo:
    """The first image of a file: PNG, JPEG, WebP, TIFF, BMP or what else Pillow reads.

    Raises:
      ArbsrError: the file is missing, damaged, too large to be sane, or of a kind that has no 8- or 16-bit pixels.
    """
    with closing(read_photos(path)) as photos:
        return next(photos)


def read_photos(path: Path) -> Generator[Photo]:
    """Every image of a file, one after another, from one pass through it.

    Raises:
      ArbsrError: as `read_photo`.
    """
    with opened(path) as image:
        if image.format == "PNG":
            image.verify()  # checksums, which reading the pixels alone does not look at
    with opened(path) as image:
        frames = getattr(image, "n_frames", 1) if image.format in COUNTED else 1
        for frame in range(frames):
            if frame:
                image.seek(frame)
            raw_mode = _raw_mode(image)  # before EXIF, for which Pillow may load the pixels and forget how they lay
            turn, exif = TURNS.get(orientation(image)), upright(image)
            pixels, icc, remarks = _pixels(image, raw_mode, path, frame)
            if turn:
                pixels, remarks = turn(pixels), (*remarks, "turned upright")
            yield Photo(np.ascontiguousarray(pixels), icc, exif, frames, remarks)


def photo_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels of what `read_photo` gives, from the file's header alone.

    Raises:
      ArbsrError: the file cannot be read.
    """
    with opened(path) as image:
        turned = orientation(image) in TRANSPOSING
        return (image.width, image.height) if turned else (image.height, image.width)


def _pixels(image: Image.Image, raw_mode: str, path: Path, frame: int) -> tuple[Pixels, bytes | None, tuple]:
    """Pixels, the profile that holds for them, and remarks."""
    mode, icc = image.mode, image.info.get("icc_profile")
    if mode.startswith("I;16") or mode == "I":
        return _gray16(image), icc, ()
    if ";16" in raw_mode and mode in ("RGB", "RGBA"):
        return _colour16(image, path, frame), icc, ()
    if mode in ("P", "PA") or (mode == "RGB" and "transparency" in image.info):
        clear = mode == "PA" or "transparency" in image.info
        kept = image.convert("RGBA" if clear else "RGB")
        return np.asarray(kept), icc, (f"palette became {kept.mode}",) if mode != "RGB" else ()
    if mode in DIRECT:
        pixels = np.asarray(image.convert(DIRECT[mode]))
        return pixels.reshape(*pixels.shape[:2], -1), icc, ()
    if mode == "CMYK":
        return np.asarray(_from_cmyk(image, icc)), None, ("CMYK became sRGB" if icc else "CMYK became RGB",)
    if mode in ("YCbCr", "HSV", "RGBX"):
        return np.asarray(image.convert("RGB")), icc, (f"{mode} became RGB",)
    raise ArbsrError(f"{path}: pixels of kind {mode!r} are not supported; save it with 8 or 16 bits a channel")


def _raw_mode(image: Image.Image) -> str:
    """How the pixels lie in the file: Pillow reads 16-bit colour as 8-bit without a word."""
    tile: Any = getattr(image, "tile", None)
    if not tile:
        return ""
    arguments = tile[0][3]
    return str(arguments if isinstance(arguments, str) else arguments[0] if arguments else "")


def _gray16(image: Image.Image) -> Pixels:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ValueError("32-bit gray values beyond 16 bits")
    return values.astype(np.uint16)[..., None]


def _colour16(image: Image.Image, path: Path, frame: int) -> Pixels:
    image.load()  # Pillow finds damage first, and says it in its own words
    page: dict[str, Any] = {"page": frame} if image.format == "TIFF" else {}
    try:
        pixels = pyvips.Image.new_from_buffer(path.read_bytes(), "", fail_on="error", **page).numpy()
    except pyvips.Error as error:
        raise ValueError(" ".join(str(error).split())) from None
    if pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[:2] != (image.height, image.width):
        raise ValueError(f"its 16-bit pixels are laid out as {pixels.dtype}{list(pixels.shape)}")
    return pixels


def _from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc:
        try:
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
            turned: Any = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            return turned
        except ImageCms.PyCMSError:
            pass  # a damaged profile: as if there were none
    return image.convert("RGB")
