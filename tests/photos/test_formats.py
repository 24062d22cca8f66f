"""Every format, mode and depth, in and out through `arbsr upscale`; docs/usage.md has the table that this makes.

ARBSR_WRITE_DOCS=1 writes it anew.
"""

import json
import os
import re
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from arbsr_jax.cli.main import main
from arbsr_jax.photos.photo import Photo
from arbsr_jax.photos.reading import read_photo
from arbsr_jax.photos.writing import FORMATS, write_photo
from tests.conftest import ROOT
from tests.photos import fixtures

DOCUMENT = ROOT / "docs" / "usage.md"
PLACE = re.compile(r"(<!-- formats -->\n).*?(<!-- end -->)", re.DOTALL)
HEADER = """| file | in | out | EXIF | colour profile | said |
| --- | --- | --- | --- | --- | --- |
"""


def plain(mode, size=(18, 13)):
    return Image.fromarray(fixtures.pixels(3, 8, size[1], size[0])).convert(mode)


def with_palette(transparent):
    image = plain("RGB").quantize(16)
    if transparent:
        image.info["transparency"] = 0
    return image


def save16(path, channels):
    pixels = fixtures.pixels(channels, 16)
    if path.suffix == ".png":
        write_photo(path, Photo(pixels, fixtures.icc(), fixtures.exif().tobytes()))
        assert imagecodecs.png_decode(path.read_bytes()).dtype == np.uint16
    else:
        kind = {"photometric": "rgb" if channels > 2 else "minisblack", "iccprofile": fixtures.icc()}
        tifffile.imwrite(path, pixels.squeeze(), extrasamples=["unassalpha"] if channels == 4 else None, **kind)


def pillow(image, **options):
    def save(path):
        known = {"icc_profile": fixtures.icc(), "exif": fixtures.exif()} if path.suffix not in (".bmp", ".gif") else {}
        image.save(path, **known, **options)

    return save


def deep(channels):
    return lambda path: save16(path, channels)


