"""What people and discs do to files: never a crash, a hang or half a file; the right exit code; the rest is done."""

import io
import os
import resource
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from arbsr_jax.app import png
from arbsr_jax.app.formats import FORMATS
from arbsr_jax.cli.main import main
from tests.app import fixtures
from tests.conftest import PATIENCE, ROOT

GOOD = fixtures.png(Image.fromarray(fixtures.pixels(3, 8)))
DEEP = imagecodecs.png_encode(fixtures.pixels(3, 16))


def encoded(kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(fixtures.pixels(3, 8, 60, 80)).save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, photometric="minisblack")
    return buffer.getvalue()


def j2k():
    return imagecodecs.jpeg2k_encode(fixtures.pixels(3, 16, 60, 80), level=0)


def header(width, height, depth=8, colour=2):
    """A PNG that claims a size, with next to nothing in it."""
    chunk = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    whole = png.chunk(b"IHDR", chunk) + png.chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + whole + png.chunk(b"IEND", b"")


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


BAD = {
    "empty.png": b"",
    "text.png": b"this is no picture\n",
    "page.jpg": b"<!doctype html><title>404</title>",
    "drawing.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "document.jpg": b"%PDF-1.7\n1 0 obj\n",
    "packed.png": b"\x1f\x8b\x08" + b"\0" * 100,
    "array.tif": b"\x93NUMPY\x01\0" + b"\0" * 100,
    "noise.png": np.random.default_rng(0).bytes(10_000),
    "noise.jpg": np.random.default_rng(1).bytes(10_000),
    "signature.png": GOOD[:8],
    "cut.png": GOOD[: len(GOOD) // 2],
    "cut_deep.png": DEEP[: len(DEEP) // 2],
    "cut.jpg": encoded("JPEG")[:700],
    "start.jpg": b"\xff\xd8",
    "cut.webp": encoded("WEBP")[:300],
    "cut_animated.gif": encoded("GIF")[:200],
    "cut.bmp": encoded("BMP")[:1000],
    "cut.tif": encoded("TIFF")[:1000],
    "crc_header.png": flipped(GOOD, 30),
    "crc_pixels.png": flipped(GOOD, len(GOOD) // 2),
    "short_avif.avif": encoded("AVIF")[:300],
    "short_jp2.jp2": j2k()[:600],
    "short_ppm.ppm": b"P6\n18 13\n255\n" + bytes(100),
    "tiles.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
    "bomb.png": header(60_000, 60_000),
    "bomb_deep.png": header(60_000, 60_000, 16),
    "no_width.png": header(0, 10),
    "no_pixels.png": header(500, 500),
    "no_end.png": GOOD[:-20],
    "odd_depth.png": header(5, 5, 7),
    "huge.bmp": flipped(flipped(encoded("BMP"), 20), 24),
    "float.tif": tiff(np.zeros((5, 5), np.float32)),
    "negative.tif": tiff(np.full((5, 5), -3, np.int32)),
    "circle.tif": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
}
HARMLESS = {
    "one.png": fixtures.png(Image.new("RGB", (1, 1), "red")),
    "tall.png": fixtures.png(Image.new("RGB", (1, 5000), "red")),
    "two words.png": GOOD,
    "two\nlines.png": GOOD,
    "ünïcode 图.png": GOOD,
    "-dash.png": GOOD,
    "percent%20s {0}.png": GOOD,
    "profile.png": fixtures.png(Image.fromarray(fixtures.pixels(3, 8)), icc_profile=b"no profile at all"),
    "exif.jpg": encoded("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "wrong_ending.png": encoded("JPEG"),
}


def upscale(model, *arguments):
    return main(["upscale", *map(str, arguments), "--model", model, "--scale", "2"])


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_and_leaves_nothing(tmp_path, model, capsys, name):
    (tmp_path / name).write_bytes(BAD[name])
    assert upscale(model, tmp_path / name, "-o", tmp_path / "out") == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert name in lines[0]
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_odd_is_done(tmp_path, model, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(HARMLESS[name])
    assert upscale(model, tmp_path / "in", "-o", tmp_path / "out") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]
    with Image.open(tmp_path / "in" / name) as before, Image.open(tmp_path / "out" / name) as after:
        assert after.size == (2 * before.width, 2 * before.height)


def test_bad_ones_among_good_ones(tmp_path, model):
    folder = tmp_path / "in"
    (folder / "deeper" / "x.png").mkdir(parents=True)  # a folder with the name of an image
    for name, content in {**BAD, **HARMLESS}.items():
        (folder / name).write_bytes(content)
    (folder / "deeper" / "x.png" / "y.png").write_bytes(GOOD)
    (folder / "loop").symlink_to(folder)
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "dangling.png").symlink_to(folder / "nothing")
    (folder / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    assert upscale(model, folder, "-o", tmp_path / "out") == 1
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert written == {*HARMLESS, "deeper/x.png/y.png"}


def test_a_missing_file_does_not_stop_the_rest(tmp_path, model, capsys):
    (tmp_path / "a.png").write_bytes(GOOD)
    assert upscale(model, tmp_path / "none.png", tmp_path / "a.png", "-o", tmp_path / "out") == 1
    assert "none.png: no such file" in capsys.readouterr().err
    assert (tmp_path / "out" / "a.png").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path, model, capsys):
    (tmp_path / "a.png").write_bytes(GOOD)
    (tmp_path / "a.png").chmod(0)
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path / "out") == 1
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "bmp"])
def test_a_full_disc_leaves_no_half_file(tmp_path, model, capsys, ending):
    (tmp_path / "a.png").write_bytes(GOOD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, limits[1]))  # the system says then that files must not grow
    try:
        code = upscale(model, tmp_path / "a.png", "-o", tmp_path / "out", "--ext", ending)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert code == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_two_inputs_for_one_output_and_overwriting_the_input_are_refused(tmp_path, model, capsys):
    (tmp_path / "a.png").write_bytes(GOOD)
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    assert upscale(model, tmp_path, "-o", tmp_path / "out", "--ext", "png") == 2
    assert "would both become" in capsys.readouterr().err
    assert upscale(model, tmp_path / "a.png", "-o", tmp_path) == 2
    assert "overwritten by its own result" in capsys.readouterr().err
    assert (tmp_path / "a.png").read_bytes() == GOOD


