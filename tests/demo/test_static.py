"""The page that computes in the browser, from nothing but static files."""

import io
import json
import re
import urllib.request

import numpy as np
import pytest
import skimage.data
from PIL import Image

from arbsr_jax import load_model
from arbsr_jax.cli.main import main
from arbsr_jax.demo.assets import BROWSER, SERVER, page_files
from arbsr_jax.demo.static import ADDRESS
from benchmarks.browser import served

SCENE = np.ascontiguousarray(np.tile(skimage.data.astronaut(), (2, 2, 1)))
COMPUTED = 240  # seconds, at most, for a result in these tests
WATCH_CANCEL = """
const status = document.getElementById("status");
document.getElementById("cancel").addEventListener("click", () => { window.cancelBegan = performance.now(); }, true);
new MutationObserver(() => {
  if (status.textContent === "Cancelled.") window.cancelledAfter = performance.now() - window.cancelBegan;
}).observe(status, { childList: true, characterData: true, subtree: true });
"""


def serve(folder):
    """With the headers that the folder's own file `_headers` names."""
    lines = (folder / "_headers").read_text().splitlines()[1:]
    return served(folder, dict(line.strip().split(": ", 1) for line in lines))


def choose_scene(page, address, folder, height, width):
    """A part of a large photograph."""
    path = folder / "large.png"
    Image.fromarray(SCENE[:height, :width]).save(path)
    page.open(address)
    page.choose(path)


@pytest.fixture(scope="module")
def folder(browser, tmp_path_factory):
    """The page, written once."""
    place = tmp_path_factory.mktemp("static")
    try:
        urllib.request.urlopen(urllib.request.Request(ADDRESS, method="HEAD"), timeout=20).close()
    except OSError:
        pytest.skip("the npm registry cannot be reached")
    assert main(["demo", "--static", str(place)]) == 0
    return place


@pytest.fixture(scope="module")
def address(folder):
    with serve(folder) as address:
        yield address


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(SCENE[:203, :301]).save(path)
    return path


def test_both_engines_share_one_page():
    static, served = page_files(BROWSER), page_files(SERVER)
    assert {name for name in static if static[name] == served.get(name)} >= {
        "page.js",
        "page.css",
        "sizes.js",
        "compare.js",
    }
    assert not any(re.search(r"\beval\(|new Function|https?://(?!www\.w3\.org)", text) for text in static.values())


def test_the_folder_is_whole(folder):
    kept = json.loads(re.search(r"FILES = (\[.*?\])", (folder / "service-worker.js").read_text())[1])
    assert all((folder / name).exists() for name in kept)
    assert {"page.js", "worker.js", "models/arbedsr-tiny.onnx", "runtime/ort-wasm-simd-threaded.wasm"} <= set(kept)
    assert [model["name"] for model in json.loads((folder / "models.json").read_text())] == [
        "arbedsr-tiny",
        "arbedsr-field-tiny",
        "arbedsr-field",
        "arbedsr-baseline",
    ]
    assert {path.name for path in (folder / "licences").iterdir()} == {
        "arbsr_jax.txt",
        "onnxruntime-web.txt",
        "weights-NOTICE.txt",
    }
    assert "Apache License" in (folder / "licences" / "arbsr_jax.txt").read_text()


def test_the_result_is_pythons_and_nothing_leaves_the_machine(page, address, photo, tmp_path):
    page.open(address, height=1500)
    page.requests()
    page.complaints()
    page.choose(photo)
    page.set_factors(2.5, 3.5)
    page.enlarge(COMPUTED)
    found, expected = (
        page.pixels().astype(int),
        load_model("arbedsr-tiny", tile=0).upscale(SCENE[:203, :301], "2.5x3.5"),
    )
    assert found.shape == (711, 753, 4)
    assert (found[..., 3] == 255).all()
    assert np.abs(found[..., :3] - expected).max() <= 1  # at the seams between tiles too
    assert page.find("save").get_attribute("download") == "photo_2.5x3.5.png"
    assert "WebAssembly" in page.find("right").text
    assert all(url.startswith((address, "blob:", "data:")) for url in page.requests())
    assert not page.complaints()
    page.screenshot("desktop", tmp_path)
    page.find("toggle").click()
    assert page.find("toggle").get_attribute("aria-pressed") == "true"
    page.find("one").click()
    assert page.find("zoom").text == "100 %"


