"""Films through `arbsr upscale`; docs/films.md has the table that this makes (ARBSR_WRITE_DOCS=1 writes it again)."""

import json
import shutil
import sys

import numpy as np
import pytest

from arbsr_jax.app import film, frames
from arbsr_jax.cli.main import main
from tests.app import films, fixtures

HEADER = """| film | in | out | said |
| --- | --- | --- | --- |
"""
X265 = {"x265-params": "log-level=none:lossless=1"}
HEVC = {"codec": "libx265", "pixels": "yuv420p10le", "options": X265}
CASES = {
    "BT.709": ("mp4", {}),
    "BT.601": ("mp4", {"colours": (5, 1, 6, 6)}),
    "no colour tags": ("mp4", {"colours": (2, 0, 2, 2)}),
    "full range, 4:4:4": ("mkv", {"colours": (1, 2, 1, 1), "pixels": "yuv444p"}),
    "HEVC, 10 bits, PQ": (
        "mp4",
        {"codec": "libx265", "pixels": "yuv420p10le", "colours": (9, 1, 9, 16), "options": X265},
    ),
    "HEVC, 10 bits, HLG": (
        "mkv",
        {"codec": "libx265", "pixels": "yuv420p10le", "colours": (9, 1, 9, 18), "options": X265},
    ),
    "ProRes, 4:2:2, 10 bits": ("mov", {"codec": "prores_ks", "pixels": "yuv422p10le", "options": {"qscale": "1"}}),
    "ProRes, alpha": ("mov", {"codec": "prores_ks", "pixels": "yuva444p10le", "options": {"qscale": "1"}}),
    "VP9": ("webm", {"codec": "libvpx-vp9", "options": {"lossless": "1"}, "sound": 1}),
    "VP9, alpha": ("webm", {"codec": "libvpx-vp9", "pixels": "yuva420p", "options": {"crf": "4"}}),
    "FFV1": ("mkv", {"codec": "ffv1", "options": {"slices": "4"}}),
    "MPEG-4 in AVI": ("avi", {"codec": "mpeg4", "colours": (2, 0, 2, 2), "options": {"q:v": "1"}}),
    "pixels of 8:9": ("mp4", {"aspect": films.Fraction(8, 9)}),
    "variable frame rate": ("mp4", {"times": [0, 100, 250, 300, 700, 720, 800, 900, 1000, 1300, 1400, 1500]}),
    "turned by 90 degrees": ("mp4", {"rotation": 90}),
    "cut by an edit list": ("mp4", {}),
    "many streams": (
        "mkv",
        {"sound": 2, "subtitles": True, "chapters": True, "attachment": True},
    ),
    "sound and chapters": ("mp4", {"sound": 1, "chapters": True}),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Each case as (before, after, remarks); one command enlarges all films, by a stand-in for the network."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "in").mkdir()
    names = {case: f"{number:02d}.{ending}" for number, (case, (ending, _)) in enumerate(CASES.items())}
    for case, (_, how) in CASES.items():
        films.make(folder / "in" / names[case], **how)
    films.cut(folder / "in" / names["cut by an edit list"], 5, 400)
    model = fixtures.quick_model(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("arbsr_jax.inference.upscaler.Upscaler.upscale", doubled)
        flags = ["--model", str(model), "--scale", "2", "--json", str(folder / "done.json")]
        assert main(["upscale", str(folder / "in"), "-o", str(folder / "out"), *flags]) == 0
    done = {entry["source"].rpartition("/")[2]: entry for entry in json.loads((folder / "done.json").read_text())}
    describe = {
        case: [films.describe(folder / place / name) for place in ("in", "out")] for case, name in names.items()
    }
    return {case: (*describe[case], done[names[case]]["remarks"], folder, names[case]) for case in CASES}


def doubled(self, frame, **_):
    """What a network that repeats pixels would make: colours can be compared exactly."""
    return frame.repeat(2, axis=-3).repeat(2, axis=-2)


def words(facts):
    colours = "-".join(map(str, facts["colours"]))
    streams = [f"{count} {kind}" for kind, count in facts["streams"].items()]
    parts = [f"{facts['codec']} {facts['pixels']}", f"{colours} {facts['range']}", f"{facts['frames']} frames"]
    parts += [f"pixels of {facts['aspect']}"] if facts["aspect"] != "1:1" else []
    parts += [f"turned by {facts['turned']}"] if facts["turned"] else []
    return ", ".join([*parts, *streams, *([f"{len(facts['chapters'])} chapters"] if facts["chapters"] else [])])


def test_the_table_in_the_documents_is_true(table):
    lines = []
    for case, (before, after, remarks, *_) in table.items():
        said = "; ".join(remark for remark in remarks if not remark.endswith(" frames")) or "-"
        lines.append(f"| {case} | {words(before)} | {words(after)} | {said} |")
    fixtures.check_table("films", HEADER, lines)


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_lost_without_a_word(table, case):
    before, after, remarks, *_ = table[case]
    said = " ".join(remarks)
    for fact in ("range", "aspect", "frames", "times", "streams", "chapters", "title"):
        assert after[fact] == before[fact], fact
    assert after["pixels"] == before["pixels"] or f"{before['pixels']} became" in said or "alpha" in case
    assert after["codec"] == before["codec"] or f"{before['codec']} became" in said
    tags = [(a, b) for a, b in zip(before["colours"], after["colours"], strict=True) if a != 2]
    assert all(a == b for a, b in tags)
    assert "damaged" not in said
    assert ("transparency is left out" in said) == ("alpha" in case)


@pytest.mark.parametrize("case", CASES)
def test_colours_are_right_to_two_levels(table, case):
    """What is read, against the picture that the film was made of; what is written, against what was read."""
    folder, name = table[case][-2:]
    before, after = (first_frame(folder / place / name, folder / f"{place}.{name}") for place in ("in", "out"))
    picture = films.picture(5 if "cut" in case else 0)
    picture = np.rot90(picture) if "turned" in case else picture
    for colour in ((200, 60, 30), (220, 210, 40)):
        inside = (picture == colour).all(axis=-1)
        inside[:, 1:] &= inside[:, :-1].copy()  # chroma of two columns is shared
        read = np.median(before[inside], axis=0)
        assert np.abs(read - colour).max() <= 2, (colour, read)
        written = np.median(after[::2, ::2][inside], axis=0)
        assert np.abs(written - read).max() <= 2, (read, written)


def first_frame(path, scratch):
    seen, facts = [], film.probe(path)

    def look(some):
        seen.extend(some / (257 if some.dtype == np.uint16 else 1))
        return some

    film.convert(path, scratch, facts, look, (facts.width, facts.height))
    return seen[0]


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_frames_and_sound_stay_in_order_however_many_are_enlarged_at_once(tmp_path, batch):
    films.make(tmp_path / "a.mkv", options={"crf": "1"})
    facts, counts = film.probe(tmp_path / "a.mkv"), []

    def look(some):
        counts.append(len(some))
        return some

    film.convert(tmp_path / "a.mkv", tmp_path / "b.mkv", facts, look, films.SIZE, batch)
    assert max(counts) <= batch
    av = frames.pyav()
    with av.open(str(tmp_path / "a.mkv")) as before, av.open(str(tmp_path / "b.mkv")) as after:
        times = [[frame.time for frame in container.decode(video=0)] for container in (before, after)]
    assert times[0] == times[1]
    assert sum(counts) == len(times[0])


def test_what_can_be_read_of_a_damaged_film_is_kept_and_said(tmp_path):
    films.make(tmp_path / "a.mkv", options={"crf": "1", "g": "4"})
    content = (tmp_path / "a.mkv").read_bytes()
    (tmp_path / "a.mkv").write_bytes(content[: len(content) * 2 // 3])
    facts = film.probe(tmp_path / "a.mkv")
    remarks = film.convert(tmp_path / "a.mkv", tmp_path / "b.mkv", facts, lambda frame: frame, films.SIZE)
    read = films.describe(tmp_path / "b.mkv")["frames"]
    assert 0 < read < films.FRAMES
    assert any(remark.startswith(f"damaged: {read}") for remark in remarks)


def test_odd_sides_are_padded_and_names_may_hold_a_colon(tmp_path, capsys):
    films.make(tmp_path / "scene:1.mp4", sound=1)
    model = fixtures.quick_model(tmp_path)
    command = ["upscale", str(tmp_path / "scene:1.mp4"), "-o", str(tmp_path / "b:2.mkv"), "--model", str(model)]
    assert main([*command, "--size", "97x63"]) == 0
    assert "padded to 98x64" in capsys.readouterr().out
    made = films.describe(tmp_path / "b:2.mkv")
    assert (made["size"], made["frames"], made["streams"]) == ((98, 64), films.FRAMES, {"audio": 1})
    assert not list(tmp_path.glob(".*"))


def test_a_film_that_is_none_is_named(tmp_path, capsys):
    (tmp_path / "a.mp4").write_bytes(b"no film")
    model = fixtures.quick_model(tmp_path)
    command = ["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out"), "--model", str(model), "--scale", "2"]
    assert main(command) == 1
    assert "a.mp4: not a readable film" in capsys.readouterr().err


def test_without_pyav_it_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    shutil.copy(__file__, tmp_path / "a.mp4")
    model = fixtures.quick_model(tmp_path)
    command = ["upscale", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "out"), "--model", str(model), "--scale", "2"]
    assert main(command) == 1
    assert "PyAV, which reads films, is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rotation", "flags", "size", "aspect", "said"),
    [
        (0, ["--scale", "2", "--square-pixels"], (128, 108), "1:1", "pixels of 8:9 became square"),
        (0, ["--scale", "2"], (128, 96), "8:9", ""),
        (0, ["--scale", "1.5", "--aspect", "16:9"], (144, 82), "1:1", "pixels of 8:9 became square"),
        (90, ["--scale", "2"], (96, 128), "9:8", ""),
    ],
)
def test_pixels_that_are_not_square(tmp_path, rotation, flags, size, aspect, said):
    """64x48 pixels of 8:9; a film that is turned upright has pixels of 9:8."""
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    films.make(source, aspect=films.Fraction(8, 9), rotation=rotation)
    model = fixtures.quick_model(tmp_path)
    command = ["upscale", str(source), "-o", str(target), *flags, "--model", str(model)]
    assert main([*command, "--json", str(tmp_path / "done.json")]) == 0
    entry = json.loads((tmp_path / "done.json").read_text())[0]
    facts = films.describe(target)
    assert facts["aspect"] == aspect
    assert facts["frames"] == films.FRAMES
    assert said in " ".join(entry["remarks"])
    assert tuple(side + side % 2 for side in entry["to"]) == facts["size"] == size
