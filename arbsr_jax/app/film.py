"""Films by way of PyAV, an extra: pictures out, pictures in, everything else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from arbsr_jax.app import frames, streams
from arbsr_jax.app.film_writer import Group, Writer
from arbsr_jax.app.frames import Colours
from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write
from arbsr_jax.overlap import overlapped

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
Frames = Shaped[np.ndarray, "frames _ _ 3"]  # uint8, or uint16 of films with more than 8 bits
EnlargeFrames = Callable[[Frames], Frames]


class Film(NamedTuple):
    """What a file says of its pictures, upright."""

    height: int
    width: int
    frames: int  # as announced; 0 if unknown
    first: Any  # its first frame, as PyAV decodes it
    colours: Colours
    pixel: Fraction  # shape of its pixels, width to height


def probe(path: Path) -> Film:
    """Size and length of a film, by its header and its first frame.

    Raises:
      ArbsrError: PyAV is not installed, or the file holds no film.
    """
    with _opened(path) as (container, pictures):
        first = next(frame for packet in container.demux(pictures) for frame in _decoded(pictures, packet, []))
        turned = frames.orientation(first).transposed
        size = (first.width, first.height) if turned else (first.height, first.width)
        announced = pictures.frames or int(_end(pictures) * (pictures.average_rate or 0))
        shape = Fraction(pictures.sample_aspect_ratio or pictures.codec_context.sample_aspect_ratio or 1)
        return Film(*size, announced, first, frames.colours_of(first), 1 / shape if turned else shape)


def convert(
    source: Path,
    target: Path,
    film: Film,
    enlarge: EnlargeFrames,
    size: tuple[int, int],
    batch: int = 1,
    *,
    square_pixels: bool = False,
) -> list[str]:
    """Write `target` with every frame of `source` enlarged to `size` (width, height), and all else that it holds.

    While some frames are enlarged, the next are read and the last are written.

    Args:
      source: the film.
      target: what to write; its ending names the container.
      film: of `probe`.
      enlarge: from upright RGB frames, uint8 or uint16, to frames of `size`.
      size: (width, height).
      batch: frames to enlarge at once.
      square_pixels: whether `size` makes up for pixels that are not square.

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
                pixel = Fraction(1) if square_pixels else film.pixel
                encoder, remarks = streams.add_pictures(output, kind, pictures, film.first, film.colours, size, pixel)
                if square_pixels:
                    remarks.append(f"pixels of {film.pixel.numerator}:{film.pixel.denominator} became square")
                others, left_out = streams.add_others(container, pictures, output)
                reader = _Reader(container, pictures, film, batch, set(others))
                writer = Writer(output, encoder, film.colours, others)
                overlapped(iter(reader), lambda group: _enlarged(group, enlarge), writer.write)
                writer.finish()
                read, damage = writer.frames, next(iter(reader.damages), _missing(pictures, writer.last))
        except av.FFmpegError as error:
            raise ArbsrError(f"{target}: cannot be written ({_words(error)})") from None
        if not read:
            raise ArbsrError(f"{source}: no frame of it could be read ({damage or 'nothing in it'})")
    if reader.sizes:
        remarks.append(f"frames of {', '.join(sorted(reader.sizes))} were fitted to those of the first size")
    if damage:
        announced = f" of {film.frames}" if film.frames else ""
        remarks.append(f"damaged: {read}{announced} frames could be read ({damage})")
    return [*remarks, *left_out]


class _Reader:
    """Groups of at most so many frames of a film, with the other packets between them.

    Attributes:
      damages: what could not be read, in words.
      sizes: of frames that are not as large as the first.
    """

    def __init__(self, container: Any, pictures: Any, film: Film, batch: int, others: set[int]) -> None:
        self._container, self._pictures, self._others = container, pictures, others
        self._film, self._batch, self.damages, self.sizes = film, batch, list[str](), set[str]()

    def __iter__(self) -> Iterator[Group]:
        group = Group([], [])
        for part in self._parts():
            group.parts.append(part)
            if isinstance(part, frames.pyav().VideoFrame):
                group.pixels.append(self._upright(part))
            if len(group.pixels) == self._batch:
                yield group
                group = Group([], [])
        yield group

    def _upright(self, frame: Any) -> np.ndarray:
        first = self._film.first
        if (frame.width, frame.height) != (first.width, first.height):
            self.sizes.add(f"{frame.width}x{frame.height}")
        return frames.orientation(first).applied(frames.to_rgb(frame, self._film.colours, (first.width, first.height)))

    def _parts(self) -> Iterator[Any]:
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets, None)
            except frames.pyav().InvalidDataError as error:  # cut off within a packet
                self.damages.append(_words(error))
                packet = None
            if packet is None or packet.stream.index == self._pictures.index:
                yield from _decoded(self._pictures, packet, self.damages)
            elif packet.stream.index in self._others and (packet.dts is not None or _is_late_cover(packet)):
                yield packet
            if packet is None:
                return


def _enlarged(group: Group, enlarge: EnlargeFrames) -> Group:
    return group._replace(pixels=list(enlarge(np.stack(group.pixels)))) if group.pixels else group


def _missing(pictures: Any, last: Fraction) -> str:
    """How much of a film was not there though it was announced, in words."""
    missing = _end(pictures) - last - LATE / (pictures.average_rate or 1)
    return f"the last {float(missing):.2g} s are missing" if missing > 0 and _end(pictures) else ""


def _decoded(pictures: Any, packet: Any, damages: list[str]) -> Iterator[Any]:
    """A packet's frames; what is wrong with a damaged one is added to `damages`."""
    av = frames.pyav()
    try:
        yield from pictures.codec_context.decode(packet)
    except av.EOFError:
        return  # the last packet has said so before
    except av.InvalidDataError as error:
        damages.append(_words(error))


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
            pictures = next((one for one in container.streams.video if not streams.is_cover(one)), None)
            if pictures is None:
                raise ArbsrError(f"{path}: not a readable film (no pictures in it)")
            if pictures.codec_context is None:
                raise ArbsrError(f"{path}: not a readable film (FFmpeg does not know the codec of its pictures)")
            pictures.thread_type = "AUTO"
            yield container, pictures
    except (av.FFmpegError, StopIteration, UnicodeError) as error:
        raise ArbsrError(f"{path}: not a readable film ({_words(error) or 'no pictures in it'})") from None


def _is_late_cover(packet: Any) -> bool:
    """Whether a packet without a time is a cover, which gets one."""
    if packet.size and streams.is_cover(packet.stream):
        packet.pts = packet.dts = 0
        return True
    return False


def _words(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[-WORDS:]
