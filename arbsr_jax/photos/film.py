"""Films by way of PyAV, an extra: pictures out, pictures in, everything else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write
from arbsr_jax.photos import frames, streams
from arbsr_jax.photos.frames import Colours

CONTAINERS = {  # FFmpeg's names
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
}
FILE = "file:"  # keeps a name with a colon from being taken for a protocol
SUFFIXES = tuple(CONTAINERS)
WORDS = 160  # characters of what FFmpeg says
LATE = 1.5  # frames by which a film may end early and still be whole
Frame = Shaped[np.ndarray, "height width 3"]  # uint8, or uint16 of films with more than 8 bits
Enlarge = Callable[[Frame], Frame]


class Film(NamedTuple):
    """What a file says of its pictures, upright."""

    height: int
    width: int
    frames: int  # as announced; 0 if unknown
    first: Any  # its first frame, as PyAV decodes it
    colours: Colours


def probe(path: Path) -> Film:
    """Size and length of a film, by its header and its first frame.

    Raises:
      ArbsrError: PyAV is not installed, or the file holds no film.
    """
    with _opened(path) as (container, pictures):
        first = next(frame for packet in container.demux(pictures) for frame in _decoded(packet))
        turned = abs(first.rotation) % 180 == 90
        size = (first.width, first.height) if turned else (first.height, first.width)
        announced = pictures.frames or int(_end(pictures) * (pictures.average_rate or 0))
        return Film(*size, announced, first, frames.colours_of(first))


def convert(source: Path, target: Path, film: Film, enlarge: Enlarge, size: tuple[int, int]) -> list[str]:
    """Write `target` with every frame of `source` enlarged to `size` (width, height), and all else that it holds.

    Args:
      source: the film.
      target: what to write; its ending names the container.
      film: of `probe`.
      enlarge: from one upright RGB frame, uint8 or uint16, to one of `size`.
      size: (width, height).

    Returns:
      What had to be changed, and what could not be read, in words.

    Raises:
      ArbsrError: no frame of it could be read, or the film cannot be written.
    """
    av = frames.pyav()
    kind = CONTAINERS[target.suffix.lower()]
    with _opened(source) as (container, pictures), atomic_write(target) as partial:
        try:
            with av.open(f"{FILE}{partial}", "w", format=kind) as output:
                encoder, remarks = streams.add_pictures(output, kind, pictures, film.first, film.colours, size)
                others, left_out = streams.add_others(container, pictures, output)
                read, damage = _transcode(container, pictures, film, output, encoder, others, enlarge)
        except av.FFmpegError as error:
            raise ArbsrError(f"{target}: cannot be written ({_words(error)})") from None
        if not read:
            raise ArbsrError(f"{source}: no frame of it could be read ({damage or 'nothing in it'})")
    if damage:
        announced = f" of {film.frames}" if film.frames else ""
        remarks.append(f"damaged: {read}{announced} frames could be read ({damage})")
    return [*remarks, *left_out]


def _transcode(
    container: Any, pictures: Any, film: Film, output: Any, encoder: Any, others: dict[int, Any], enlarge: Enlarge
) -> tuple[int, str]:
    """All packets, in their order; returns the number of frames and what was damaged, in words."""
    av, read, last, damage = frames.pyav(), 0, Fraction(0), ""

    def decode(packet: Any) -> Iterator[Any]:
        nonlocal damage
        try:
            yield from pictures.codec_context.decode(packet)
        except av.EOFError:
            return  # the last packet has said so before
        except av.InvalidDataError as error:
            damage = damage or _words(error)

    packets = container.demux()
    while True:
        try:
            packet = next(packets, None)
        except av.InvalidDataError as error:  # cut off within a packet
            damage, packet = damage or _words(error), None
        if packet is None or packet.stream.index == pictures.index:
            for frame in decode(packet):
                large = _enlarged(frame, film, enlarge, encoder)
                if frame.pts is None or output.format.name == "avi":  # which knows no times, only a rate
                    large.pts, large.time_base = read, 1 / Fraction(encoder.codec_context.rate)
                output.mux(encoder.encode(large))
                read, last = read + 1, frame.pts * frame.time_base if frame.pts else last
        elif packet.dts is not None and packet.stream.index in others:
            packet.stream = others[packet.stream.index]
            output.mux(packet)
        if packet is None:
            break
    output.mux(encoder.encode(None))
    missing = _end(pictures) - last - LATE / (pictures.average_rate or 1)
    if missing > 0 and not damage and _end(pictures):
        damage = f"the last {float(missing):.2g} s are missing"
    return read, damage


def _decoded(packet: Any) -> list[Any]:
    """A packet's frames; none of a damaged one."""
    try:
        return packet.decode()
    except frames.pyav().InvalidDataError:
        return []


def _enlarged(frame: Any, film: Film, enlarge: Enlarge, encoder: Any) -> Any:
    """One frame through the network, as the encoder wants it."""
    size = film.first.width, film.first.height
    pixels = np.ascontiguousarray(np.rot90(frames.to_rgb(frame, film.colours, size), frame.rotation // 90))
    large = enlarge(pixels)
    beyond = [(0, encoder.height - large.shape[0]), (0, encoder.width - large.shape[1]), (0, 0)]
    made = frames.from_rgb(np.pad(large, beyond, mode="edge"), film.colours, encoder.pix_fmt)
    made.pts, made.time_base = frame.pts, frame.time_base
    return made


def _end(pictures: Any) -> Fraction:
    """When the last frame ends, in seconds; 0 if unknown."""
    return ((pictures.start_time or 0) + pictures.duration) * pictures.time_base if pictures.duration else Fraction(0)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """A film and its first stream of pictures."""
    av = frames.pyav()
    if not path.is_file():
        raise ArbsrError(f"{path}: no such file")
    try:
        with av.open(f"{FILE}{path}") as container:
            pictures = next((one for one in container.streams.video if not _is_cover(one)), None)
            if pictures is None:
                raise ArbsrError(f"{path}: not a readable film (no pictures in it)")
            pictures.thread_type = "AUTO"
            yield container, pictures
    except (av.FFmpegError, StopIteration, UnicodeError) as error:
        raise ArbsrError(f"{path}: not a readable film ({_words(error) or 'no pictures in it'})") from None


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in str(stream.disposition)


def _words(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[-WORDS:]
