"""How large tiles and windows may be on a device: the memory that a network takes for them."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import jax

from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.config import PRECISIONS, ModelConfig
from arbsr_jax.models.network import hr_channels, lr_channels, phase_values

DEFAULT_MEMORY = 2**30  # bytes
TABLE_BYTES = 2**27  # of a phase table that is kept; larger ones are computed again for each window
TABLE_SIDE = 256  # phases of an axis for which there is room
# Arrays of LR features that are alive while a tile is encoded, and bytes for the blocks of its convs: XLA counts 5.1 to
# 5.6 for large tiles of 32 to 256 channels whose sides are multiples of 4, one more for others.
ENCODED, BLOCKS = 5.6, 20 * 2**20
LR_PIXEL = 24  # bytes of an LR pixel, on the host and on the device
PROGRAMS = 24 * 2**20  # bytes that loaded programs take
# On accelerators, arrays of HR features while a window is decoded, and then the channels of the tail's taps.
DECODED, TAPS = 2, 80
# On CPUs, bytes of all strips of a window, and of each HR pixel.
STRIPS, STRIP_PIXEL = 20 * 2**20, 18
WINDOW_PIXELS = 2**19  # of a window on CPUs: larger ones leave the cache
SMALLEST = 64  # pixels of a side of a tile: with less memory nothing is computed
UNLIMITED = 2**62


@dataclass(frozen=True)
class Limits:
    """What a device allows.

    Attributes:
      memory: bytes that computing may take, parameters and results excluded.
      accelerator: whether windows are decoded at once, not in strips, and images in batches.
      tile: pixels of a tile at most.
      window: pixels of a window at most.
      batch: images at once at most.
    """

    memory: int
    accelerator: bool = False
    tile: int = UNLIMITED
    window: int = UNLIMITED
    batch: int = UNLIMITED

    def needed(self, tile: int, window: int, config: ModelConfig) -> int:
        """Upper bound of the bytes for tiles and windows of so many pixels; a test compares it with XLA's own count."""
        encoding = int(4 * tile * _encoded_values(config)) + BLOCKS
        decoding = 4 * tile * lr_channels(config) + self._decoding(window, config)
        return max(encoding, decoding) + LR_PIXEL * tile + _fixed_bytes(config)

    def tile_pixels(self, config: ModelConfig) -> int:
        """The largest tile that can be computed.

        Raises:
          ArbsrError: the memory is too little for the smallest tile.
        """
        least = self.needed(SMALLEST**2, (SMALLEST * config.scale) ** 2, config)
        if self.memory < least:
            given = f"{self.memory / 2**20:.0f} MiB are too little for this network"
            raise ArbsrError(f"{given}; allow at least {least / 2**20:.0f} MiB")
        left, pixel = self.memory - _fixed_bytes(config), 4 * lr_channels(config)
        allowed = int((left - BLOCKS) / (4 * _encoded_values(config) + LR_PIXEL))
        if config.scale:
            allowed = min(allowed, left // (pixel + LR_PIXEL + config.scale**2 * self._decoding(1, config)))
        return min(self.tile, allowed)

    def window_pixels(self, tile: int, config: ModelConfig) -> int:
        """The largest window that can be decoded from a tile of so many pixels."""
        left = self.memory - _fixed_bytes(config) - tile * (4 * lr_channels(config) + LR_PIXEL)
        if self.accelerator:
            return min(self.window, left // self._decoding(1, config))
        return min(self.window, WINDOW_PIXELS, (left - STRIPS) // STRIP_PIXEL)

    def _decoding(self, window: int, config: ModelConfig) -> int:
        if self.accelerator or config.scale:
            return 4 * window * (DECODED * hr_channels(config) + TAPS)
        return STRIPS + STRIP_PIXEL * window


def _encoded_values(config: ModelConfig) -> float:
    """Values of each LR pixel that are alive while a tile is encoded."""
    backbone = ENCODED * config.channels
    if config.backbone == "rdn":  # all results of blocks are kept, and those of a block's convs, twice
        backbone += config.blocks * config.channels + 2 * config.dense_layers * config.growth
    return max(backbone, float(config.channels + 3 * config.hidden)) if config.upsampler == "field" else backbone


def _fixed_bytes(config: ModelConfig) -> int:
    """Whatever the sizes of tiles and windows: programs and a phase table."""
    return PROGRAMS + min(TABLE_BYTES, 4 * TABLE_SIDE**2 * phase_values(config))


def default_memory() -> int:
    """Half of what an accelerator has; 1 GiB on CPUs, and where that is unknown."""
    known = jax.local_devices()[0].memory_stats() or {}
    return known.get("bytes_limit", 2 * DEFAULT_MEMORY) // 2


def check_settings(tile: object, memory: object, precision: object) -> None:
    """Refuse settings of an upscaler that are none.

    Raises:
      ArbsrError: tile or memory is no whole number, or the precision is unknown.
    """
    for name, value in (("tile", tile), ("memory", memory)):
        if value is not None and not isinstance(value, Integral):
            raise ArbsrError(f"{name}={value!r} is not allowed; give a whole number, or None")
    if precision not in (*PRECISIONS, None):
        raise ArbsrError(f"precision {precision!r} is unknown; allowed: {', '.join(PRECISIONS)}")
