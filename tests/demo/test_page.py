"""The page over HTTP, and in a real browser where there is one."""

import http.client
import io
import json
import shutil
import threading

import numpy as np
import pytest
import skimage.data
from PIL import Image

from arbsr_jax import load_model
from arbsr_jax.cli.main import main
from arbsr_jax.demo import service
from arbsr_jax.demo.server import LOOPBACK, make_server
from arbsr_jax.demo.service import LARGEST_UPLOAD, Service
from arbsr_jax.imaging.resize import imresize
from tests.photos import fixtures

PICTURE = skimage.data.astronaut()[20:120, 150:290]


def jpeg_or_png(pixels=PICTURE, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def upscaler():
    return load_model("arbedsr-tiny")


@pytest.fixture(scope="module")
def port(upscaler):
    server = make_server(Service(upscaler), upscaler.model.name, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=120)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_a_picture_comes_back_larger_beside_bicubic(port, upscaler):
    status, content, _ = ask(port, "POST", "/upscale?h=2.5&v=1.5", jpeg_or_png())
    facts = json.loads(content)
    assert status == 200
    assert (facts["width"], facts["height"]) == (350, 150)
    assert facts["scale"] == "x2.5 horizontally, x1.5 vertically"
    pictures = {}
    for kind in ("ours", "bicubic"):
        status, content, headers = ask(port, "GET", f"/{facts['token']}/{kind}.png")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        pictures[kind] = np.asarray(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(pictures["ours"], upscaler.upscale(PICTURE, "2.5x1.5"))
    np.testing.assert_array_equal(pictures["bicubic"], imresize(PICTURE, height=150, width=350))


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/page.html", "/..%2f..%2fetc/passwd", "/x/ours.png", "//etc/passwd", "/a/b/c"]
)
def test_nothing_else_is_served(port, path):
    assert ask(port, "GET", path)[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        ("/upscale?h=2&v=2", b"no picture", 422, "not a readable image"),
        ("/upscale?h=9&v=2", jpeg_or_png(), 422, "from 1 to 8"),
        ("/upscale?h=x&v=2", jpeg_or_png(), 422, "not"),
        ("/elsewhere", jpeg_or_png(), 400, "post a picture"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(port, path, body, status, named):
    found, content, _ = ask(port, "POST", path, body)
    assert found == status
    assert named in json.loads(content)["error"]


def test_too_much_is_refused(port, monkeypatch):
    assert ask(port, "POST", "/upscale?h=2&v=2", b"", **{"Content-Length": str(LARGEST_UPLOAD + 1)})[0] == 413
    monkeypatch.setattr(service, "LARGEST_INPUT", 1000)
    assert "this page takes" in json.loads(ask(port, "POST", "/upscale", jpeg_or_png())[1])["error"]
    monkeypatch.setattr(service, "LARGEST_INPUT", 1e6)
    monkeypatch.setattr(service, "LARGEST_RESULT", 1000)
    assert "this page makes" in json.loads(ask(port, "POST", "/upscale", jpeg_or_png())[1])["error"]


def test_other_hosts_and_other_pages_are_refused(port):
    assert ask(port, "GET", "/", Host="evil.example:80")[0] == 403
    assert ask(port, "POST", "/upscale", jpeg_or_png(), Origin="http://evil.example")[0] == 403
    assert ask(port, "GET", "/", Host=f"localhost:{port}")[0] == 200


def test_gray_and_transparent_pictures_stay_what_they_are(port):
    for pixels in (fixtures.pixels(1, 8)[..., 0], fixtures.pixels(4, 8), fixtures.pixels(2, 8)):
        status, content, _ = ask(port, "POST", "/upscale?h=2&v=2", jpeg_or_png(pixels))
        assert status == 200
        for kind in ("ours", "bicubic"):
            _, picture, _ = ask(port, "GET", f"/{json.loads(content)['token']}/{kind}.png")
            large = np.asarray(Image.open(io.BytesIO(picture)))
            assert large.shape == (2 * pixels.shape[0], 2 * pixels.shape[1], *pixels.shape[2:])
            if pixels.ndim == 3:
                assert np.ptp(large[..., -1]) > 0


def test_a_taken_port_is_one_line(port, capsys):
    assert main(["demo", "--port", str(port), "--no-browser"]) == 2
    assert f"port {port}" in capsys.readouterr().err


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        pytest.skip("no chromium and chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    flags = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync"
    for flag in [*flags.split(), "disable-component-update"]:
        options.add_argument(f"--{flag}")
    found = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield found
    found.quit()


@pytest.mark.parametrize(("width", "height"), [(1200, 860), (390, 1190)], ids=["desktop", "phone"])
def test_in_a_browser(browser, port, tmp_path, width, height):
    """Choose a file, drag the box's corner, enlarge, move the divider; ARBSR_SCREENSHOTS=DIR keeps pictures of it."""
    import os
    from pathlib import Path

    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def find(name):
        return browser.find_element(By.ID, name)

    (tmp_path / "astronaut.png").write_bytes(jpeg_or_png())
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(f"http://{LOOPBACK}:{port}/")
    assert not find("go").is_enabled()
    find("file").send_keys(str(tmp_path / "astronaut.png"))
    WebDriverWait(browser, 10).until(lambda _: find("go").is_enabled())
    assert "140 × 100 becomes 350 × 250" in find("words").text
    ActionChains(browser).drag_and_drop_by_offset(find("grip"), -8, 20).perform()
    horizontal, vertical = (float(find(name).get_attribute("value")) for name in "hv")
    assert 1 <= horizontal < 2.5 < vertical <= 8
    find("go").click()
    WebDriverWait(browser, 120).until(lambda _: browser.execute_script("return document.body.dataset.done"))
    assert "vertically" in find("facts").text
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    ratio = browser.execute_script("const i = document.getElementById('ours'); return i.clientWidth / i.naturalWidth")
    assert ratio == 1
    pair = find("pair")
    before = find("divider").get_attribute("style")
    ActionChains(browser).move_to_element_with_offset(pair, -40, 0).click_and_hold().move_by_offset(
        15, 0
    ).release().perform()
    assert find("divider").get_attribute("style") != before
    assert find("save").get_attribute("download").startswith("astronaut_")
    place = Path(os.environ.get("ARBSR_SCREENSHOTS", tmp_path))
    browser.save_screenshot(str(place / f"page-{'phone' if width < 500 else 'desktop'}.png"))
    assert not [
        entry
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE" and "favicon" not in entry["message"]
    ]