def test_field_upsampling_computes_the_same_in_a_browser(page, folder, photo, tmp_path):
    """The page, whose first model is another one."""
    for path in folder.rglob("*"):
        if path.is_file():
            (tmp_path / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.relative_to(folder)).write_bytes(path.read_bytes())
    models = json.loads((folder / "models.json").read_text())
    models.sort(key=lambda model: model["name"] != "arbedsr-field-tiny")
    (tmp_path / "models.json").write_text(json.dumps(models))
    with serve(tmp_path) as address:
        page.open(address)
        page.choose(photo)
        page.set_factors(2.5, 3.5)
        page.enlarge(COMPUTED)
        found = page.pixels().astype(int)
    expected = load_model("arbedsr-field-tiny", tile=0).upscale(SCENE[:203, :301], "2.5x3.5")
    assert np.abs(found[..., :3] - expected).max() <= 1


def test_scripts_in_words_are_refused(page, address):
    page.open(address)
    page.script("setTimeout('window.ran = 1', 0); setTimeout(() => { window.later = 1; }, 50)")
    page.wait(lambda: page.script("return window.later"))
    assert page.script("return window.ran") is None
    assert any("unsafe-eval" in words for words in page.complaints())
    assert page.script("return crossOriginIsolated")  # threads are allowed


def test_on_a_phone_by_touch(page, address, photo, tmp_path):
    page.open(address, 390, 844)
    page.choose(photo)
    page.script("document.getElementById('tied').click()")
    x, y = page.middle("grip")
    page.touch("touchStart", (x, y))
    for step in range(1, 6):
        page.touch("touchMove", (x - 4 * step, y + 3 * step))
    page.touch("touchEnd")
    horizontal, vertical = (float(page.find(name).get_attribute("value")) for name in "hv")
    assert horizontal < 2.5 < vertical
    page.set_factors(1.5, 2)
    page.enlarge(COMPUTED)
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    page.script("document.getElementById('view').scrollIntoView({block: 'center'})")
    x, y = page.middle("view")
    before = page.find("divider").get_attribute("style")
    page.touch("touchStart", (x, y))
    page.touch("touchMove", (x - 60, y))
    page.touch("touchEnd")
    assert page.find("divider").get_attribute("style") != before
    zoom = page.find("zoom").text
    page.touch("touchStart", (x - 40, y + 90), (x + 40, y + 90))
    page.touch("touchMove", (x - 90, y + 90), (x + 90, y + 90))
    page.touch("touchEnd")
    assert int(page.find("zoom").text.split()[0]) > int(zoom.split()[0])
    page.screenshot("phone", tmp_path)


def test_it_works_without_a_network_after_the_first_visit(page, folder, photo):
    with serve(folder) as address:
        page.open(address)
        kept = "navigator.serviceWorker.ready.then(() => arguments[0](true))"
        page.wait(lambda: page.browser.execute_async_script(kept))
    page.open(address)
    page.choose(photo)
    page.set_factors(1.5, 1.5)
    page.enlarge(COMPUTED)
    assert page.pixels().shape == (305, 452, 4)


def test_a_run_is_cancelled_within_a_second(page, address, tmp_path):
    choose_scene(page, address, tmp_path, 900, 900)
    page.set_factors(2, 2)
    page.script("document.getElementById('model').value = 'arbedsr-baseline'")
    page.find("go").click()
    page.wait(
        lambda: page.script(
            "return document.getElementById('bar').value > 0 && !document.getElementById('bar').hidden"
        ),
        COMPUTED,
    )
    assert page.find("cancel").is_displayed()
    page.script(WATCH_CANCEL)
    page.find("cancel").click()
    assert page.wait(lambda: page.script("return window.cancelledAfter")) <= 1000
    assert page.find("go").is_enabled()
    page.script("document.getElementById('model').value = 'arbedsr-tiny'")
    page.find("clear").click()
    assert page.find("invite").is_displayed()


