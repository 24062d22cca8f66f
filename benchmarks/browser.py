"""A folder over HTTP, and a Chromium without a window, for what is measured or tested in a browser."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from arbsr_jax.demo.assets import KINDS

FLAGS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync "
    "disable-component-update"
)


@contextmanager
def served(folder: Path, headers: Mapping[str, str]) -> Iterator[str]:
    """The address of a folder whose files are sent with these headers."""

    class Files(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | KINDS

        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 (the name of the method that it replaces)
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def chromium(**capabilities: Any) -> Any:
    """A browser by Selenium, with nothing in its cache; the caller ends it by `quit`."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in FLAGS.split():
        options.add_argument(f"--{flag}")
    for name, value in capabilities.items():
        options.set_capability(name, value)
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
