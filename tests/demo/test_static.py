"""The page that computes in the browser, from nothing but static files."""

import io
import json
import re
import tarfile
import urllib.request
import zipfile

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
    assert {"page.js", "worker.js", "models/arbedsr-field.onnx", "runtime/ort-wasm-simd-threaded.wasm"} <= set(kept)
    assert [model["name"] for model in json.loads((folder / "models.json").read_text())] == [
        "arbedsr-field",
        "arbedsr-field-tiny",
        "arbedsr-restore",
    ]
    assert {path.name for path in (folder / "licences").iterdir()} == {
        "arbsr_jax.txt",
        "onnxruntime-web.txt",
        "weights-NOTICE.txt",
    }
    assert "Apache License" in (folder / "licences" / "arbsr_jax.txt").read_text()


@pytest.mark.slow
def test_the_result_is_pythons_and_nothing_leaves_the_machine(page, address, photo, tmp_path):
    page.open(address, height=1500)
    page.requests()
    page.complaints()
    page.choose(photo)
    page.set_factors(2.5, 3.5)
    page.enlarge()
    found, expected = (
        page.pixels().astype(int),
        load_model("arbedsr-field", tile=0).upscale(SCENE[:203, :301], "2.5x3.5"),
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


@pytest.mark.slow
def test_the_fast_network_computes_the_same_in_a_browser(page, address, photo):
    page.open(address)
    page.choose(photo)
    page.choose_model("arbedsr-field-tiny")
    page.set_factors(2.5, 3.5)
    page.enlarge()
    expected = load_model("arbedsr-field-tiny", tile=0).upscale(SCENE[:203, :301], "2.5x3.5")
    assert np.abs(page.pixels().astype(int)[..., :3] - expected).max() <= 1


@pytest.mark.slow
def test_scripts_in_words_are_refused(page, address):
    page.open(address)
    page.script("setTimeout('window.ran = 1', 0); setTimeout(() => { window.later = 1; }, 50)")
    page.wait(lambda: page.script("return window.later"))
    assert page.script("return window.ran") is None
    assert any("unsafe-eval" in words for words in page.complaints())
    assert page.script("return crossOriginIsolated")  # threads are allowed


@pytest.mark.slow
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
    page.enlarge()
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


@pytest.mark.slow
def test_it_works_without_a_network_after_the_first_visit(page, folder, photo):
    with serve(folder) as address:
        page.open(address)
        kept = "navigator.serviceWorker.ready.then(() => arguments[0](true))"
        page.wait(lambda: page.browser.execute_async_script(kept))
    page.open(address)
    page.choose(photo)
    page.set_factors(1.5, 1.5)
    page.enlarge()
    assert page.pixels().shape == (305, 452, 4)


@pytest.mark.slow
def test_a_run_is_cancelled_within_a_second(page, address, tmp_path):
    choose_scene(page, address, tmp_path, 900, 900)
    page.set_factors(2, 2)
    page.choose_model("arbedsr-field")
    page.find("go").click()
    page.wait(
        lambda: page.script(
            "return document.getElementById('bar').value > 0 && !document.getElementById('bar').hidden"
        ),
    )
    assert page.find("cancel").is_displayed()
    page.script(WATCH_CANCEL)
    page.find("cancel").click()
    assert page.wait(lambda: page.script("return window.cancelledAfter")) <= 1000
    assert page.find("go").is_enabled()
    page.choose_model("arbedsr-field-tiny")
    page.find("clear").click()
    assert page.find("invite").is_displayed()


@pytest.mark.slow
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
    page.wait(lambda: "words.png: is no picture" in page.find("error").text)
    assert "2 pictures" in page.find("go").text
    page.set_factors(2, 2)
    page.script("document.getElementById('error').textContent = ''")
    page.find("go").click()
    page.wait(lambda: page.find("status").text.startswith("Done in"))
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
    assert "becomes 918 × 619" in page.find("words").text
    page.find("grip").send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert "becomes 933 × 619" in page.find("words").text
    assert page.find("tied").is_selected()  # Shift frees the shape for that one change
    page.find("edgeV").send_keys(Keys.SHIFT, Keys.ARROW_UP)
    assert "becomes 933 × 609" in page.find("words").text
    width.send_keys(Keys.CONTROL, "a")
    width.send_keys("900000", Keys.TAB)
    assert "becomes 2408 × 1624" in page.find("words").text
    assert "more than ×8 or 60 Mpx" in page.find("words").text
    assert page.find("go").is_enabled()


def test_from_an_empty_page_to_a_saved_file_in_three_actions(page, address, tmp_path):
    """Try a sample, enlarge, save; the first thing that is offered is what one sees."""
    page.open(address)
    page.screenshot("empty", tmp_path)
    page.script("document.querySelector('#samples button').click()")
    page.wait(lambda: page.find("go").is_enabled())
    assert page.find("small").is_displayed()  # the picture stretched to its new size, before anything is computed
    page.screenshot("size", tmp_path)
    page.enlarge()
    assert page.find("view").is_displayed()
    assert not page.find("edit").is_displayed()  # the result is where the picture was
    assert page.script("return document.activeElement.id") == "view"
    assert page.find("save").get_attribute("href").startswith("blob:")
    assert "about" in page.find("words").text  # the next one's time is known now
    page.script("document.querySelector('[data-factor=\"3\"]').click()")
    assert "Result of" in page.find("showResult").text  # which is no longer what is asked for
    assert page.find("edit").is_displayed()


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "ending", "start"), [("jpeg", "jpg", b"\xff\xd8"), ("webp", "webp", b"RIFF")])
def test_results_are_saved_as_other_kinds(page, address, photo, kind, ending, start):
    page.open(address)
    page.choose(photo)
    page.choose_model("arbedsr-field-tiny")
    page.set_factors(1.5, 1.5)
    page.enlarge()
    page.script(
        f"kind = document.getElementById('kind'); kind.value = '{kind}'; kind.dispatchEvent(new Event('change'))"
    )
    page.wait(lambda: page.find("save").get_attribute("download") == f"photo_1.5x1.5.{ending}")
    content = page.fetched(page.find("save").get_attribute("href"))
    assert content.startswith(start)
    large = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    assert np.abs(large - page.pixels().astype(int)[..., :3]).mean() < 3


