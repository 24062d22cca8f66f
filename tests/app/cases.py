"""Files of every kind, each made by another library than the one that reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import OpenImageIO
import pillow_jxl  # noqa: F401 (Pillow writes JPEG XL by it)
import tifffile
from PIL import Image, PngImagePlugin

from arbsr_jax.app import png
from tests.app import fixtures


class Case(NamedTuple):
    """One kind of file: how it is written, and which pixels are in it."""

    ending: str
    save: Callable[[Path], object]
    pixels: np.ndarray | None = None
    tolerance: int = 0


def plain(mode):
    return Image.fromarray(fixtures.pixels(3, 8)).convert(mode)


def channels_of(image):
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1)


def pillow(ending, image, pixels=None, tolerance=0, *, known=True, **options):
    """By Pillow, with all metadata that it writes there."""
    gray = image.mode in ("1", "L", "LA")
    metadata = (
        {"icc_profile": fixtures.gray_icc() if gray else fixtures.icc(), "exif": fixtures.exif()} if known else {}
    )
    if image.mode == "CMYK":
        metadata.pop("icc_profile")
    if known and ending in ("png", "jpg", "tif"):
        metadata["dpi"] = fixtures.DPI
    if known and ending in ("jpg", "webp", "avif", "jxl"):
        metadata["xmp"] = fixtures.XMP
    if known and ending == "jxl":
        metadata["exif"] = fixtures.exif().tobytes()
    return Case(ending, lambda path: image.save(path, **metadata, **options), pixels, tolerance)


def png_with(image, *chunks, pixels=None):
    """A PNG with chunks behind its header."""

    def save(path):
        image.save(path, "PNG")
        path.write_bytes(png.with_chunks(path.read_bytes(), chunks))

    return Case("png", save, pixels)


def with_text():
    words = PngImagePlugin.PngInfo()
    words.add_text("parameters", "a cat, steps: 20, seed: 7")
    words.add_itxt("XML:com.adobe.xmp", fixtures.XMP.decode())
    return pillow("png", plain("RGB"), channels_of(plain("RGB")), pnginfo=words)


def deep_png(channels):
    pixels = fixtures.pixels(channels, 16)
    return Case("png", lambda path: path.write_bytes(imagecodecs.png_encode(pixels.squeeze())), pixels)


def tiff(pixels, expected=None, tolerance=0, **options):
    kind = {"photometric": "rgb" if pixels.shape[-1] > 2 else "minisblack", "planarconfig": "contig"} | options
    if kind["planarconfig"] == "separate":
        stored = np.moveaxis(pixels, -1, 0)
    else:
        stored = pixels[..., 0] if pixels.shape[-1] == 1 else pixels

    def save(path):
        tifffile.imwrite(path, stored, resolution=fixtures.DPI, resolutionunit="INCH", metadata=None, **kind)

    return Case("tif", save, pixels if expected is None else expected, tolerance)


def coded(ending, encode, pixels, tolerance=0, **options):
    return Case(ending, lambda path: path.write_bytes(encode(pixels.squeeze(), **options)), pixels, tolerance)


def with_iptc():
    """A JPEG with IPTC in its Photoshop segment, and everything else."""
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + (12).to_bytes(4, "big") + b"\x1c\x02\x78\0\x07caption"

    def save(path):
        pillow("jpg", plain("RGB")).save(path)
        content = path.read_bytes()
        segment = b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block
        path.write_bytes(content[:2] + segment + content[2:])

    return Case("jpg", save)


def pnm(pixels, top):
    header = f"P{6 if pixels.shape[-1] == 3 else 5}\n{pixels.shape[1]} {pixels.shape[0]}\n{top}\n".encode()
    kind = ">u2" if top > 255 else "u1"
    return Case("ppm", lambda path: path.write_bytes(header + pixels.astype(kind).tobytes()), pixels)


def exr(pixels):
    """Linear light of 16-bit sRGB values, as half floats."""

    def save(path):
        value = pixels / 65535
        light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
        file = OpenImageIO.ImageOutput.create(str(path))
        file.open(str(path), OpenImageIO.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "half"))
        file.write_image(light.astype(np.float32))
        file.close()

    return Case("exr", save, pixels, 40)


def transparent(pixels, where):
    """Pixels with an alpha that is 0 where `where` says, as tRNS asks."""
    top = np.iinfo(pixels.dtype).max
    return np.concatenate([pixels, np.where(where, 0, top).astype(pixels.dtype)[..., None]], axis=-1)


def animation():
    return {"save_all": True, "append_images": [plain("RGB").rotate(180)]}


GRAY8, GRAY16, GA8 = fixtures.pixels(1, 8), fixtures.pixels(1, 16), fixtures.pixels(2, 8)
RGB8, RGB16 = fixtures.pixels(3, 8), fixtures.pixels(3, 16)
RGBA8, RGBA16 = fixtures.pixels(4, 8), fixtures.pixels(4, 16)
KEY = int(GRAY8[3, 3, 0])
GRAY = Image.fromarray(GRAY8[..., 0])
PALETTE = plain("RGB").quantize(16)
INDICES = np.asarray(PALETTE)
LINEAR = ((b"gAMA", (100_000).to_bytes(4, "big")),)
PQ = ((b"cICP", bytes((9, 16, 0, 1))),)
PREMULTIPLIED = np.concatenate(
    [(RGBA16[..., :3].astype(np.uint64) * RGBA16[..., 3:] // 65535).astype(np.uint16), RGBA16[..., 3:]], axis=-1
)
STRAIGHT = np.where(RGBA16[..., 3:] > 0, RGBA16, 0)
CASES = {
    "PNG, 1 bit": pillow("png", plain("1"), channels_of(plain("1").convert("L"))),
    "PNG, gray": pillow("png", GRAY, GRAY8),
    "PNG, gray, one gray transparent": pillow("png", GRAY, transparent(GRAY8, GRAY8[..., 0] == KEY), transparency=KEY),
    "PNG, gray, 16 bits": deep_png(1),
    "PNG, gray and alpha": pillow("png", Image.fromarray(GA8), GA8),
    "PNG, palette": pillow("png", PALETTE, channels_of(PALETTE.convert("RGB"))),
    "PNG, palette, transparent": pillow(
        "png", PALETTE, transparent(channels_of(PALETTE.convert("RGB")), INDICES == 0), transparency=0
    ),
    "PNG, RGB": pillow("png", plain("RGB"), RGB8),
    "PNG, RGB, 16 bits": deep_png(3),
    "PNG, RGBA": pillow("png", Image.fromarray(RGBA8), RGBA8),
    "PNG, RGBA, 16 bits": deep_png(4),
    "PNG, animated": pillow("png", plain("RGB"), RGB8, **animation()),
    "PNG, text and XMP": with_text(),
    "PNG, gAMA": png_with(plain("RGB"), *LINEAR, pixels=RGB8),
    "PNG, cICP (PQ)": png_with(plain("RGB"), *PQ, pixels=RGB8),
    "JPEG, gray": pillow("jpg", GRAY, GRAY8, 30),
    "JPEG, RGB": pillow("jpg", plain("RGB"), RGB8, 60),
    "JPEG, RGB, IPTC": with_iptc(),
    "JPEG, CMYK": pillow("jpg", plain("CMYK")),
    "WebP, RGB": pillow("webp", plain("RGB"), RGB8, lossless=True),
    "WebP, RGBA": pillow("webp", Image.fromarray(RGBA8), RGBA8, lossless=True, exact=True),
    "WebP, animated": pillow("webp", plain("RGB"), RGB8, lossless=True, **animation()),
    "TIFF, gray": pillow("tif", GRAY, GRAY8),
    "TIFF, gray, 16 bits": tiff(GRAY16),
    "TIFF, white is zero": tiff(255 - GRAY8, GRAY8, photometric="miniswhite"),
    "TIFF, white is zero, 16 bits": tiff(65535 - GRAY16, GRAY16, photometric="miniswhite"),
    "TIFF, RGB": pillow("tif", plain("RGB"), RGB8),
    "TIFF, RGB, LZW": pillow("tif", plain("RGB"), RGB8, compression="tiff_lzw"),
    "TIFF, RGB, 16 bits": tiff(RGB16, iccprofile=fixtures.icc()),
    "TIFF, RGB, 16 bits, planar": tiff(RGB16, planarconfig="separate"),
    "TIFF, RGB, 16 bits, planar tiles": tiff(RGB16, planarconfig="separate", tile=(16, 16)),
    "TIFF, RGBA": pillow("tif", Image.fromarray(RGBA8), RGBA8),
    "TIFF, RGBA, 16 bits": tiff(RGBA16, extrasamples=["unassalpha"]),
    "TIFF, RGBA, 16 bits, planar": tiff(RGBA16, planarconfig="separate", extrasamples=["unassalpha"]),
    "TIFF, associated alpha, 16 bits": tiff(PREMULTIPLIED, STRAIGHT, 200, extrasamples=["assocalpha"]),
    "TIFF, YCbCr": pillow("tif", plain("YCbCr"), RGB8, 4),
    "TIFF, Zstandard": pillow("tif", plain("RGB"), RGB8, compression="zstd"),
    "TIFF, CMYK": pillow("tif", plain("CMYK")),
    "TIFF, CMYK, 16 bits": Case("tif", tiff(RGBA16, photometric="separated").save),
    "TIFF, several pages": pillow("tif", plain("RGB"), RGB8, **animation()),
    "AVIF, RGB": pillow("avif", plain("RGB"), RGB8, 60),
    "AVIF, RGBA": pillow("avif", Image.fromarray(RGBA8)),
    "AVIF, animated": pillow("avif", plain("RGB"), **animation()),
    "AVIF, RGB, 10 bits": Case("avif", lambda path: fixtures.save_avif(path, RGB16, 10), RGB16, 64),
    "GIF": pillow("gif", PALETTE, channels_of(PALETTE.convert("RGB")), known=False),
    "BMP, gray": pillow("bmp", GRAY, GRAY8, known=False),
    "BMP, RGB": pillow("bmp", plain("RGB"), RGB8, known=False),
    "TGA, RGBA": pillow("tga", Image.fromarray(RGBA8), RGBA8, known=False),
    "PPM": pnm(RGB8, 255),
    "PPM, 16 bits": pnm(RGB16, 65535),
    "PGM, 16 bits": pnm(GRAY16, 65535),
    "JPEG 2000, RGB": coded("jp2", imagecodecs.jpeg2k_encode, RGB8, level=0),
    "JPEG 2000, gray, 16 bits": coded("jp2", imagecodecs.jpeg2k_encode, GRAY16, level=0),
    "JPEG 2000, RGBA, 16 bits": coded("jp2", imagecodecs.jpeg2k_encode, RGBA16, level=0),
    "HEIC, RGB": Case("heic", lambda path: fixtures.save_heic(path, RGB8), RGB8, 60),
    "HEIC, RGBA": Case("heic", lambda path: fixtures.save_heic(path, RGBA8), RGBA8, 60),
    "HEIC, RGB, 10 bits": Case("heic", lambda path: fixtures.save_heic(path, RGB16), RGB16, 60 * 257),
    "DNG": Case("dng", fixtures.save_dng),
    "JPEG XL, RGB": pillow("jxl", plain("RGB"), RGB8, 60),
    "JPEG XL, RGBA": pillow("jxl", Image.fromarray(RGBA8)),
    "JPEG XL, RGB, 16 bits": coded("jxl", imagecodecs.jpegxl_encode, RGB16, lossless=True),
    "OpenEXR": exr(RGB16),
}
