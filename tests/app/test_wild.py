"""Pictures as the world makes them, which once came out wrong, and their siblings."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from arbsr_jax.app import jpeg, png
from arbsr_jax.app.reading import read_photo
from arbsr_jax.app.writing import write_photo
from arbsr_jax.errors import LONGEST, words_of
from tests.conftest import ROOT, real_data

ENDINGS = (".png", ".jpg", ".tif", ".webp")


@pytest.mark.parametrize("name", ["gama_len0.png", "gama_huge.png"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_gammas_that_say_nothing_possible_are_left_out_and_said(tmp_path, name, ending):
    photo = read_photo(real_data("wild") / name)
    assert photo.remarks == ("impossible gAMA left out",)
    write_photo(tmp_path / f"out{ending}", photo)
    again = read_photo(tmp_path / f"out{ending}")
    assert abs(again.pixels[..., :3].mean() - 127) <= 1
    assert b"gAMA" not in (tmp_path / f"out{ending}").read_bytes()


LINE = struct.pack(">8I", 31_270, 32_900, *[30_000, 30_000] * 3)
CHUNKS = {
    "empty": (b"cHRM", b""),
    "zeros": (b"cHRM", bytes(32)),
    "on a line": (b"cHRM", LINE),
    "no light": (b"cHRM", struct.pack(">8I", 31_270, 0, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)),
    "gamma 0": (b"gAMA", bytes(4)),
    "gamma 15": (b"gAMA", struct.pack(">I", 15)),
    "gamma above all": (b"gAMA", struct.pack(">I", 625_000_001)),
    "long sRGB": (b"sRGB", bytes(2)),
    "short cICP": (b"cICP", b"\x01"),
    "short mDCV": (b"mDCV", bytes(23)),
    "short cLLI": (b"cLLI", bytes(7)),
}


@pytest.mark.parametrize("ending", [".png", ".jpg"])
@pytest.mark.parametrize("name", CHUNKS)
def test_every_impossible_colour_chunk_is_left_out_and_said(tmp_path, name, ending):
    kind, body = CHUNKS[name]
    path = tmp_path / "in.png"
    Image.fromarray(np.full((9, 11, 3), 127, np.uint8)).save(path)
    path.write_bytes(png.with_chunks(path.read_bytes(), ((kind, body),)))
    photo = read_photo(path)
    assert photo.remarks == (f"impossible {kind.decode()} left out",)
    write_photo(tmp_path / f"out{ending}", photo)
    np.testing.assert_allclose(read_photo(tmp_path / f"out{ending}").pixels, 127, atol=1)


def test_gammas_at_the_ends_of_the_range_are_kept(tmp_path):
    for gamma in (16, 625_000_000):
        path = tmp_path / "in.png"
        Image.fromarray(np.full((9, 11, 3), 127, np.uint8)).save(path)
        path.write_bytes(png.with_chunks(path.read_bytes(), ((b"gAMA", struct.pack(">I", gamma)),)))
        assert not read_photo(path).remarks


def test_resolutions_beyond_all_measure_print_nothing(model, tmp_path):
    code = "import sys; from arbsr_jax.cli.main import main; sys.exit(main(sys.argv[1:]))"
    flags = ["-o", str(tmp_path / "out.png"), "--scale", "2", "--model", model]
    command = [sys.executable, "-c", code, "upscale", str(real_data("wild") / "phys_huge.png"), *flags]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert "impossible resolution left out" in result.stdout


def test_a_profile_that_is_none_is_left_out_and_said():
    photo = read_photo(real_data("wild") / "bad_icc.png")
    assert photo.metadata.icc is None
    assert photo.remarks == ("impossible colour profile left out",)


def test_words_are_never_cut_inside_a_quotation():
    said = words_of(ValueError(f"cannot read {'word ' * 26}'a name of a file that is long' because"))
    assert len(said) <= LONGEST + 4
    assert said.count("'") % 2 == 0
    assert said.endswith(" ...")
    assert words_of(ValueError("cannot identify image file 'x'")) == "cannot identify image file 'x'"
    assert words_of(KeyError("name")) == "name"


def test_pixels_that_are_not_square_are_said(tmp_path):
    photo = read_photo(real_data("wild") / "phys_ratio.png")
    assert photo.remarks == ("pixels of shape 2:1 are taken for square ones",)
    plain = tmp_path / "in.jpg"
    Image.fromarray(np.full((9, 11, 3), 127, np.uint8)).save(plain)
    for unit, x, y, said in ((0, 1, 1, ()), (1, 72, 144, ()), (0, 10, 11, ("pixels of shape 11:10",))):
        content = bytearray(plain.read_bytes())
        content[13:18] = struct.pack(">BHH", unit, x, y)
        (tmp_path / "shaped.jpg").write_bytes(content)
        remarks = read_photo(tmp_path / "shaped.jpg").remarks
        assert len(remarks) == len(said)
        assert all(word in remark for word, remark in zip(said, remarks, strict=True))


def test_a_gain_map_is_said_and_no_longer_promised(tmp_path):
    photo = read_photo(real_data("wild") / "ultrahdr.jpg")
    assert photo.remarks == ("gain map left out",)
    for ending in ENDINGS:
        write_photo(tmp_path / f"out{ending}", photo)
        content = (tmp_path / f"out{ending}").read_bytes()
        assert b"hdrgm:Version" not in content
        assert b"GainMap" not in content
        assert not read_photo(tmp_path / f"out{ending}").remarks


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        (b'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"', "film of a motion photo left out"),
        (b"Camera:MicroVideo='1' Camera:MicroVideoOffset='123'", "film of a motion photo left out"),
        (b'hdrgm:Version="1.0"', "gain map left out"),
    ],
)
def test_xmp_keeps_all_but_what_is_gone(promise, said, tmp_path):
    xmp = (
        b'<x:xmpmeta><rdf:Description dc:rights="me" '
        + promise
        + b"><dc:title>a</dc:title></rdf:Description></x:xmpmeta>"
    )
    assert jpeg.without_promises(xmp) == xmp.replace(b" " + promise, b"")
    path = tmp_path / "in.jpg"
    Image.fromarray(np.full((9, 11, 3), 127, np.uint8)).save(path, xmp=xmp)
    photo = read_photo(path)
    assert photo.remarks == (said,)
    assert photo.metadata.xmp == xmp.replace(b" " + promise, b"")


def test_more_pictures_of_one_file_are_counted(tmp_path):
    images = [Image.fromarray(np.full((9, 11, 3), value, np.uint8)) for value in (10, 120, 200)]
    images[0].save(tmp_path / "three.mpo", save_all=True, append_images=images[1:])
    (tmp_path / "three.mpo").rename(tmp_path / "three.jpg")
    assert read_photo(tmp_path / "three.jpg").remarks == ("2 more pictures left out",)


def test_segments_that_make_no_sense_are_no_fault(tmp_path, rng):
    content = (real_data("wild") / "ultrahdr.jpg").read_bytes()
    path = tmp_path / "broken.jpg"
    for _ in range(2000):
        broken = bytearray(content[: rng.integers(1, len(content))])
        for place in rng.integers(0, min(len(broken), 800), 4):
            broken[place] = rng.integers(256)
        path.write_bytes(broken)
        segments = list(jpeg.read_segments(path))
        jpeg.left_behind(segments)
        width, height = jpeg.pixel_shape(segments)
        assert width > 0
        assert height > 0
