"""What files say of their pictures: kept, converted, or named as lost."""

import io
import sys
import zlib

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from arbsr_jax.app import png
from arbsr_jax.app.photo import Metadata, Photo, Resolution
from arbsr_jax.app.reading import read_photo
from arbsr_jax.app.writing import write_photo
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.image_files import read_rgb
from tests.app import fixtures

RGB8 = fixtures.pixels(3, 8)
POINTS_OF_ADOBE = (31_270, 32_900, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000)


def chunk(kind, *values):
    return kind, b"".join(value.to_bytes(4, "big") for value in values)


def save_png(path, *chunks, image=None):
    buffer = io.BytesIO()
    (image or Image.fromarray(RGB8)).save(buffer, "PNG")
    path.write_bytes(png.with_chunks(buffer.getvalue(), chunks))
    return path


def test_a_gray_profile_never_ends_in_an_rgb_file(tmp_path):
    """WebP has no gray: values of gamma 1.8 become sRGB's, within two levels of the closed form."""
    gray = fixtures.pixels(1, 8)
    photo = Photo(gray, Metadata(icc=fixtures.gray_icc(1.8)))
    assert write_photo(tmp_path / "x.webp", photo, 100) == ["colours by the profile became sRGB"]
    back = read_photo(tmp_path / "x.webp")
    assert back.metadata.icc is None
    light = (gray / 255.0) ** 1.8
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(back.pixels - expected)[gray.squeeze() > 20].mean() < 3
    assert write_photo(tmp_path / "x.png", photo) == []
    assert read_photo(tmp_path / "x.png").metadata.icc == photo.metadata.icc


@pytest.mark.parametrize("icc", [fixtures.gray_icc(), b"no profile at all" * 10], ids=["gray", "damaged"])
def test_a_profile_that_does_not_fit_is_left_out_and_said(tmp_path, icc):
    body = b"icc\0\0" + zlib.compress(icc)
    photo = read_photo(save_png(tmp_path / "x.png", (b"iCCP", body)))
    assert photo.metadata.icc is None
    assert any("profile left out" in remark for remark in photo.remarks) or len(icc) > 140
    np.testing.assert_array_equal(photo.pixels, RGB8)


def test_colour_chunks_stay_in_png_and_become_srgb_elsewhere(tmp_path):
    """Linear light, and Adobe's green: against the closed form of the matrix."""
    chunks = chunk(b"gAMA", 100_000), chunk(b"cHRM", *POINTS_OF_ADOBE)
    photo = read_photo(save_png(tmp_path / "x.png", *chunks))
    assert photo.metadata.chunks == chunks
    assert write_photo(tmp_path / "y.png", photo) == []
    assert read_photo(tmp_path / "y.png").metadata.chunks == chunks
    assert write_photo(tmp_path / "y.tif", photo) == ["colours by gAMA and cHRM became sRGB"]
    adobe_to_srgb = np.array([[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04293, 1.04293]])  # both white are D65
    light = np.clip((RGB8 / 255.0) @ adobe_to_srgb.T, 0, 1)
    expected = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(read_photo(tmp_path / "y.tif").pixels - expected).max() <= 1


def test_hdr_chunks_are_kept_or_named(tmp_path):
    photo = read_photo(save_png(tmp_path / "x.png", (b"cICP", bytes((9, 16, 0, 1)))))
    write_photo(tmp_path / "y.png", photo)
    assert read_photo(tmp_path / "y.png").metadata.chunks == photo.metadata.chunks
    assert "cICP colours are not kept" in write_photo(tmp_path / "y.tif", photo)[0]


def test_a_wide_profile_stays_and_without_metadata_the_colours_stay(tmp_path):
    """Display P3: kept with its values; by --no-metadata turned into sRGB."""
    p3 = p3_profile()
    photo = Photo(RGB8, Metadata(icc=p3))
    assert write_photo(tmp_path / "x.tif", photo) == []
    assert read_photo(tmp_path / "x.tif").metadata.icc == p3
    assert write_photo(tmp_path / "y.tif", photo, metadata=False) == ["colours by the profile became sRGB"]
    plain = read_photo(tmp_path / "y.tif")
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(p3)), ImageCms.createProfile("sRGB")
    turned = ImageCms.profileToProfile(Image.fromarray(RGB8), source, target, renderingIntent=1, outputMode="RGB")
    assert plain.metadata.icc is None
    assert np.abs(plain.pixels.astype(int) - np.asarray(turned)).max() <= 3
    assert np.abs(plain.pixels.astype(int) - RGB8).max() > 5