@pytest.mark.slow
def test_all_results_are_one_zip_file(page, address, photo, tmp_path):
    page.open(address)
    code = """
      const { zip } = await import("./zip.js");
      const files = [["a.png", "one"], ["a.png", "two"], ["ü.txt", ""]];
      return URL.createObjectURL(await zip(files.map(([name, text]) => ({ name, blob: new Blob([text]) }))));
    """
    content = page.fetched(page.waited(code))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.png": b"one",
            "a (2).png": b"two",
            "ü.txt": b"",
        }


@pytest.mark.slow
def test_removing_all_during_a_run_leaves_an_empty_page_that_works(page, address, photo, tmp_path):
    choose_scene(page, address, tmp_path, 600, 600)
    page.set_factors(2, 2)
    page.find("go").click()
    page.wait(lambda: page.script("return document.getElementById('bar').value > 0"))
    page.find("clear").click()
    page.wait(lambda: page.find("welcome").is_displayed() and not page.find("cancel").is_displayed())
    assert page.script("return document.activeElement.id") == "file"  # the focus is not lost
    page.choose(photo)
    page.choose_model("arbedsr-field-tiny")
    page.set_factors(1.5, 1.5)
    page.enlarge()
    assert page.pixels().shape == (305, 452, 4)
    assert page.script("return document.querySelectorAll('#list li').length") == 1


@pytest.mark.slow
def test_a_second_run_after_a_cancelled_one_is_its_own(page, address, photo, tmp_path):
    choose_scene(page, address, tmp_path, 600, 600)
    page.find("go").click()
    page.script("document.getElementById('cancel').click()")  # before the worker has got its picture
    page.wait(lambda: page.find("status").text == "Cancelled.")
    page.choose_model("arbedsr-field-tiny")
    page.set_factors(1.5, 1.5)
    page.enlarge()
    assert page.pixels().shape == (900, 900, 4)
    assert not page.complaints()


