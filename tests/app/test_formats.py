"""Every format, mode and depth, in and out through `arbsr upscale`; docs/formats.md has the table that this makes.

ARBSR_WRITE_DOCS=1 writes it again.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from arbsr_jax.app import colour
from arbsr_jax.app.formats import FORMATS
from arbsr_jax.app.photo import Metadata, Photo, Resolution
from arbsr_jax.app.reading import read_photo
from arbsr_jax.app.writing import write_photo
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.scale import Scale
from tests.app import fixtures
from tests.app.cases import CASES

HEADER = """| file | in | out | EXIF | XMP | text, IPTC | profile | resolution | said |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
LOSSLESS = {"png": {}, "webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}, "tif": {}}  # nearly


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rows by case; one command upscales all files."""
    folder = tmp_path_factory.mktemp("formats")
    names = {case: f"{number:02d}.{one.ending}" for number, (case, one) in enumerate(CASES.items())}
    (folder / "in").mkdir()
    for case, one in CASES.items():
        one.save(folder / "in" / names[case])
    record = folder / "done.json"
    model = fixtures.quick_model(folder)
    flags = ["--model", str(model), "--scale", "1.5x2", "--json", str(record)]
    assert main(["upscale", str(folder / "in"), "-o", str(folder / "out"), *flags]) == 0
    done = {entry["source"].rpartition("/")[2]: entry for entry in json.loads(record.read_text())}
    return {case: row(done[names[case]]) for case in CASES}


def row(entry):
    before, after = (read_photo(Path(entry[name])) for name in ("source", "target"))
    assert after.pixels.shape[:2] == Scale.of("1.5x2").output_size(*before.pixels.shape[:2])
    kept = ["-" if not a else "kept" if b else "lost" for a, b in zip(facts(before), facts(after), strict=True)]
    return before, after, kept, entry["remarks"]


def facts(photo):
    """What there is of EXIF, XMP, text or IPTC, profile and resolution."""
    known = photo.metadata
    text = any(kind in (b"tEXt", b"zTXt", b"iTXt") for kind, _ in known.chunks)
    return artist(photo) == "someone", known.xmp, text or known.iptc, known.icc, known.resolution


def artist(photo):
    block = Image.Exif()
    block.load(photo.metadata.exif or b"")
    return block.get(fixtures.EXIF_ARTIST)


def test_the_table_in_the_documents_is_true(table):
    lines = []
    for case, (before, after, kept, remarks) in table.items():
        kinds = [photo.in_words.partition(", ")[2] for photo in (before, after)]
        lines.append(f"| {' | '.join([case, *kinds, *kept, '; '.join(remarks) or '-'])} |")
    fixtures.check_table("formats", HEADER, lines)


@pytest.mark.parametrize("case", CASES)
def test_kind_and_depth_stay_and_nothing_is_lost_without_a_word(table, case):
    before, after, kept, remarks = table[case]
    said = " ".join(remarks)
    assert after.pixels.dtype == before.pixels.dtype or "bits became" in said
    assert after.pixels.shape[-1] == before.pixels.shape[-1] or "sRGB" in said
    assert "lost" not in kept or "not kept" in said


@pytest.mark.parametrize("case", [case for case, one in CASES.items() if one.pixels is not None])
def test_pixels_are_read_right(table, case):
    photo, one = table[case][0], CASES[case]
    assert photo.pixels.dtype == one.pixels.dtype
    assert photo.pixels.shape == one.pixels.shape
    assert np.abs(photo.pixels.astype(int) - one.pixels.astype(int)).max() <= one.tolerance


@pytest.mark.parametrize("ending", sorted(FORMATS))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", [8, 16])
def test_every_kind_can_be_written_in_every_format(tmp_path, ending, channels, depth):
    """What is lossless comes back bit for bit."""
    icc = fixtures.icc() if channels > 2 else fixtures.gray_icc()
    known = Metadata(icc, fixtures.exif().tobytes(), fixtures.XMP, resolution=Resolution(11.811, 5.906, "cm"))
    photo = Photo(fixtures.pixels(channels, depth), known)
    path = tmp_path / f"x{ending}"
    remarks, kind = write_photo(path, photo), FORMATS[ending]
    back = read_photo(path)
    lost = (depth == 16 and kind.bits < 16) + (channels in (2, 4) and not kind.alpha)
    lost += (not kind.metadata) * 2 + (channels < 3 and not kind.gray)  # metadata; the profile
    assert len(remarks) == lost
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    if not lost and kind.name not in ("jpeg", "webp", "heif", "jpegxl"):
        np.testing.assert_array_equal(back.pixels, photo.pixels)
    if kind.metadata:
        expected = photo.metadata.icc if kind.gray or channels > 2 else None
        if kind.name == "jpegxl":  # it describes colours in its own words
            assert colour.space_of(back.metadata.icc) == b"RGB "
        else:
            assert back.metadata.icc == expected
        assert (artist(back), back.metadata.xmp) == ("someone", fixtures.XMP)
        np.testing.assert_allclose(back.metadata.resolution[:2], known.resolution[:2], rtol=1e-3)


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_one_pixel_high_or_wide_keep_their_shape(tmp_path, ending, depth, size, channels):
    photo = Photo(fixtures.pixels(channels, depth, *size))
    write_photo(tmp_path / f"x{ending}", photo)
    assert read_photo(tmp_path / f"x{ending}").pixels.shape == photo.pixels.shape


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("ending", "depth"), [("png", 8), ("png", 16), ("jpg", 8), ("webp", 8), ("tif", 8), ("tif", 16)]
)
def test_orientation_is_applied_as_pillow_does(tmp_path, orientation, depth, ending):
    pixels = fixtures.pixels(3, 8)
    expected = turned(pixels, orientation)
    path = tmp_path / f"x.{ending}"
    if depth == 8:
        options = (
            {"lossless": True} if ending == "webp" else {"quality": 100, "subsampling": 0} if ending == "jpg" else {}
        )
        Image.fromarray(pixels).save(path, exif=fixtures.exif(orientation), **options)
    else:
        fixtures.save_turned(path, fixtures.pixels(3, 16), orientation)
    photo = read_photo(path)
    error = np.abs(photo.pixels.astype(int) // (257 if depth == 16 else 1) - expected.astype(int)).max()
    assert error <= (4 if ending == "jpg" else 0)
    write_photo(path, photo)
    again = read_photo(path)
    assert (again.pixels.shape, again.remarks) == (photo.pixels.shape, ())
    with Image.open(path) as image:
        assert image.getexif().get(fixtures.ORIENTATION, 1) == 1


def turned(pixels, orientation):
    image = Image.fromarray(pixels)
    image.info["exif"] = fixtures.exif(orientation).tobytes()
    return np.asarray(ImageOps.exif_transpose(image))


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize(("channels", "depth"), [(1, 8), (1, 16), (3, 8), (3, 16)])
def test_every_turned_tiff_is_upright(tmp_path, compression, channels, depth):
    whole = fixtures.pixels(channels, depth)
    eight = whole if depth == 8 else (whole // 257).astype(np.uint8)
    for orientation in range(2, 9):
        fixtures.save_turned(tmp_path / "x.tif", whole, orientation, compression)
        photo = read_photo(tmp_path / "x.tif")
        expected = turned(eight.squeeze(), orientation).reshape(photo.pixels.shape)
        np.testing.assert_array_equal(photo.pixels // (257 if depth == 16 else 1), expected)
        assert photo.remarks == ("turned upright",)


def test_sixteen_bits_carry_more_than_eight(tmp_path):
    """A slow ramp through the shipped network: as smooth as it came, not in 256 steps."""
    ramp = np.linspace(20_000, 24_000, 61 * 47).reshape(61, 47).round().astype(np.uint16)
    write_photo(tmp_path / "x.png", Photo(np.repeat(ramp[..., None], 3, axis=-1)))
    command = ["upscale", str(tmp_path / "x.png"), "-o", str(tmp_path / "y.tif"), "--scale", "2.5x3.5"]
    assert main([*command, "--model", "arbedsr-tiny"]) == 0
    large = read_photo(tmp_path / "y.tif").pixels
    assert large.dtype == np.uint16
    assert len(np.unique(large)) > 1000
    assert abs(large[20:-20, 20:-20].astype(float).mean() - 22_000) < 300


def test_what_hides_under_transparent_pixels_does_not_shine_through(tmp_path):
    """A white disc on bright red of alpha 0: enlarged, nothing visible of it is red."""
    pixels = fixtures.pixels(4, 8, 61, 47)
    pixels[..., :3] = np.where(pixels[..., 3:] > 0, 255, [255, 0, 0])
    Image.fromarray(pixels).save(tmp_path / "x.png")
    command = ["upscale", str(tmp_path / "x.png"), "-o", str(tmp_path / "y.png"), "--scale", "2.5x3.5"]
    assert main([*command, "--model", "arbedsr-tiny"]) == 0
    large = np.asarray(Image.open(tmp_path / "y.png")).astype(int)
    seen = large[large[..., 3] > 40]
    assert seen[:, 1].min() > 225
