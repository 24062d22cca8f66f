"""Photographs of every kind in memory, and a model that is quick."""

import io
import os
import re
import struct

import imagecodecs
import numpy as np
import pyvips
import skimage.data
import tifffile
from PIL import Image, ImageCms

from arbsr_jax.app.png import with_chunks
from arbsr_jax.model_file import save_model
from tests.conftest import ROOT
from tests.models.fixtures import SMALL, randomized

EXIF_ARTIST, ORIENTATION = 0x013B, 0x0112
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>"
DPI = (300, 150)


def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def gray_icc(gamma: float = 1.8) -> bytes:
    """A small profile of gray with a power curve (ICC.1:2001)."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    text = b"gray"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + fixed(0.9642, 1, 0.8249),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)),
    }
    table, body, place = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = bytearray(128)
    header[0:4] = struct.pack(">I", place + len(body))
    header[8:12], header[12:24] = bytes((2, 0x10, 0, 0)), b"mntrGRAYXYZ "
    header[36:40], header[68:80] = b"acsp", fixed(0.9642, 1, 0.8249)
    return bytes(header) + table + body


def exif(orientation: int | None = None) -> Image.Exif:
    block = Image.Exif()
    block[EXIF_ARTIST] = "someone"
    if orientation:
        block[ORIENTATION] = orientation
    return block


def pixels(channels: int, depth: int, height: int = 13, width: int = 18) -> np.ndarray:
    """A real picture with that many channels; alpha is a disc with a soft edge."""
    rgb = skimage.data.astronaut()[40 : 40 + height, 200 : 200 + width].astype(np.float64)
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(y - height / 2, x - width / 2)
    alpha = np.clip(255 * (1.2 - radius / (height / 2)), 0, 255)[..., None]
    colour = rgb if channels > 2 else rgb.mean(axis=-1, keepdims=True)
    whole = np.concatenate([colour, alpha], axis=-1) if channels in (2, 4) else colour
    return np.round(whole * (257 if depth == 16 else 1)).astype(np.uint16 if depth == 16 else np.uint8)


def quick_model(folder):
    """A model file of the small network, random: what is tested here is files, not pixels."""
    path = folder / "quick.safetensors"
    save_model(path, SMALL, randomized(SMALL), {})
    return path


def png(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def save_turned(path, upright: np.ndarray, orientation: int, compression: str | None = None) -> None:
    """A TIFF or PNG of 16 bits whose tag says that its pixels are to be turned."""
    if path.suffix == ".png":
        block = exif(orientation).tobytes().removeprefix(b"Exif\0\0")
        path.write_bytes(with_chunks(imagecodecs.png_encode(upright), ((b"eXIf", block),)))
        return
    pixels, kind = upright.squeeze(), "rgb" if upright.shape[-1] == 3 else "minisblack"
    tags = [(ORIENTATION, "H", 1, orientation, True)]
    tifffile.imwrite(path, pixels, photometric=kind, compression=compression, extratags=tags, metadata=None)


def save_avif(path, pixels: np.ndarray, bits: int) -> None:
    """An AVIF with more than 8 bits, without loss."""
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="rgb16")
    path.write_bytes(image.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True))


def save_heic(path, pixels: np.ndarray) -> None:
    """As phones write it, turned by EXIF and by the container; of 10 bits if it has 16."""
    import pillow_heif

    deep, alpha = pixels.dtype == np.uint16, pixels.shape[-1] == 4
    mode = ("RGBA" if alpha else "RGB") + (";16" if deep else "")
    file = pillow_heif.from_bytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes())
    known = {"exif": exif().tobytes(), "xmp": XMP, "icc_profile": icc()}
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    file.save(path, quality=100, chroma=444, **known)


def dng(height: int = 26, width: int = 36) -> tuple[np.ndarray, dict]:
    """A gray mosaic that a camera held upright would store turned, and the tags of a DNG."""
    colours = [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570]
    matrix = [part for value in colours for part in (round(10_000 * value), 10_000)]
    tags = [
        (271, "s", 0, "Test", True),
        (272, "s", 0, "Camera", True),
        (ORIENTATION, "H", 1, 6, True),
        (EXIF_ARTIST, "s", 0, "someone", True),
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (50708, "s", 0, "Test Camera", True),
        (50714, "H", 1, 512, True),  # BlackLevel
        (50717, "I", 1, 16_383, True),  # WhiteLevel
        (50721, "2i", 9, matrix, True),  # ColorMatrix1, for D65
        (50728, "2I", 3, (1,) * 6, True),  # AsShotNeutral
        (50778, "H", 1, 21, True),
    ]
    mosaic = np.linspace(600, 12_000, height * width).astype(np.uint16).reshape(width, height)
    return mosaic, {"photometric": 32_803, "extratags": tags, "subfiletype": 0, "metadata": None, "software": False}


def save_dng(path) -> None:
    """Raw pixels of a camera."""
    mosaic, options = dng()
    tifffile.imwrite(path, mosaic, **options)


def check_table(name: str, header: str, lines: list[str]) -> None:
    """The table NAME of docs/NAME.md is made of these lines; ARBSR_WRITE_DOCS=1 writes it again."""
    document = ROOT / "docs" / f"{name}.md"
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    before = document.read_text()
    text = place.sub(lambda found: found[1] + header + "\n".join(lines) + "\n" + found[2], before)
    assert text.count(header) == 1
    if os.environ.get("ARBSR_WRITE_DOCS"):
        document.write_text(text)
    assert document.read_text() == text
