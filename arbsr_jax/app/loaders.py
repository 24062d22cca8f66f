"""Kinds of files that libvips does not read here: simple ones by Pillow, rare ones by OpenImageIO, an extra."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from arbsr_jax.app import jpeg_xl, tiff
from arbsr_jax.app.colour import encode_srgb
from arbsr_jax.app.photo import Metadata, Photo
from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.imaging.pixels import SIMPLE, simple_pixels
from arbsr_jax.typing import Pixels

PILLOWS = {"png": "PNG", "heif": "AVIF", "tiff": "TIFF"}  # its names of kinds that libvips reads in part
KNOWN = ("Exif:", "GPS:", "IPTC:")  # OpenImageIO's names of metadata


def read_simple(path: Path) -> Iterator[Photo]:
    """The picture of a file that Pillow reads.

    Raises:
      Exception: whatever Pillow raises on a damaged file.
    """
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=SIMPLE) as image:
        pixels, remarks = simple_pixels(image)
        yield Photo(pixels, Metadata(), 1, remarks)


def simple_size(path: Path) -> tuple[int, int]:
    """(height, width) of such a file, from the header alone.

    Raises:
      Exception: whatever Pillow raises on a damaged file.
    """
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=SIMPLE) as image:
        return image.height, image.width


def rare_size(path: Path) -> tuple[int, int]:
    """(height, width) of a file that OpenImageIO reads, from the header alone.

    Raises:
      ArbsrError: OpenImageIO is not installed.
      Exception: whatever it raises on a damaged file.
    """
    spec = _open(path)[0].spec()
    return spec.height, spec.width


def read_rare(path: Path) -> Iterator[Photo]:
    """A picture by OpenImageIO; linear light, as in OpenEXR, becomes 16-bit sRGB.

    Raises:
      ArbsrError: OpenImageIO is not installed.
      ValueError: the file is damaged, or of no kind that it knows.
    """
    file, library = _open(path)
    spec, remarks = file.spec(), []
    float_kind = spec.format.basetype in (library.HALF, library.FLOAT, library.DOUBLE)
    kind = library.FLOAT if float_kind else library.UINT8 if spec.format == library.UINT8 else library.UINT16
    pixels = file.read_image(0, 0, 0, spec.nchannels, kind)
    if pixels is None:
        raise ValueError(file.geterror() or "damaged")
    alpha = spec.alpha_channel
    colours = 1 if spec.nchannels - (alpha >= 0) < 3 else 3
    wanted = [*range(colours), *([alpha] if alpha >= 0 else [])]
    if spec.nchannels > len(wanted):
        remarks.append(f"{spec.nchannels - len(wanted)} more channels left out")
    pixels = pixels[..., wanted]
    if float_kind:
        pixels = _from_linear(pixels, colours)
        remarks.append("linear light became 16-bit sRGB, clipped at white")
    boxes = jpeg_xl.read_boxes(path.read_bytes()) if file.format_name() == "jpegxl" else jpeg_xl.Boxes(None, None)
    if not boxes.exif and any(one.name.startswith(KNOWN) for one in spec.extra_attribs):
        remarks.append("EXIF and IPTC of this kind of file are not kept")
    icc = spec.getattribute("ICCProfile")
    profile = None if icc is None or float_kind else np.asarray(icc, np.uint8).tobytes()
    resolution = tiff.exif_resolution(boxes.exif)
    known = Metadata(icc=profile, exif=boxes.exif, xmp=boxes.xmp, resolution=resolution, kind=file.format_name())
    yield Photo(np.ascontiguousarray(pixels), known, 1, tuple(remarks))


def frames(path: Path, kind: str) -> Iterator[tuple[int, Pixels, tuple[str, ...]]]:
    """(number of frames, pixels of 8 bits, remarks) for every frame that Pillow reads of a file of libvips' kind."""
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=(PILLOWS[kind],)) as image:
        count = getattr(image, "n_frames", 1)
        for frame in range(count):
            image.seek(frame)
            yield count, *simple_pixels(image)


def openimageio(path: Path) -> Any:
    """The library, which reads and writes rare kinds of files.

    Raises:
      ArbsrError: it is not installed.
    """
    try:
        return importlib.import_module("OpenImageIO")
    except ImportError:
        raise ArbsrError(f"{path}: {missing_extra('OpenImageIO, for this kind of file,', 'formats')}") from None


def _open(path: Path) -> tuple[Any, Any]:
    """OpenImageIO's input and the library itself."""
    library = openimageio(path)
    settings = library.ImageSpec()
    settings.attribute("oiio:UnassociatedAlpha", 1)
    file = library.ImageInput.open(str(path), settings)
    if file is None:
        raise ValueError(library.geterror() or "of a kind that is not known")
    return file, library


def _from_linear(light: np.ndarray, colours: int) -> Pixels:
    """16-bit sRGB of linear light; premultiplied alpha is divided out."""
    light = np.nan_to_num(light.astype(np.float64))
    colour, alpha = light[..., :colours], np.clip(light[..., colours:], 0, 1)
    if alpha.shape[-1]:
        colour = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
    whole = np.concatenate([encode_srgb(colour), alpha], axis=-1)
    return np.floor(whole * np.iinfo(np.uint16).max + 0.5).astype(np.uint16)
