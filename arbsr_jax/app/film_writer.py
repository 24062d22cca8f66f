"""Frames on their way into a film, each shown as long as it was, and the packets between them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from arbsr_jax.app import frames, streams
from arbsr_jax.app.frames import Colours


class Group(NamedTuple):
    """Packets and frames in the order of the file, and the frames' upright pixels."""

    parts: list[Any]
    pixels: list[Any]


class Writer:
    """Frames encoded, and packets as they are.

    Attributes:
      frames: written so far.
      last: time at which the last of them ends, in seconds.
    """

    def __init__(self, output: Any, encoder: Any, colours: Colours, others: dict[int, Any]) -> None:
        self._output, self._encoder, self._others = output, encoder, others
        context = encoder.codec_context
        named = context.colorspace, context.color_range
        self._colours = colours._replace(**dict(zip(("matrix", "range"), map(int, named), strict=True)))
        self.frames, self.last = 0, Fraction(0)
        self._lengths: dict[Fraction, Fraction] = {}  # of frames in the encoder, in seconds, by their times
        self._held: Any = None  # the last packet, as long as it is not known to be the film's
        self._first = Fraction(0), 0  # time of the first frame in seconds, and of the first packet

    def write(self, group: Group) -> None:
        """All parts of a group, in their order."""
        pixels = iter(group.pixels)
        for part in group.parts:
            if isinstance(part, frames.pyav().VideoFrame):
                self._mux(self._encoder.encode(self._frame(part, next(pixels))))
                last = (part.pts + (part.duration or 0)) * part.time_base if part.pts else self.last
                self.frames, self.last = self.frames + 1, last
            else:
                part.stream = self._others[part.stream.index]
                self._output.mux(part)

    def finish(self) -> None:
        """What the encoder still holds."""
        self._mux(self._encoder.encode(None))
        if self._held is None:
            return
        if self._output.format.name in streams.TAGGED:
            # Lengths there are those from one decoded frame to the next: the last one makes up the film's.
            last, unit = self._held, self._held.time_base
            last.duration = max(1, round((self.last - self._first[0]) / unit) - (last.dts - self._first[1]))
        self._output.mux(self._held)

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:  # encoders that know a rate alone forget how long a frame is shown
            length = self._lengths.pop((packet.pts or 0) * packet.time_base, None)
            packet.duration = round(length / packet.time_base) if length else packet.duration
            if self._held is None:
                self._first = (packet.pts or 0) * packet.time_base, packet.dts or 0
            else:
                self._output.mux(self._held)
            self._held = packet

    def _frame(self, frame: Any, large: np.ndarray) -> Any:
        """As the encoder wants it."""
        encoder = self._encoder
        beyond = [(0, encoder.height - large.shape[0]), (0, encoder.width - large.shape[1]), (0, 0)]
        made = frames.from_rgb(np.pad(large, beyond, mode="edge"), self._colours, encoder.pix_fmt)
        made.pts, made.time_base, made.duration = frame.pts, frame.time_base, frame.duration
        if frame.pts is None or self._output.format.name == "avi":  # AVI stores a rate, not the times of frames
            made.pts, made.duration, made.time_base = self.frames, 1, 1 / Fraction(encoder.codec_context.rate)
        self._lengths[made.pts * made.time_base] = made.duration * made.time_base
        return made
