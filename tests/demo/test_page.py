"""The page over HTTP with Python's engine, and in a real browser where there is one."""

import http.client
import io
import json
import socket
import threading
import time

import jax
import numpy as np
import pytest
import skimage.data
from PIL import Image

from arbsr_jax import ArbsrError, load_model
from arbsr_jax.cli.main import main
from arbsr_jax.demo import service
from arbsr_jax.demo.server import LOOPBACK, make_server
from arbsr_jax.demo.service import DONE, KEPT, LARGEST_UPLOAD, RUNNING, WAITING, PageJob, Service
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.loading import AutoRestoring
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import save_model
from tests.app import fixtures
from tests.conftest import PATIENCE

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
    server = make_server(Service(upscaler), 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def status(port, token):
    return json.loads(ask(port, "GET", f"/jobs/{token}")[1])


def finished(port, content):
    """The pictures of a job when it is done."""
    token = json.loads(content)["token"]
    while (job := status(port, token))["state"] in (WAITING, RUNNING):
        time.sleep(0.05)
    assert job["state"] == DONE, job
    pictures = {}
    for name in ("after", "before"):
        code, picture, headers = ask(port, "GET", f"/jobs/{token}/{name}.png")
        assert (code, headers["Content-Type"]) == (200, "image/png")
        pictures[name] = np.asarray(Image.open(io.BytesIO(picture)))
    return pictures


@pytest.mark.parametrize(("query", "scale"), [("scale=2.5x1.5", "2.5x1.5"), ("size=350x150", "2.5x1.5")])
def test_a_picture_comes_back_larger_beside_bicubic(port, upscaler, query, scale):
    code, content, _ = ask(port, "POST", f"/jobs?{query}", jpeg_or_png())
    facts = json.loads(content)
    assert code == 202
    assert (facts["width"], facts["height"]) == (350, 150)
    pictures = finished(port, content)
    np.testing.assert_array_equal(pictures["after"], upscaler.upscale(PICTURE, scale))
    np.testing.assert_array_equal(pictures["before"], imresize(PICTURE, height=150, width=350))


def test_a_scale_is_not_the_size_that_it_rounds_to(port, upscaler):
    """33 x 21 pixels by 2.3 x 1.7 become 76 x 36: the factors stay what they are."""
    odd = np.ascontiguousarray(PICTURE[:21, :33])
    _, content, _ = ask(port, "POST", "/jobs?scale=2.3x1.7", jpeg_or_png(odd))
    found = finished(port, content)["after"]
    np.testing.assert_array_equal(found, upscaler.upscale(odd, "2.3x1.7"))
    assert (found != upscaler.upscale(odd, size=(76, 36))).any()


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/server.py",
        "/..%2f..%2fetc/passwd",
        "/jobs/x/after.png",
        "/jobs/x",
        "//etc/passwd",
        "/a/b/c",
    ],
)
def test_nothing_else_is_served(port, path):
    assert ask(port, "GET", path)[0] == 404


