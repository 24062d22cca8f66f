"""Models of the Hugging Face Hub: from folders, and from a server on this machine that speaks the few calls."""

import base64
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import arbsr_jax
from arbsr_jax import ArbsrError, Upscaler
from arbsr_jax.cli.main import main
from tests.conftest import ROOT

pytest.importorskip("huggingface_hub", reason="the extra hub is not installed")
COMMIT = "0" * 40
NAME = "arbedsr-field-tiny"


class Hub(BaseHTTPRequestHandler):
    """Repositories as {name: {file: content}}, with one commit each."""

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        found = re.fullmatch(
            r"/(?:api/models/)?([\w-]+/[\w-]+)(?:/resolve/([\w-]+)/([\w.]+))?", self.path.split("?")[0]
        )
        files = self.server.files.get(found[1]) if found else None
        if files is None:
            return self.answer(404, b"", {"X-Error-Code": "RepoNotFound"})
        if not found[3]:
            return self.say({"id": found[1], "sha": COMMIT, "siblings": [], "private": False})
        if found[2] not in ("main", COMMIT):
            return self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        if found[3] not in files:
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
        return self.answer(200, files[found[3]], {"ETag": f'"{len(files[found[3]])}"', "X-Repo-Commit": COMMIT})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.headers.get("Authorization"):
            return self.answer(401, b"", {})
        if self.path.startswith("/api/repos/create"):
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            self.server.files.setdefault(name, {})
            return self.say({"url": f"{self.server.address}/{name}"})
        if self.path == "/api/validate-yaml":
            return self.say({"errors": [], "warnings": []})
        name, call = re.match(r"/api/models/([\w-]+/[\w-]+)/(preupload|commit)/main", self.path).groups()
        if call == "preupload":
            files = json.loads(body)["files"]
            return self.say(
                {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]}
            )
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.server.files[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        return self.say(
            {"commitUrl": f"{self.server.address}/{name}/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
        )

    def say(self, value):
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer(self, code, content, headers):
        self.send_response(code)
        for header, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.files, server.address = {}, f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(server, tmp_path):
    """A script in a process of its own: the Hub's address is read when huggingface_hub is imported."""

    def result(*words, **more):
        import os

        settings = {"HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        environment = os.environ | settings | {"HF_HUB_DISABLE_TELEMETRY": "1"} | more
        return subprocess.run(
            [sys.executable, *map(str, words)], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
        )

    return result


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Written by the command."""
    folder = tmp_path_factory.mktemp("hub") / "repository"
    assert main(["export", NAME, "--hub", str(folder)]) == 0
    return folder


def test_a_repository_holds_model_config_and_card(repository):
    assert sorted(path.name for path in repository.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    assert json.loads((repository / "config.json").read_text())["upsampler"] == "field"
    card = (repository / "README.md").read_text()
    metadata, text = card.removeprefix("---\n").split("\n---\n", 1)
    assert {"license: apache-2.0", "library_name: arbsr_jax", "pipeline_tag: image-to-image"} <= set(
        metadata.splitlines()
    )
    assert "234,720 parameters" in text
    size = (repository / "model.safetensors").stat().st_size
    assert size < 2.2 * 234_720  # two bytes a weight, as the shipped file


def test_a_folder_is_loaded_as_it_was(repository, photograph):
    upscaler = Upscaler.from_pretrained(repository, tile=0)
    assert upscaler.model.name == NAME
    expected = arbsr_jax.load_model(NAME, tile=0).upscale(photograph, "1.7")
    np.testing.assert_array_equal(upscaler.upscale(photograph, "1.7"), expected)


def test_what_is_pushed_is_found_by_its_name_also_without_the_hub(run, server, tmp_path):
    push = f"import arbsr_jax; print(arbsr_jax.load_model('{NAME}').push_to_hub('me/small', token='hf_x'))"
    pushed = run("-c", push)
    assert pushed.stdout.strip().endswith(f"/me/small/commit/{COMMIT}"), pushed.stderr
    assert server.files["me/small"].keys() == {"README.md", "config.json", "model.safetensors"}
    for more in ({}, {"HF_HUB_OFFLINE": "1"}):
        found = run("-m", "arbsr_jax", "models", "hf://me/small", **more)
        assert (found.returncode, found.stderr) == (0, "")
        assert "234,720 parameters" in found.stdout
    pull = "import arbsr_jax; print(arbsr_jax.Upscaler.from_pretrained('me/small', revision='main').model.name)"
    assert run("-c", pull).stdout.strip() == NAME


@pytest.mark.parametrize(
    ("name", "offline", "said"),
    [
        ("hf://me/nothing", "0", "no such repository, or you may not see it"),
        ("hf://me/empty", "0", "has no model.safetensors"),
        ("hf://me/empty@elsewhere", "0", "no such revision"),
        ("hf://me/nothing", "1", "the Hub cannot be reached, and no copy is on this machine"),
        ("hf://a/b/c", "0", "not the name of a repository; give hf://USER/REPOSITORY"),
    ],
)
def test_what_is_not_there_is_one_line(run, server, name, offline, said):
    server.files["me/empty"] = {}
    found = run("-m", "arbsr_jax", "models", name, HF_HUB_OFFLINE=offline)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1
    assert said in found.stderr
    assert name.split("@")[0] in found.stderr


def test_pushing_without_a_token_is_one_line(run):
    code = f"""
import arbsr_jax
try:
    arbsr_jax.load_model('{NAME}').push_to_hub('me/small', token=False)
except arbsr_jax.ArbsrError as error:
    print(error)
"""
    assert "log in by `hf auth login`" in run("-c", code).stdout


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ArbsrError, match="pip install"):
        arbsr_jax.load_model("hf://me/small")


def test_flags_of_other_files_are_refused(tmp_path, capsys):
    assert main(["export", NAME, "--hub", str(tmp_path), "--scale", "2"]) == 2
    assert "leave out the flags of other kinds" in capsys.readouterr().err