LA = Image.fromarray(fixtures.pixels(2, 8))
RGBA = Image.fromarray(fixtures.pixels(4, 8))
CASES = {
    "PNG, 1 bit": ("png", pillow(plain("1"))),
    "PNG, gray": ("png", pillow(plain("L"))),
    "PNG, gray, 16 bits": ("png", deep(1)),
    "PNG, gray and alpha": ("png", pillow(LA)),
    "PNG, palette": ("png", pillow(with_palette(False))),
    "PNG, palette, transparent": ("png", pillow(with_palette(True))),
    "PNG, RGB": ("png", pillow(plain("RGB"))),
    "PNG, RGB, 16 bits": ("png", deep(3)),
    "PNG, RGBA": ("png", pillow(RGBA)),
    "PNG, RGBA, 16 bits": ("png", deep(4)),
    "PNG, animated": ("png", pillow(plain("RGB"), save_all=True, append_images=[plain("RGB").rotate(180)])),
    "JPEG, gray": ("jpg", pillow(plain("L"))),
    "JPEG, RGB": ("jpg", pillow(plain("RGB"))),
    "JPEG, CMYK": ("jpg", pillow(plain("CMYK"))),
    "WebP, RGB": ("webp", pillow(plain("RGB"))),
    "WebP, RGBA": ("webp", pillow(RGBA)),
    "WebP, animated": ("webp", pillow(plain("RGB"), save_all=True, append_images=[plain("RGB").rotate(180)])),
    "TIFF, gray": ("tif", pillow(plain("L"))),
    "TIFF, gray, 16 bits": ("tif", deep(1)),
    "TIFF, RGB": ("tif", pillow(plain("RGB"))),
    "TIFF, RGB, 16 bits": ("tif", deep(3)),
    "TIFF, RGBA": ("tif", pillow(RGBA)),
    "TIFF, RGBA, 16 bits": ("tif", deep(4)),
    "TIFF, CMYK": ("tif", pillow(plain("CMYK"))),
    "TIFF, several pages": ("tif", pillow(plain("RGB"), save_all=True, append_images=[plain("RGB").rotate(180)])),
    "BMP, gray": ("bmp", pillow(plain("L"))),
    "BMP, RGB": ("bmp", pillow(plain("RGB"))),
    "GIF": ("gif", pillow(with_palette(False))),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rows by case; one command upscales all files."""
    folder = tmp_path_factory.mktemp("formats")
    names = {case: f"{number:02d}.{ending}" for number, (case, (ending, _)) in enumerate(CASES.items())}
    (folder / "in").mkdir()
    for case, (_, save) in CASES.items():
        save(folder / "in" / names[case])
    record = folder / "done.json"
    model = fixtures.quick_model(folder)
    flags = ["--model", str(model), "--scale", "1.5x2", "--json", str(record)]
    assert main(["upscale", str(folder / "in"), "-o", str(folder / "out"), *flags]) == 0
    done = {entry["source"].rpartition("/")[2]: entry for entry in json.loads(record.read_text())}
    return {case: row(folder, done[names[case]]) for case in CASES}


def row(folder, entry):
    before, after = (read_photo(Path(entry[name])) for name in ("source", "target"))
    assert after.pixels.shape[:2] == (26, 27)
    kept = [
        ("kept" if b else "lost") if a else "-"
        for a, b in ((has_exif(before), has_exif(after)), (before.icc, after.icc))
    ]
    return before, after, kept, entry["remarks"]


def has_exif(photo):
    block = Image.Exif()
    block.load(photo.exif or b"")
    return block.get(fixtures.EXIF_ARTIST) == "someone"


def test_the_table_in_the_documents_is_true(table):
    lines = []
    for case, (before, after, kept, remarks) in table.items():
        kinds = [photo.in_words.partition(", ")[2] for photo in (before, after)]
        lines.append(f"| {' | '.join([case, *kinds, *kept, '; '.join(remarks) or '-'])} |")
    before = DOCUMENT.read_text()
    text = PLACE.sub(lambda place: place[1] + HEADER + "\n".join(lines) + "\n" + place[2], before)
    assert text.count(HEADER) == 1
    if os.environ.get("ARBSR_WRITE_DOCS"):
        DOCUMENT.write_text(text)
    assert DOCUMENT.read_text() == text


@pytest.mark.parametrize("case", [case for case in CASES if "CMYK" not in case])
def test_kind_and_depth_stay(table, case):
    before, after, *_ = table[case]
    assert after.pixels.dtype == before.pixels.dtype == (np.uint16 if "16" in case else np.uint8)
    gray_webp = case.startswith("WebP")
    assert after.pixels.shape[-1] == before.pixels.shape[-1] or gray_webp


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_kind_can_be_written_in_every_format(tmp_path, ending, channels, depth):
    """What is lossless comes back bit for bit."""
    photo = Photo(fixtures.pixels(channels, depth), fixtures.icc(), fixtures.exif().tobytes())
    path = tmp_path / f"x{ending}"
    remarks, kind = write_photo(path, photo), FORMATS[ending]
    back = read_photo(path)
    lost = (depth == 16 and not kind.deep) + (channels in (2, 4) and not kind.alpha)
    assert len(remarks) == lost
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    if not lost and kind.name not in ("JPEG", "WEBP"):
        expected = photo.pixels
        if back.pixels.shape[-1] == 4 and channels == 2:  # 16-bit gray with alpha in TIFF, which few programs read
            expected = np.concatenate([expected[..., :1]] * 3 + [expected[..., 1:]], axis=-1)
        np.testing.assert_array_equal(back.pixels, expected)
    if kind.name != "BMP":
        assert back.icc == photo.icc


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_one_pixel_high_or_wide_keep_their_shape(tmp_path, ending, depth, size, channels):
    photo = Photo(fixtures.pixels(channels, depth, *size))
    write_photo(tmp_path / f"x{ending}", photo)
    assert read_photo(tmp_path / f"x{ending}").pixels.shape == photo.pixels.shape


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("depth", [8, 16])
def test_orientation_is_applied_as_pillow_does(tmp_path, orientation, depth):
    from PIL import ImageOps

    path, pixels = tmp_path / "x.png", fixtures.pixels(3, depth)
    write_photo(path, Photo(pixels, None, fixtures.exif(orientation).tobytes()))
    eight = Image.fromarray(fixtures.pixels(3, 8))
    eight.info["exif"] = fixtures.exif(orientation).tobytes()
    expected = np.asarray(ImageOps.exif_transpose(eight)).astype(int)
    photo = read_photo(path)
    np.testing.assert_array_equal(photo.pixels.astype(int) // (257 if depth == 16 else 1), expected)
    block = Image.Exif()
    block.load(photo.exif)
    assert block.get(fixtures.ORIENTATION) == 1


def test_sixteen_bits_carry_more_than_eight(tmp_path):
    """A slow ramp through the shipped network: as smooth as it came, not in 256 steps."""
    ramp = np.linspace(20_000, 24_000, 64 * 64).reshape(64, 64).round().astype(np.uint16)
    write_photo(tmp_path / "x.png", Photo(np.repeat(ramp[..., None], 3, axis=-1)))
    assert (
        main(
            [
                "upscale",
                str(tmp_path / "x.png"),
                "-o",
                str(tmp_path / "y.tif"),
                "--scale",
                "2",
                "--model",
                "arbedsr-tiny",
            ]
        )
        == 0
    )
    large = read_photo(tmp_path / "y.tif").pixels
    assert large.dtype == np.uint16
    assert len(np.unique(large)) > 1000
    assert abs(large[20:-20, 20:-20].astype(float).mean() - 22_000) < 300


def test_what_hides_under_transparent_pixels_does_not_shine_through(tmp_path):
    """A white disc on bright red of alpha 0: enlarged, nothing visible of it is red."""
    pixels = fixtures.pixels(4, 8, 40, 40)
    pixels[..., :3] = np.where(pixels[..., 3:] > 0, 255, [255, 0, 0])
    Image.fromarray(pixels).save(tmp_path / "x.png")
    assert (
        main(
            [
                "upscale",
                str(tmp_path / "x.png"),
                "-o",
                str(tmp_path / "y.png"),
                "--scale",
                "2.5",
                "--model",
                "arbedsr-tiny",
            ]
        )
        == 0
    )
    large = np.asarray(Image.open(tmp_path / "y.png")).astype(int)
    seen = large[large[..., 3] > 40]
    assert seen[:, 1].min() > 225
