"""The page over HTTP, on this machine alone. No file but the page's own is ever served."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

from arbsr_jax.demo.assets import INDEX, KINDS, POLICY, SERVER, page_files, page_pictures
from arbsr_jax.demo.service import LARGEST_UPLOAD, Service, decoded, png
from arbsr_jax.errors import ArbsrError

LOOPBACK = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")
TIMEOUT = 30  # seconds that a silent client may hold a connection
CHUNK = 2**20  # bytes
MOST_DRAINED = 2**32  # bytes of an upload that is too large: it is read to its end, so that the answer arrives


def make_server(service: Service, port: int) -> ThreadingHTTPServer:
    """A server bound to loopback; port 0 takes any that is free."""
    files = {name: text.encode() for name, text in page_files(SERVER).items()} | page_pictures()
    files[""], files["favicon.ico"] = files[INDEX], files["icon.svg"]

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT
        server_version, sys_version = "arbsr", ""

        def do_GET(self) -> None:
            if not self._local():
                return
            path = urlsplit(self.path).path.removeprefix("/")
            match path.split("/"):
                case ["facts.json"]:
                    self._answer(HTTPStatus.OK, service.facts)
                case [name] if name in files:
                    kind = KINDS[PurePosixPath(name).suffix.replace(".ico", ".svg") or ".html"]
                    self._send(HTTPStatus.OK, files[name], kind)
                case ["jobs", token] if (status := service.status(token)) is not None:
                    self._answer(HTTPStatus.OK, status)
                case ["jobs", token, name] if picture := service.picture(token, name.removesuffix(".png")):
                    self._send(HTTPStatus.OK, picture, KINDS[".png"])
                case _:
                    self._nothing()

        def do_DELETE(self) -> None:
            if not self._local():
                return
            match urlsplit(self.path).path.split("/"):
                case ["", "jobs", token] if service.cancel(token):
                    self._answer(HTTPStatus.OK, {})
                case _:
                    self._nothing()

        def do_POST(self) -> None:
            if not self._local():
                return
            parts, length = urlsplit(self.path), self.headers.get("Content-Length", "")
            if parts.path not in ("/jobs", "/decoded") or not length.isascii() or not length.isdigit():
                self._fail(HTTPStatus.BAD_REQUEST, "post a picture to /jobs or /decoded")
            elif int(length) > LARGEST_UPLOAD:
                self._drain(int(length))
                words = f"files up to {LARGEST_UPLOAD // 2**20} MiB are accepted"
                self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)
            else:
                query = parse_qs(parts.query)
                target = (query.get(name, [None])[0] for name in ("scale", "size", "restore"))
                upload = self.rfile.read(int(length))
                try:
                    if parts.path == "/decoded":
                        self._send(HTTPStatus.OK, png(decoded(upload)), KINDS[".png"])
                    else:
                        self._answer(HTTPStatus.ACCEPTED, service.submit(upload, *target))
                except ArbsrError as error:
                    self._fail(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

        def _drain(self, length: int) -> None:
            """Read what nobody wants: a connection closed before is a broken pipe for the sender, not an answer."""
            self.close_connection, left = True, min(length, MOST_DRAINED)
            while left > 0 and (chunk := self.rfile.read(min(left, CHUNK))):
                left -= len(chunk)

        def _local(self) -> bool:
            """Refuse other host names (a web page elsewhere that was pointed here) and requests from other pages."""
            host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
            origin = self.headers.get("Origin")
            allowed = host in NAMES and (origin is None or urlsplit(origin).netloc == self.headers["Host"])
            if not allowed:
                self._fail(HTTPStatus.FORBIDDEN, "this page is for this machine alone")
            return allowed

        def _nothing(self) -> None:
            self._fail(HTTPStatus.NOT_FOUND, "there is nothing here; results are kept for a while only")

        def _fail(self, status: HTTPStatus, words: str) -> None:
            self._answer(status, {"error": words})

        def _answer(self, status: HTTPStatus, content: dict[str, Any]) -> None:
            self._send(status, json.dumps(content).encode(), KINDS[".json"])

        def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
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