def p3_profile():
    black = pyvips.Image.black(1, 1, bands=3).copy(interpretation="srgb")
    return bytes(black.icc_transform("p3", input_profile="srgb").get("icc-profile-data"))


@pytest.mark.parametrize("ending", ["jpg", "tif", "png", "webp"])
@pytest.mark.parametrize("unit", ["in", "cm"])
def test_resolution_is_kept_in_its_units(tmp_path, ending, unit):
    told = Resolution(11.811, 5.9055, unit)
    write_photo(tmp_path / f"x.{ending}", Photo(RGB8, Metadata(resolution=told)))
    back = read_photo(tmp_path / f"x.{ending}").metadata.resolution
    np.testing.assert_allclose(back[:2], told[:2], rtol=0.05 if unit == "cm" and ending == "jpg" else 2e-3)
    assert back.unit == (unit if ending != "png" else "cm")  # a PNG counts by metre
    with Image.open(tmp_path / f"x.{ending}") as image:
        told_by_pillow = image.info.get("dpi", (300, 150))  # of a JPEG's it tells the horizontal one alone
        np.testing.assert_allclose(float(told_by_pillow[0]), 300, rtol=0.05)


def test_exif_too_large_is_left_out_and_said(tmp_path):
    block = fixtures.exif()
    block.get_ifd(0x8769)[0x9286] = b"x" * 70_000
    photo = Photo(RGB8, Metadata(exif=block.tobytes(), xmp=b"<" + b"x" * 70_000))
    said = [f"{kind} above 64 kB is not kept in JPEG" for kind in ("EXIF", "XMP")]
    assert write_photo(tmp_path / "x.jpg", photo) == said
    assert read_photo(tmp_path / "x.jpg").metadata.exif is None
    assert write_photo(tmp_path / "x.png", photo) == ["EXIF above 64 kB is not kept in PNG"]
    assert read_photo(tmp_path / "x.png").metadata.xmp == photo.metadata.xmp
    assert write_photo(tmp_path / "x.tif", photo) == []
    assert len(read_photo(tmp_path / "x.tif").metadata.exif) > 70_000


def test_xmp_says_upright_and_text_goes_where_it_can(tmp_path):
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a tiff:Orientation=\"6\"/></x:xmpmeta>"
    photo = Photo(RGB8, Metadata(xmp=xmp, chunks=((b"tEXt", b"parameters\0a cat"),), kind="png"))
    assert write_photo(tmp_path / "x.jpg", photo) == ["PNG text is not kept in JPEG"]
    assert b'tiff:Orientation="1"' in read_photo(tmp_path / "x.jpg").metadata.xmp
    write_photo(tmp_path / "x.png", photo)
    with Image.open(tmp_path / "x.png") as image:
        assert image.text["parameters"] == "a cat"


@pytest.mark.parametrize("kind", [b"tEXt", b"iCCP", b"gAMA", b"tRNS"])
def test_a_damaged_chunk_that_pixels_do_not_need_is_left_out_and_said(tmp_path, kind):
    content = save_png(tmp_path / "x.png", (kind, b"\0\0\0\1\0\1")).read_bytes()
    place = content.index(kind) + 5
    (tmp_path / "x.png").write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    photo = read_photo(tmp_path / "x.png")
    assert photo.remarks == (f"damaged {kind.decode()} left out",)
    np.testing.assert_array_equal(photo.pixels, RGB8)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit_gray_is_not_clipped_anywhere(tmp_path, ending):
    """Evaluation and training read by the same reader."""
    gray = fixtures.pixels(1, 16)
    write_photo(tmp_path / f"x.{ending}", Photo(gray))
    expected = np.repeat(fixtures.pixels(1, 8), 3, axis=-1)
    np.testing.assert_array_equal(read_rgb(tmp_path / f"x.{ending}"), expected)


def test_what_openimageio_reads_names_the_extra_without_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "OpenImageIO", None)
    (tmp_path / "x.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n")
    model = str(fixtures.quick_model(tmp_path))
    assert main(["upscale", str(tmp_path / "x.jp2"), "-o", str(tmp_path), "--scale", "2", "--model", model]) == 1
    assert 'pip install "openimageio' in capsys.readouterr().err