def test_pictures_of_every_kind_in_one_batch(page, address, tmp_path):
    """A turned JPEG, a transparent PNG and a file that is no picture."""
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(SCENE[:60, :90]).save(tmp_path / "turned.jpg", exif=exif)
    alpha = np.full((50, 40, 1), 255, np.uint8)
    alpha[10:30, 10:30] = 0
    Image.fromarray(np.concatenate([SCENE[:50, :40], alpha], -1)).save(tmp_path / "glass.png")
    (tmp_path / "words.png").write_text("no picture")
    page.open(address, height=1500, dark=True)
    page.choose(tmp_path / "turned.jpg", tmp_path / "glass.png", tmp_path / "words.png")
    page.wait(lambda: "words.png is no picture" in page.find("error").text)
    assert "2 pictures" in page.find("go").text
    page.set_factors(2, 2)
    page.script("document.getElementById('error').textContent = ''")
    page.find("go").click()
    page.wait(lambda: page.find("status").text.startswith("Done in"), COMPUTED)
    assert page.find("saveAll").is_displayed()
    glass = page.pixels()
    assert glass.shape == (100, 80, 4)
    assert glass[40, 40, 3] <= 2
    assert glass[90, 70, 3] >= 253
    page.screenshot("dark", tmp_path)
    page.script("document.querySelector('#list button').click()")
    page.wait(lambda: page.find("save").get_attribute("download") == "turned_2x2.png")
    assert page.pixels().shape == (180, 120, 4)


def test_sizes_by_numbers_presets_and_keys(page, address, photo):
    from selenium.webdriver.common.keys import Keys

    page.open(address)
    page.choose(photo)
    width = page.find("width")
    width.send_keys(Keys.CONTROL, "a")
    width.send_keys("602", Keys.TAB)
    assert "becomes 602 × 406" in page.find("words").text
    page.script("document.querySelector('[data-fit=\"1920x1080\"]').click()")
    assert "becomes 1601 × 1080" in page.find("words").text
    page.script("document.querySelector('[data-factor=\"3\"]').click()")
    assert "becomes 903 × 609" in page.find("words").text
    page.find("grip").send_keys(Keys.ARROW_RIGHT)
    assert "becomes 918 × 609" in page.find("words").text
    width.send_keys(Keys.CONTROL, "a")
    width.send_keys("9000", Keys.TAB)
    assert "both must be from 1 to 8" in page.find("words").text
    assert not page.find("go").is_enabled()


@pytest.mark.slow
def test_twelve_megapixels(page, address, tmp_path):
    choose_scene(page, address, tmp_path, 750, 1000)
    page.set_factors(4, 4)
    page.enlarge(600)
    assert page.pixels().shape == (3000, 4000, 4)


def test_a_network_for_one_scale_is_refused(tmp_path, capsys, monkeypatch):
    from arbsr_jax.demo import static
    from arbsr_jax.model_file import save_model
    from arbsr_jax.models.config import scale_specific
    from tests.models.fixtures import SMALL, randomized

    config = scale_specific(SMALL, 2)
    save_model(tmp_path / "x2.safetensors", config, randomized(config), {})
    monkeypatch.setattr(static, "_package", lambda runtime: b"")
    monkeypatch.setattr(static, "_runtime_files", lambda package: {})
    assert main(["demo", "--static", str(tmp_path / "page"), "--model", str(tmp_path / "x2.safetensors")]) == 2
    assert "for scale 2 alone" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../../x", "a/b", "a b", ".hidden", ""])
def test_names_of_models_are_no_paths(tmp_path, name):
    from arbsr_jax.errors import ArbsrError
    from arbsr_jax.model_file import allowed_name, load_model, save_model
    from tests.models.fixtures import SMALL, randomized

    path = tmp_path / "file name.safetensors"
    save_model(path, SMALL, randomized(SMALL), {"name": name})
    if name:
        with pytest.raises(ArbsrError, match="is not allowed; use letters"):
            load_model(path)
    else:
        assert load_model(path).name == "file name"
    save_model(path, SMALL, randomized(SMALL), {"name": allowed_name(name)})
    assert set(load_model(path).name) <= set("abxhidenmol-.")


def test_two_models_of_one_name_are_refused(tmp_path, capsys, monkeypatch):
    from arbsr_jax.demo import static
    from arbsr_jax.model_file import save_model
    from tests.models.fixtures import SMALL, randomized

    paths = [tmp_path / f"{letter}.safetensors" for letter in "ab"]
    for path in paths:
        save_model(path, SMALL, randomized(SMALL), {"name": "same"})
    monkeypatch.setattr(static, "_package", lambda runtime: b"")
    monkeypatch.setattr(static, "_runtime_files", lambda package: {})
    assert main(["demo", "--static", str(tmp_path / "page"), "--model", *map(str, paths)]) == 2
    assert "another model is named same too" in capsys.readouterr().err


def test_the_archive_holds_what_the_page_needs(monkeypatch):
    import tarfile

    from arbsr_jax.demo import static

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in (*static.WASM, *static.WEBGPU):
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    assert static._runtime_files(buffer.getvalue()) == {
        f"runtime/{n}": n.encode() for n in (*static.WASM, *static.WEBGPU)
    }
