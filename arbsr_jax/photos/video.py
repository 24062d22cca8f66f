"""Films by way of ffmpeg, where it is installed: frames out, frames in, sound as it was."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
FFMPEG, RAW = ("ffmpeg", "-v", "error"), ("-f", "rawvideo", "-pix_fmt", "rgb24")
CONSTANT_RATE_FACTOR = 16  # of x264: hardly any loss that can be seen
WORDS = 200  # characters of what ffmpeg says
Frame = UInt8[np.ndarray, "height width 3"]


class Film(NamedTuple):
    """What ffprobe says of a file."""

    height: int
    width: int
    rate: str  # frames a second, as a fraction
    frames: int  # as announced; 0 if unknown


def probe(path: Path) -> Film:
    """Size, rate and length of a film.

    Raises:
      ArbsrError: ffmpeg is not installed, or the file holds no film.
    """
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise ArbsrError(f"{path}: films need ffmpeg, which is not installed here")
    if not path.is_file():
        raise ArbsrError(f"{path}: no such file")
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    streams = json.loads(result.stdout or "{}").get("streams") if result.returncode == 0 else None
    if not streams:
        raise ArbsrError(f"{path}: not a readable film ({result.stderr.strip()[-WORDS:] or 'no pictures in it'})")
    one = streams[0]
    turned = any(abs(side.get("rotation", 0)) % 180 == 90 for side in one.get("side_data_list", []))
    size = (one["width"], one["height"]) if turned else (one["height"], one["width"])
    return Film(*size, one.get("r_frame_rate", "25/1"), int(one.get("nb_frames") or 0))


def frames(path: Path, film: Film, remarks: list[str]) -> Iterator[Frame]:
    """Every frame that can be read, turned upright, as RGB; ffmpeg's complaints become a remark at the end."""
    command = [*FFMPEG, "-nostdin", "-i", path, "-map", "0:v:0", *RAW, "-"]
    with TemporaryFile() as complaints, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints) as running:
        count, read = film.height * film.width * 3, 0
        assert running.stdout is not None
        while len(content := running.stdout.read(count)) == count:
            read += 1
            yield np.frombuffer(content, np.uint8).reshape(film.height, film.width, 3)
        failed = running.wait()
        complaints.seek(0)
        words = " ".join(complaints.read().decode(errors="replace").split())[-WORDS:]
    if failed or words or read < film.frames:
        announced = f" of {film.frames}" if film.frames else ""
        remarks.append(f"damaged: {read}{announced} frames could be read ({words or 'the rest is missing'})")


def convert(
    source: Path, target: Path, film: Film, enlarge: Callable[[Frame], Frame], size: tuple[int, int]
) -> list[str]:
    """Write `target` with every frame of `source` enlarged to `size` (width, height), and its sound.

    Returns:
      What had to be changed, and what could not be read, in words.

    Raises:
      ArbsrError: ffmpeg could not read one frame of it, or not write it.
    """
    remarks: list[str] = []
    even = tuple(side + side % 2 for side in size)
    with atomic_write(target) as partial:
        kind = {".mkv": "matroska", ".m4v": "mp4"}.get(target.suffix.lower(), target.suffix.lower()[1:])
        pictures = [*RAW, "-s", "x".join(map(str, even)), "-r", film.rate, "-i", "-"]
        coding = ["-c:v", "libvpx-vp9" if kind == "webm" else "libx264", "-crf", str(CONSTANT_RATE_FACTOR)]
        sound = ["-i", source, "-map", "0:v", "-map", "1:a?", "-c:a", "copy"]
        command = [*FFMPEG, "-y", *pictures, *sound, *coding, "-pix_fmt", "yuv420p", "-f", kind, partial]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            written = 0
            assert running.stdin is not None
            assert running.stderr is not None
            try:
                for frame in frames(source, film, remarks):
                    written, large = written + 1, enlarge(frame)
                    beyond = [(0, even[1] - size[1]), (0, even[0] - size[0]), (0, 0)]
                    running.stdin.write(np.pad(large, beyond, mode="edge").tobytes())
                running.stdin.close()
            except BrokenPipeError:
                pass  # ffmpeg says why below
            words = running.stderr.read().decode(errors="replace").strip()
        if not written:
            raise ArbsrError(f"{source}: no frame of it could be read ({'; '.join(remarks)})")
        if running.returncode:
            raise ArbsrError(f"{target}: ffmpeg could not write it ({words[-WORDS:]})")
    padded = [] if even == tuple(size) else [f"padded to {even[0]}x{even[1]}: films have even sides"]
    return padded + remarks
