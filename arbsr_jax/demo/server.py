"""The page over HTTP, on this machine alone. No file but the page itself is ever served."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from arbsr_jax.demo.service import LARGEST_UPLOAD, Service
from arbsr_jax.errors import ArbsrError

LOOPBACK = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")
TIMEOUT = 30  # seconds that a silent client may hold a connection
INLINE = "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
POLICY = f"default-src 'none'; img-src 'self' blob:; {INLINE}; connect-src 'self'"


def make_server(service: Service, model: str, port: int) -> ThreadingHTTPServer:
    """A server bound to loopback; port 0 takes any that is free."""
    page = (resources.files("arbsr_jax.demo") / "page.html").read_text().replace("{{model}}", model).encode()

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT
        server_version, sys_version = "arbsr", ""

        def do_GET(self) -> None:
            path = urlsplit(self.path).path.strip("/").split("/")
            if not self._local():
                return
            if path == [""]:
                self._answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
            elif len(path) == 2 and (picture := service.picture(path[0], path[1].removesuffix(".png"))):
                self._answer(HTTPStatus.OK, picture, "image/png")
            else:
                self._fail(HTTPStatus.NOT_FOUND, "there is nothing here; results are kept for a while only")

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            if not self._local():
                return
            length = self.headers.get("Content-Length", "")
            if parts.path != "/upscale" or not length.isascii() or not length.isdigit():
                self._fail(HTTPStatus.BAD_REQUEST, "post a picture to /upscale")
            elif int(length) > LARGEST_UPLOAD:
                self.close_connection = True
                self._fail(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"files up to {LARGEST_UPLOAD // 2**20} MiB are accepted"
                )
            else:
                query = parse_qs(parts.query)
                try:
                    facts = service.upscale(self.rfile.read(int(length)), *(query.get(k, ["2"])[0] for k in "hv"))
                except ArbsrError as error:
                    self._fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
                else:
                    self._answer(HTTPStatus.OK, json.dumps(facts).encode(), "application/json")

        def _local(self) -> bool:
            """Refuse other host names (a web page elsewhere that was pointed here) and posts from other pages."""
            host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
            origin = self.headers.get("Origin")
            allowed = host in NAMES and (origin is None or urlsplit(origin).netloc == self.headers["Host"])
            if not allowed:
                self._fail(HTTPStatus.FORBIDDEN, "this page is for this machine alone")
            return allowed

        def _fail(self, status: HTTPStatus, words: str) -> None:
            self._answer(status, json.dumps({"error": words}).encode(), "application/json")

        def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
            self.send_response(status)
            headers = {"Content-Type": kind, "Content-Length": str(len(content)), "Cache-Control": "no-store"}
            headers |= {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": POLICY}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 (the name of the method that it replaces)
            """Say nothing: the page says what went wrong."""

    return ThreadingHTTPServer((LOOPBACK, port), Handler)
