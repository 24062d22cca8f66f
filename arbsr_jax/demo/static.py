"""The page as a folder of static files that computes in the browser: any file host can serve it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from importlib import metadata, resources
from pathlib import Path
from typing import NamedTuple

from arbsr_jax.demo import PAGE_MODEL, RUNTIME_VERSION
from arbsr_jax.demo.assets import BROWSER, POLICY, page_files, page_pictures
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write
from arbsr_jax.model_file import find_model, read_model_file
from arbsr_jax.models.config import DEFAULT_RESTORING
from arbsr_jax.to_onnx.onnx_file import to_onnx

ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{RUNTIME_VERSION}.tgz"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
WASM = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
WEBGPU = ("ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm")  # fetched where there is WebGPU
TIMEOUT = 60  # seconds
OFFERED = {  # the networks of the page, and what each is for; the first is the page's choice
    PAGE_MODEL: "better",
    "arbedsr-field-tiny": "fast",
    DEFAULT_RESTORING: "for noise and JPEG",
}
HEADERS = f"""/*
  Content-Security-Policy: {POLICY}
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Embedder-Policy: require-corp
  X-Content-Type-Options: nosniff
"""


class Download(NamedTuple):
    """Bytes of a folder's parts."""

    page: int
    runtime: int
    webgpu: int
    models: int


def write_page(folder: Path, models: list[str], runtime: Path | None = None) -> Download:
    """Write the page, its runtime and its networks.

    Args:
      folder: to write into; files of the same names are replaced.
      models: model files, or names of shipped models; the first is the page's own choice.
      runtime: the npm package onnxruntime-web as a .tgz of `RUNTIME_VERSION`; None: from the npm registry.

    Raises:
      ArbsrError: the runtime cannot be had or is another one, a network is for one scale alone, or there is no such.
    """
    files = {name: text.encode() for name, text in page_files(BROWSER).items()} | page_pictures()
    service_worker = files.pop("service-worker.js").decode()
    page = sum(map(len, files.values())) + len(service_worker)
    of_runtime = _runtime_files(_package(runtime))
    of_models, entries = {}, []
    for name in models:
        model = read_model_file(name)
        if model.config.scale:
            raise ArbsrError(
                f"{name} is a network for scale {model.config.scale} alone; the page needs one for every scale"
            )
        content = to_onnx(model, find_model(name), half=True)
        file = f"models/{model.name}.onnx"
        if file in of_models:
            raise ArbsrError(f"{name}: another model is named {model.name} too; give one of them, or rename its file")
        of_models[file] = content
        words = OFFERED.get(model.name, "")
        entries.append({"name": model.name, "words": words, "file": file, "channels": model.config.channels})
    files |= of_runtime | of_models | {"models.json": json.dumps(entries, indent=1).encode()}
    files |= {"_headers": HEADERS.encode(), **_licences()}
    kept = sorted(
        ["./", *(name for name in files if not name.startswith(("_", "licences/")) and Path(name).name not in WEBGPU)]
    )
    version = hashlib.sha256(b"".join(files[name] for name in sorted(files))).hexdigest()[:16]
    words = service_worker.replace("{{version}}", version).replace("{{files}}", json.dumps(kept))
    for name, content in {**files, "service-worker.js": words.encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_bytes(content)
    gpu = sum(len(of_runtime[f"runtime/{name}"]) for name in WEBGPU)
    sizes = (sum(map(len, part.values())) for part in (of_runtime, of_models))
    all_runtime, all_models = sizes
    return Download(page, all_runtime - gpu, gpu, all_models)


def _package(runtime: Path | None) -> bytes:
    """The npm package, checked."""
    try:
        if runtime is None:
            with urllib.request.urlopen(ADDRESS, timeout=TIMEOUT) as response:
                content: bytes = response.read()
        else:
            content = runtime.read_bytes()
    except (OSError, urllib.error.URLError) as error:
        raise ArbsrError(
            f"{runtime or ADDRESS}: {getattr(error, 'strerror', None) or error}; fetch it by `npm pack "
            f"onnxruntime-web@{RUNTIME_VERSION}`, and give --runtime FILE.tgz"
        ) from None
    if base64.b64encode(hashlib.sha512(content).digest()).decode() != SHA512:
        raise ArbsrError(
            f"{runtime or ADDRESS}: not onnxruntime-web {RUNTIME_VERSION}, its hash differs; fetch it again"
        )
    return content


def _runtime_files(package: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for name in (*WASM, *WEBGPU):
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None, name
            found[f"runtime/{name}"] = member.read()
    return found


def _licences() -> dict[str, bytes]:
    texts = resources.files("arbsr_jax.demo") / "licences"
    found = {f"licences/{text.name}": text.read_bytes() for text in texts.iterdir()}
    notice = resources.files("arbsr_jax") / "weights" / "NOTICE.txt"
    own = metadata.distribution("arbsr_jax").read_text("licenses/LICENSE")
    found["licences/arbsr_jax.txt"] = (own or "Apache-2.0, https://www.apache.org/licenses/LICENSE-2.0").encode()
    return found | {"licences/weights-NOTICE.txt": notice.read_bytes()}
