"""The page's files, the same for both engines: a Python server, or the browser itself."""

from __future__ import annotations

from importlib import resources

from arbsr_jax.version import VERSION

# No script but the page's own, and no request to another place. WebAssembly must be allowed by name.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self' blob:; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
SERVER, BROWSER = "server", "browser"  # engines
INDEX = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".txt": "text/plain; charset=utf-8",
}
PICTURE = ".webp"
ONLY_IN_BROWSER = ("engine-browser.js", "worker.js", "bicubic.js", "service-worker.js")


def page_files(engine: str) -> dict[str, str]:
    """Name and content of the page's files for one engine; the service worker is still a template."""
    found = {}
    for file in (resources.files("arbsr_jax.demo") / "page").iterdir():
        if file.name.endswith(PICTURE):
            continue
        if engine == BROWSER and file.name == "engine-server.js":
            continue
        if engine == SERVER and file.name in ONLY_IN_BROWSER:
            continue
        found[file.name] = file.read_text()
    for word, value in {"engine": engine, "policy": POLICY, "release": VERSION}.items():
        found[INDEX] = found[INDEX].replace(f"{{{{{word}}}}}", value)
    return found


def page_pictures() -> dict[str, bytes]:
    """Name and content of the page's pictures; `recipes/page_pictures.py` makes them."""
    files = (resources.files("arbsr_jax.demo") / "page").iterdir()
    return {file.name: file.read_bytes() for file in files if file.name.endswith(PICTURE)}