def camera(ending):
    """A file of a kind that cameras and phones write."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x.{ending}"
        if ending == "heic":
            fixtures.save_heic(path, fixtures.pixels(3, 8))
        elif ending == "dng":
            fixtures.save_dng(path)
        else:
            path.write_bytes(imagecodecs.jpegxl_encode(fixtures.pixels(3, 8)))
        return path.read_bytes()


MUTATE = """
import resource, sys
import numpy as np
from pathlib import Path
from arbsr_jax.errors import ArbsrError
from arbsr_jax.app.reading import read_photo
from tests.app.test_bad_inputs import DEEP, GOOD, camera, encoded, j2k

resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
seeds = [(GOOD, "png"), (DEEP, "png"), *((encoded(k), e) for k, e in (("JPEG", "jpg"), ("WEBP", "webp"), ("BMP", "bmp"),
    ("TIFF", "tif"), ("GIF", "gif")))]
if sys.argv[3] == "more":
    seeds = [(encoded("TIFF", compression="tiff_lzw"), "tif"), (encoded("AVIF"), "avif"), (j2k(), "jp2")]
if sys.argv[3] == "cameras":
    seeds = [(camera(ending), ending) for ending in ("heic", "dng", "jxl")]
folder, count, rng, refused = Path(sys.argv[1]), int(sys.argv[2]), np.random.default_rng(0), 0
for number in range(count):
    content, ending = seeds[number % len(seeds)]
    content = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, min(len(content), [64, 10**9][number % 2]), rng.integers(1, 8))
    content[places] = rng.integers(0, 256, len(places))
    path = folder / f"x.{ending}"
    path.write_bytes(content[: rng.integers(1, len(content)) if number % 5 == 0 else None].tobytes())
    try:
        read_photo(path)
    except ArbsrError:
        refused += 1