def test_the_page_and_its_parts_are_served_under_a_policy(port):
    for path, kind in {"/": "text/html", "/page.js": "text/javascript", "/favicon.ico": "image/svg+xml"}.items():
        code, content, headers = ask(port, "GET", path)
        assert code == 200
        assert content
        assert headers["Content-Type"].startswith(kind)
        assert "script-src 'self' 'wasm-unsafe-eval'" in headers["Content-Security-Policy"]
        assert "unsafe-inline" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "body", "code", "named"),
    [
        ("/jobs?scale=2", b"no picture", 422, "not a readable image"),
        ("/jobs?scale=9", jpeg_or_png(), 422, "from 1 to 8"),
        ("/jobs?scale=x", jpeg_or_png(), 422, "not"),
        ("/jobs?size=10x10", jpeg_or_png(), 422, "must be from"),
        ("/jobs?size=wide", jpeg_or_png(), 422, "not understood"),
        ("/jobs", jpeg_or_png(), 422, "give either"),
        ("/elsewhere", jpeg_or_png(), 400, "post a picture"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(port, path, body, code, named):
    found, content, _ = ask(port, "POST", path, body)
    assert found == code
    assert named in json.loads(content)["error"]


def test_too_much_gets_an_answer(port, monkeypatch):
    """The whole upload is sent, as browsers do, before the answer is read."""
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as sender:
        size = LARGEST_UPLOAD + 1
        head = f"POST /jobs?scale=2 HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\nContent-Length: {size}\r\n\r\n"
        sender.sendall(head.encode() + b"x" * size)
        assert b" 413 " in sender.makefile("rb").readline()
    monkeypatch.setattr(service, "LARGEST_INPUT", 1000)
    assert "this page takes" in json.loads(ask(port, "POST", "/jobs?scale=2", jpeg_or_png())[1])["error"]
    monkeypatch.setattr(service, "LARGEST_INPUT", 1e6)
    monkeypatch.setattr(service, "LARGEST_RESULT", 1000)
    assert "this page makes" in json.loads(ask(port, "POST", "/jobs?scale=2", jpeg_or_png())[1])["error"]


def test_pictures_wait_in_a_queue_and_can_be_given_up(upscaler, monkeypatch):
    """The first is held after its first window; behind it wait two, of which one is given up."""
    held, started = threading.Event(), threading.Event()
    computed = []

    def slowly(self, pixels, scale, progress):
        computed.append(scale)
        progress(0.25)
        started.set()
        assert held.wait(60)
        progress(0.5)
        return np.zeros((*scale.output_size(*pixels.shape[:2]), 3), np.uint8)

    monkeypatch.setattr(Upscaler, "upscale", slowly)
    queue = Service(upscaler)
    tokens = [queue.submit(jpeg_or_png(), "2", None)["token"] for _ in range(4)]
    assert started.wait(60)
    states = [queue.status(token) for token in tokens]
    assert [state["state"] for state in states] == [RUNNING, WAITING, WAITING, WAITING]
    assert [state["ahead"] for state in states] == [0, 1, 2, 3]
    assert states[0]["share"] == 0.25
    assert queue.cancel(tokens[0])
    assert queue.cancel(tokens[2])
    held.set()
    while queue.status(tokens[3])["state"] != DONE:
        time.sleep(0.01)
    assert [queue.status(token)["state"] for token in tokens] == ["cancelled", DONE, "cancelled", DONE]
    assert len(computed) == 3
    assert queue.picture(tokens[0], "after") is None
    assert not queue.cancel("no such")
    monkeypatch.setattr(service, "MOST_WAITING", 0)
    with pytest.raises(Exception, match="are waiting"):
        queue.submit(jpeg_or_png(), "2", None)


def test_what_fails_is_said_and_the_next_has_its_turn(upscaler, monkeypatch):
    def broken(self, pixels, scale, progress):
        raise MemoryError("no room")

    queue = Service(upscaler)
    with monkeypatch.context() as patch:
        patch.setattr(Upscaler, "upscale", broken)
        token = queue.submit(jpeg_or_png(), "2", None)["token"]
        while queue.status(token)["state"] != "failed":
            time.sleep(0.01)
    assert queue.status(token)["error"] == "no room"
    tokens = [queue.submit(jpeg_or_png(), "1.5", None)["token"] for _ in range(KEPT + 2)]
    while queue.status(tokens[-1])["state"] != DONE:
        time.sleep(0.01)
    assert queue.status(tokens[0]) is None  # results are kept for a while only
    assert queue.status(token)["error"] == "no room"  # what failed takes no result's place


def test_giving_up_and_starting_never_cross(upscaler):
    """A job that was given up before its turn stays so, whichever thread comes first."""
    queue = Service(upscaler)
    for _ in range(200):
        job = PageJob(0, PICTURE, Scale.of(2), Size(1, 1))
        queue._jobs["one"] = job
        threads = [
            threading.Thread(target=queue._turn, args=(job, (WAITING,), RUNNING)),
            threading.Thread(target=queue.cancel, args=("one",)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert job.state == "cancelled"


@pytest.fixture(scope="module")
def restoring(upscaler, tmp_path_factory):
    """A model whose dial begins with the model of the page."""
    folder, model = tmp_path_factory.mktemp("dial"), upscaler.model
    save_model(folder / "clean.safetensors", model.config, model.parameters, {})
    other = jax.tree.map(lambda leaf: 0.9 * leaf, model.parameters)
    origin = {"restores": str(folder / "clean.safetensors")}
    save_model(folder / "restoring.safetensors", model.config, other, origin)
    return folder / "restoring.safetensors"


def test_a_job_is_restored_as_strongly_as_it_asks(upscaler, restoring):
    """Strengths come in quarters."""
    queue = Service(upscaler, AutoRestoring(restoring))
    assert queue.facts["restores"]
    for text, strength in ((None, 0.0), ("0.7", 0.75), ("1", 1.0)):
        token = queue.submit(jpeg_or_png(), "2", None, text)["token"]
        while queue.status(token)["state"] in (WAITING, RUNNING):
            time.sleep(0.01)
        found = np.asarray(Image.open(io.BytesIO(queue.picture(token, "after"))))
        expected = load_model(restoring, restore=strength).upscale(PICTURE, "2")
        np.testing.assert_array_equal(found, expected)
    for text in ("2", "nan", "x"):
        with pytest.raises(ArbsrError, match="give a strength from 0"):
            queue.submit(jpeg_or_png(), "2", None, text)


def test_what_a_browser_cannot_show_is_decoded(port, tmp_path):
    import tifffile

    tifffile.imwrite(tmp_path / "deep.tif", fixtures.pixels(3, 16))
    code, content, headers = ask(port, "POST", "/decoded", (tmp_path / "deep.tif").read_bytes())
    assert (code, headers["Content-Type"]) == (200, "image/png")
    expected = ((fixtures.pixels(3, 16).astype(int) + 128) // 257).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(content))), expected)
    code, content, _ = ask(port, "POST", "/decoded", b"no picture")
    assert code == 422
    assert "not a readable image" in json.loads(content)["error"]


def test_other_hosts_and_other_pages_are_refused(port):
    assert ask(port, "GET", "/", Host="evil.example:80")[0] == 403
    assert ask(port, "POST", "/jobs?scale=2", jpeg_or_png(), Origin="http://evil.example")[0] == 403
    assert ask(port, "DELETE", "/jobs/x", Origin="http://evil.example")[0] == 403
    assert ask(port, "GET", "/", Host=f"localhost:{port}")[0] == 200


def test_gray_and_transparent_pictures_stay_what_they_are(port):
    for pixels in (fixtures.pixels(1, 8)[..., 0], fixtures.pixels(4, 8), fixtures.pixels(2, 8)):
        code, content, _ = ask(port, "POST", "/jobs?scale=2", jpeg_or_png(pixels))
        assert code == 202
        for large in finished(port, content).values():
            assert large.shape == (2 * pixels.shape[0], 2 * pixels.shape[1], *pixels.shape[2:])
            if pixels.ndim == 3:
                assert np.ptp(large[..., -1]) > 0


def test_a_taken_port_and_wrong_flags_are_one_line(port, capsys, tmp_path):
    assert main(["demo", "--port", str(port), "--no-browser", "--model", "arbedsr-tiny"]) == 2
    assert f"port {port}" in capsys.readouterr().err
    assert main(["demo", "--model", "arbedsr-tiny", "arbedsr-baseline"]) == 2
    assert "several need --static" in capsys.readouterr().err
    (tmp_path / "no.tgz").write_bytes(b"no package")
    assert main(["demo", "--static", str(tmp_path / "page"), "--runtime", str(tmp_path / "no.tgz")]) == 2
    assert "its hash differs" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()


@pytest.mark.parametrize(("width", "height"), [(1200, 900), (390, 1190)], ids=["desktop", "phone"])
def test_in_a_browser(page, port, upscaler, tmp_path, width, height):
    """Choose a file, drag the box's corner, enlarge, move the divider, cancel another run."""
    from selenium.webdriver import ActionChains

    (tmp_path / "astronaut.png").write_bytes(jpeg_or_png())
    page.open(f"http://{LOOPBACK}:{port}/", width, height)
    assert "in Python on this machine" in page.find("engine").text
    assert not page.find("go").is_enabled()
    page.choose(tmp_path / "astronaut.png")
    assert "140 × 100 becomes 350 × 250" in page.find("words").text
    page.set_factors(2.5, 3.5)
    assert "140 × 100 becomes 350 × 350" in page.find("words").text
    page.enlarge()
    np.testing.assert_array_equal(page.pixels(), upscaler.upscale(PICTURE, "2.5x3.5"))
    assert page.find("save").get_attribute("download") == "astronaut_2.5x3.5.png"
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    if width > 500:
        page.find("showSize").click()
        chain = ActionChains(page.browser).drag_and_drop_by_offset(page.find("grip"), -8, 20)
        chain.perform()
        horizontal, vertical = (float(page.find(name).get_attribute("value")) for name in "hv")
        assert 1 <= horizontal < 2.5
        assert 3.5 < vertical <= 8
    assert not page.complaints()


@pytest.mark.slow
def test_the_dial_shows_the_middle_of_the_picture(page, upscaler, restoring, tmp_path):
    """What comes last counts, however fast the dial is turned."""
    server = make_server(Service(upscaler, AutoRestoring(restoring)), 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        (tmp_path / "astronaut.png").write_bytes(jpeg_or_png())
        page.open(f"http://{LOOPBACK}:{server.server_address[1]}/")
        page.choose(tmp_path / "astronaut.png")
        page.set_factors(2, 3)
        assert not page.find("sample").is_displayed()
        turn = (
            "const r = document.getElementById('restore'); r.value = arguments[0]; r.dispatchEvent(new Event('input'))"
        )
        for strength in (0.25, 1, 0.5):
            page.script(turn, strength)
        page.wait(lambda: page.find("sample").is_displayed())
        assert page.find("wordsR").text == "50 %"
        shape = page.script("return [sample.naturalHeight, sample.naturalWidth]")
        assert shape == [3 * 96, 2 * 96]
        pixels = page.script(
            """const c = new OffscreenCanvas(sample.naturalWidth, sample.naturalHeight), x = c.getContext('2d');
            x.drawImage(sample, 0, 0);
            return [...x.getImageData(0, 0, c.width, c.height).data]"""
        )
        found = np.array(pixels).reshape(*shape, 4)[..., :3]
        middle = np.ascontiguousarray(PICTURE[2:98, 22:118])
        expected = load_model(restoring, restore=0.5).upscale(middle, "2x3")
        np.testing.assert_array_equal(found, expected)
        assert not page.complaints()
    finally:
        server.shutdown()
        server.server_close()