@pytest.mark.slow
def test_files_may_be_dropped_anywhere(page, address):
    page.open(address)
    page.script("""
      const files = new DataTransfer(), canvas = new OffscreenCanvas(20, 10);
      canvas.getContext("2d").fillRect(0, 0, 9, 9);
      canvas.convertToBlob().then(blob => {
        files.items.add(new File([blob], "dropped.png", { type: blob.type }));
        const event = new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true });
        window.left = document.querySelector("footer").dispatchEvent(event);
      });
    """)
    page.wait(lambda: "20 × 10 becomes" in page.find("words").text)
    assert page.script("return window.left") is False  # the browser stays on the page


@pytest.mark.slow
def test_two_tabs_do_not_disturb_each_other(page, address, photo):
    page.open(address)
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    try:
        page.open(address)
        for _ in range(2):
            page.choose(photo)
        page.choose_model("arbedsr-field-tiny")
        page.enlarge()
    finally:
        page.browser.close()
        page.browser.switch_to.window(first)
    page.choose(photo)
    page.choose_model("arbedsr-field-tiny")
    page.enlarge()
    assert page.find("save").is_displayed()


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1280, 2560])
def test_the_page_fills_the_window_and_never_scrolls_sideways(page, address, photo, width):
    page.open(address, width, 1440 if width > 2000 else 800)
    page.choose(photo)
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    if width > 1000:
        stage, panel = (
            page.script(f"return document.getElementById('{name}').getBoundingClientRect().width")
            for name in ("stage", "panel")
        )
        assert stage + panel == pytest.approx(width, abs=1)
        assert page.script("return document.documentElement.scrollHeight <= innerHeight")  # nothing below the fold


def test_a_large_photograph_gets_the_largest_factor_that_is_allowed(page, address):
    page.open(address)
    goals = page.waited("""
      const { allowed, byFactors, bySize } = await import("./sizes.js");
      const picture = { width: 4000, height: 3000 }, small = { width: 301, height: 203 };
      return [[byFactors(2.5, 2.5), picture], [byFactors(8, 1), picture], [bySize(9, 9), small],
        [bySize(999, 500), small], [byFactors(8, 8), small]].map(([rule, one]) => allowed(rule, one, 60e6));
    """)
    assert [(goal["width"], goal["height"]) for goal in goals] == [
        (8800, 6600), (20000, 3000), (301, 203), (999, 500), (2408, 1624),
    ]  # fmt: skip
    assert [goal.get("clamped", False) for goal in goals] == [True, True, True, False, False]


AXE = "https://registry.npmjs.org/axe-core/-/axe-core-4.10.3.tgz"


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core, which looks for what keeps people out."""
    with (
        urllib.request.urlopen(AXE, timeout=60) as response,
        tarfile.open(fileobj=io.BytesIO(response.read())) as archive,
    ):
        return archive.extractfile("package/axe.min.js").read().decode()


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_keeps_people_out(page, address, photo, axe, width, dark):
    """Rules of WCAG 2.1 AA and best practices, in each state of the page."""
    page.open(address, width, 844, dark=dark)
    page.browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
    try:
        page.script(axe)
        found = [page.violations()]
        page.choose(photo)
        page.choose_model("arbedsr-field-tiny")
        found.append(page.violations())
        page.enlarge()
        found.append(page.violations())
    finally:
        page.browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    assert found == [[], [], []]


@pytest.mark.slow
def test_twelve_megapixels(page, address, tmp_path):
    choose_scene(page, address, tmp_path, 375, 500)
    page.choose_model("arbedsr-field-tiny")
    page.set_factors(8, 8)
    page.enlarge()
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
    from arbsr_jax.model_file import allowed_name, read_model_file, save_model
    from tests.models.fixtures import SMALL, randomized

    path = tmp_path / "file name.safetensors"
    save_model(path, SMALL, randomized(SMALL), {"name": name})
    if name:
        with pytest.raises(ArbsrError, match="is not allowed; use letters"):
            read_model_file(path)
    else:
        assert read_model_file(path).name == "file name"
    save_model(path, SMALL, randomized(SMALL), {"name": allowed_name(name)})
    assert set(read_model_file(path).name) <= set("abxhidenmol-.")


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