print(refused, "refused,", count - refused, "read")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("count", "kinds"), [(2000, "common"), (1500, "more"), (600, "cameras")])
def test_thousands_of_mutated_files_in_two_gibibytes_never_crash(tmp_path, count, kinds):
    """Common ones; 500 each of TIFF with LZW, AVIF and JPEG 2000; 200 each of HEIC, DNG and JPEG XL."""
    command = [sys.executable, "-c", MUTATE, tmp_path, str(count), kinds]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 0, result.stderr
    refused = int(result.stdout.split()[0])
    assert count / 10 < refused < 0.995 * count


WRITE = """
import io, resource, sys
from pathlib import Path
import numpy as np
from PIL import Image, ImageCms
from arbsr_jax.errors import ArbsrError
from arbsr_jax.app.photo import Metadata, Photo, Resolution
from arbsr_jax.app.reading import read_photo
from arbsr_jax.app.writing import write_photo
from tests.app import fixtures

resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))
folder, ending, rng, refused = Path(sys.argv[1]), sys.argv[2], np.random.default_rng(1), 0
exif = Image.Exif()
exif.update({274: 6, 271: "maker", 306: "2026:01:01 00:00:00", 33432: "rights"})
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6" hdrgm:Version="1.0"/></x:xmpmeta>'
whole = Metadata(icc=profile, exif=b"Exif\\0\\0" + exif.tobytes(), xmp=xmp, iptc=b"\\x1c\\x02P\\0\\x04name",
    resolution=Resolution(3.0, 4.0, "in"), kind="jpeg")
chunks = [(b"tEXt", b"Title\\0words"), (b"gAMA", (45455).to_bytes(4, "big")), (b"cHRM", bytes(range(32))),
    (b"sRGB", b"\\0"), (b"pHYs", bytes(9)), (b"cICP", bytes(4)), (b"iTXt", b"a\\0\\0\\0\\0\\0b"),
    (b"zTXt", b"a\\0\\0junk"),
    (b"eXIf", exif.tobytes()), (b"mDCV", bytes(24)), (b"cLLI", bytes(8))]

def damaged(content):
    array = np.frombuffer(content, np.uint8).copy()
    places = rng.integers(0, len(array), rng.integers(0, 6))
    array[places] = rng.integers(0, 256, len(places))
    return array[: rng.integers(0, len(array) + 1) if rng.random() < 0.3 else None].tobytes()

for number in range(500):
    fields = {name: damaged(getattr(whole, name)) for name in ("icc", "exif", "xmp", "iptc") if rng.random() < 0.6}
    picked = [(kind, damaged(content)) for kind, content in chunks if rng.random() < 0.3]
    resolution = Resolution(*(10.0 ** rng.integers(-12, 12, 2)), rng.choice(["in", "cm"]))
    kept = Metadata(resolution=resolution if rng.random() < 0.5 else None, chunks=tuple(picked),
        kind=str(rng.choice(["jpeg", "png", "webp", "tiff"])), **fields)
    pixels = fixtures.pixels(int(rng.integers(1, 5)), int(rng.choice([8, 16])))
    path = folder / f"x{ending}"
    try:
        write_photo(path, Photo(pixels, kept), int(rng.integers(1, 101)))
        read_photo(path)
    except ArbsrError as error:
        assert "\\n" not in str(error)
        refused += 1
assert not [one for one in folder.iterdir() if one.name != f"x{ending}"], list(folder.iterdir())
print(refused, "refused")
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", {kind.name: ending for ending, kind in FORMATS.items()}.values())
def test_pictures_with_damaged_metadata_are_written_or_refused(tmp_path, ending):
    """500 for each kind of file: written whole and read again, or one line."""
    command = [sys.executable, "-c", WRITE, tmp_path, ending]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert result.returncode == 0, result.stderr
    assert not result.stderr  # no library speaks for itself
    assert int(result.stdout.split()[0]) <= 25  # nearly all are written: a picture is not lost for a broken tag
