"""What the page asks for: pictures wait in a queue, are enlarged one after the other, and can be given up."""

from __future__ import annotations

import io
import itertools
import queue
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from arbsr_jax.app.reading import photo_size, read_photo
from arbsr_jax.compilation import reported
from arbsr_jax.dial import check_strength
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.pixels import to_8_bit
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.channels import upscale_any_channels
from arbsr_jax.inference.loading import AutoRestoring
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.typing import Pixels

LARGEST_UPLOAD = 50 * 2**20  # bytes
LARGEST_INPUT, LARGEST_RESULT = 12e6, 60e6  # pixels
KEPT = 8  # results; older ones are forgotten
MOST_WAITING = 64  # pictures
WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"


class CancelledError(Exception):
    """Nobody wants the result any more."""


class PageJob:
    """One picture, from its upload to its result.

    Attributes:
      token: its name.
      number: of its turn.
      state: `WAITING` and so on.
      share: that is done.
      compiling: whether it waits for a program to be compiled, which happens once on a machine.
      error: what went wrong, in words.
      pictures: PNGs by name.
    """

    def __init__(self, number: int, pixels: Pixels, scale: Scale, size: Size, restore: float = 0.0) -> None:
        self.token, self.number = secrets.token_urlsafe(16), number
        self.pixels, self.scale, self.size, self.restore = pixels, scale, size, restore
        self.state, self.share, self.compiling, self.error = WAITING, 0.0, False, ""
        self.pictures: dict[str, bytes] = {}


class Service:
    """One model behind the page; a thread computes the jobs in their order."""

    def __init__(self, upscaler: Upscaler, restoring: AutoRestoring | None = None) -> None:
        """Start the thread; `restoring` is a dial whose clean end is the model."""
        self._upscaler, self._restoring, self._jobs = upscaler, restoring, OrderedDict[str, PageJob]()
        self._queue, self._numbers, self._lock = queue.Queue[PageJob](), itertools.count(), threading.Lock()
        threading.Thread(target=self._work, daemon=True).start()

    @property
    def facts(self) -> dict[str, Any]:
        """What the page has to know."""
        limits = {"most": LARGEST_RESULT, "most_in": LARGEST_INPUT, "most_bytes": LARGEST_UPLOAD}
        return {"model": self._upscaler.model.name, "restores": self._restoring is not None, **limits}

    def submit(self, upload: bytes, scale: str | None, size: str | None, restore: str | None = None) -> dict[str, Any]:
        """Queue an uploaded file; `size` is width x height, `restore` a strength from 0 to 1.

        Raises:
          ArbsrError: the file is no picture, too large, the scale, size or strength is not allowed, or too many wait.
        """
        strength = _strength(restore) if self._restoring else 0.0
        if sum(job.state == WAITING for job in list(self._jobs.values())) >= MOST_WAITING:
            raise ArbsrError(f"{MOST_WAITING} pictures are waiting; try again later")
        pixels = decoded(upload)
        asked = Size.of(size) if size else None
        sides = (asked.width, asked.height) if asked else None
        exact, large = self._upscaler.target(pixels.shape[:2], scale, sides)
        if large.height * large.width > LARGEST_RESULT:
            raise ArbsrError(f"the result would have {large} pixels; this page makes {LARGEST_RESULT / 1e6:.0f} Mpx")
        job = PageJob(next(self._numbers), pixels, exact, large, strength)
        self._jobs[job.token] = job
        self._queue.put(job)
        return {"token": job.token, "width": large.width, "height": large.height}

    def status(self, token: str) -> dict[str, Any] | None:
        """How a job stands; None if there is none."""
        job = self._jobs.get(token)
        if job is None:
            return None
        before = [
            one for one in list(self._jobs.values()) if one.state in (WAITING, RUNNING) and one.number < job.number
        ]
        facts = {"state": job.state, "share": round(job.share, 4), "compiling": job.compiling, "error": job.error}
        return {**facts, "ahead": len(before)}

    def cancel(self, token: str) -> bool:
        """Give a job up: at once if it waits, else after the window that is being computed."""
        job = self._jobs.get(token)
        if job is not None:
            self._turn(job, (WAITING, RUNNING), CANCELLED)
        return job is not None

    def picture(self, token: str, name: str) -> bytes | None:
        """A result, "after" or "before" (bicubic), as PNG; None if there is none."""
        job = self._jobs.get(token)
        return job.pictures.get(name) if job else None

    def _work(self) -> None:
        while True:
            job = self._queue.get()
            try:
                if self._turn(job, (WAITING,), RUNNING):
                    self._compute(job)
            except CancelledError:
                pass
            except Exception as error:
                job.error = str(error) or type(error).__name__
                self._turn(job, (RUNNING,), FAILED)
            # Those that failed or were given up take no result's place.
            for states in ((DONE,), (FAILED, CANCELLED)):
                finished = [one.token for one in list(self._jobs.values()) if one.state in states]
                for token in finished[:-KEPT]:
                    del self._jobs[token]

    def _turn(self, job: PageJob, before: tuple[str, ...], after: str) -> bool:
        """Change a job's state, if it is one of those before; two threads never do so at once."""
        with self._lock:
            may = job.state in before
            job.state = after if may else job.state
        return may

    def _compute(self, job: PageJob) -> None:
        def progress(share: float) -> None:
            if job.state == CANCELLED:
                raise CancelledError
            job.share = share

        def compiling(seconds: float | None) -> None:
            job.compiling = seconds is None

        with reported(compiling):
            upscaler = self._restoring.at(job.restore) if self._restoring and job.restore else self._upscaler
            large = upscaler.upscale(job.pixels, job.scale, progress=progress)
        bicubic = upscale_any_channels(job.pixels, lambda image, _: _bicubic(image, job.size))
        pictures = {"after": png(large), "before": png(bicubic)}
        progress(1.0)
        job.pictures = pictures
        if not self._turn(job, (RUNNING,), DONE):
            job.pictures = {}


def _strength(text: str | None) -> float:
    """A strength from a query, to a quarter, so that few networks are made.

    Raises:
      ArbsrError: it is none.
    """
    try:
        strength = float(text or 0)
        check_strength(strength)
    except ValueError:
        raise ArbsrError(f"restore={text} is not a number; give a strength from 0 to 1") from None
    return round(4 * strength) / 4


def decoded(upload: bytes) -> Pixels:
    """What was uploaded, with 8 bits.

    Raises:
      ArbsrError: it is no picture, or too large.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(upload)
        try:
            height, width = photo_size(path)
            if height * width > LARGEST_INPUT:
                raise ArbsrError(
                    f"the picture has {width}x{height} pixels; this page takes {LARGEST_INPUT / 1e6:.0f} Mpx"
                )
            photo = read_photo(path)
        except ArbsrError as error:
            raise ArbsrError(str(error).replace(str(path), "the picture")) from None
    return to_8_bit(photo.pixels)


def _bicubic(image: Pixels, size: Size) -> Pixels:
    """Of 8 bits as MATLAB's; of 16, as transparent pictures are computed, rounded half up."""
    if image.dtype == np.uint8:
        return imresize(image, height=size.height, width=size.width)
    large = np.floor(imresize(image.astype(np.float64), height=size.height, width=size.width) + 0.5)
    return np.clip(large, 0, np.iinfo(image.dtype).max).astype(image.dtype)


def png(pixels: Pixels) -> bytes:
    """A picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
