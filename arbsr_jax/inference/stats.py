"""What upscaling cost, counted: programs started, waits, bytes and pixels."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass
class Stats:
    """Counters since an upscaler was made.

    Attributes:
      images: enlarged.
      encodes: programs started that encode tiles.
      decodes: programs started that decode windows.
      host_waits: results read while programs were still to be started.
      bytes_to_device: images and positions that were sent.
      bytes_from_device: results that were read.
      lr_pixels: of the images.
      encoded_pixels: of the tiles.
      hr_pixels: of the results.
      decoded_pixels: of the windows.
    """

    images: int = 0
    encodes: int = 0
    decodes: int = 0
    host_waits: int = 0
    bytes_to_device: int = 0
    bytes_from_device: int = 0
    lr_pixels: int = 0
    encoded_pixels: int = 0
    hr_pixels: int = 0
    decoded_pixels: int = 0

    @property
    def encoded(self) -> float:
        """LR pixels encoded by LR pixels given; 1 is the least."""
        return self.encoded_pixels / max(1, self.lr_pixels)

    @property
    def decoded(self) -> float:
        """HR pixels decoded by HR pixels of the results; 1 is the least."""
        return self.decoded_pixels / max(1, self.hr_pixels)

    def __sub__(self, other: Stats) -> Stats:
        return Stats(**{f.name: getattr(self, f.name) - getattr(other, f.name) for f in fields(Stats)})

    def __add__(self, other: Stats) -> Stats:
        return Stats(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Stats)})

    def copy(self) -> Stats:
        """The counters as they are now."""
        return Stats(**asdict(self))

    def as_dict(self) -> dict[str, int | float]:
        """For JSON: all counters, and what is computed by what is needed."""
        return {**asdict(self), "encoded": round(self.encoded, 4), "decoded": round(self.decoded, 4)}
