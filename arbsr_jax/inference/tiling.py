"""Which tiles and windows an image gets: what fits the memory and wastes least, or what the user says."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.limits import SMALLEST, Limits
from arbsr_jax.inference.plan import OVERLAP, Plan, Shape, hr_cores, split_side, tile_spans, window_side, windows
from arbsr_jax.inference.shapes import COMMON, LAUNCH, ProgramShapes, Shapes
from arbsr_jax.models.config import ModelConfig

FIXED_WINDOW = 256  # HR pixels of a side, about, if tiles have a side that the user says
MOST_TILES, MOST_WINDOWS = 256, 64  # along an axis
HRCores = tuple[tuple[tuple[int, int], ...], ...]  # by axis and tile: [first, stop)
PLANS = functools.lru_cache(maxsize=64)(Plan)  # with their tiles: frames of a film have one plan
ROUNDED = 128  # pixels of a side: what sides of shared tiles are multiples of


class Tiling:
    """A way to cut images."""

    def plan(self, lr: Shape, hr: Shape, scale: Scale, config: ModelConfig, images: int = 1) -> Plan:
        """The plan of one image, or of several of one size."""
        raise NotImplementedError


class WholeImages(Tiling):
    """Each image as one tile, its result as one window."""

    def plan(self, lr: Shape, hr: Shape, scale: Scale, config: ModelConfig, images: int = 1) -> Plan:  # noqa: D102
        del images
        return Plan(lr, hr, scale, lr, hr, config.scale)


@dataclass(frozen=True)
class FixedTiles(Tiling):
    """Square tiles of one side in LR pixels."""

    side: int

    def __post_init__(self) -> None:
        if self.side <= 2 * OVERLAP or self.side % 2:
            raise ArbsrError(f"tiles of {self.side} pixels do not work; give an even number above {2 * OVERLAP}, or 0")

    def plan(self, lr: Shape, hr: Shape, scale: Scale, config: ModelConfig, images: int = 1) -> Plan:  # noqa: D102
        del images
        tile = self.side, self.side
        return Plan(lr, hr, scale, tile, _canvas(lr, hr, scale, tile, config, FIXED_WINDOW**2), config.scale)


class TilesWithin(Tiling):
    """The tiles and windows that fit a device and waste least.

    An image that fits as a whole is one tile: its result is then the whole image's, for RCAN too, which weighs channels
    by averages over a tile.

    Attributes:
      limits: of the device.
      shapes: that images share; None: each image gets those that suit it best, whatever came before it.
    """

    def __init__(self, limits: Limits, shapes: ProgramShapes | None = None) -> None:
        self.limits, self.shapes = limits, shapes

    def plan(self, lr: Shape, hr: Shape, scale: Scale, config: ModelConfig, images: int = 1) -> Plan:
        """The plan of one image, or of several of one size.

        Raises:
          ArbsrError: the memory is too little for the smallest tile.
        """
        allowed, shapes = self.limits.tile_pixels(config), self.shapes
        tile = best = best_tile(lr, allowed)
        if shapes:
            whole = best[0] >= lr[0] and best[1] >= lr[1]
            tile = shapes.tiles.choose(best, lambda tile: tile_cost(lr, tile, whole), common_tile(best, allowed))
        window = self.limits.window_pixels(math.prod(tile), config)
        canvas = _canvas(lr, hr, scale, tile, config, window, shapes and shapes.windows[tile])
        batch = self._batch(tile, canvas, config, images)
        in_flight = self._in_flight(batch * math.prod(canvas))
        return PLANS(lr, hr, scale, tile, canvas, config.scale, batch, in_flight)

    def smaller(self, plan: Plan) -> TilesWithin:
        """The same with pieces half as large as those of a plan for which there was not enough memory.

        Raises:
          ArbsrError: that is less than the smallest tile.
        """
        if plan.batch > 1:
            return TilesWithin(replace(self.limits, batch=plan.batch // 2))
        tile, window = math.prod(plan.tile) // 2, math.prod(plan.canvas) // 2
        if tile < SMALLEST**2:
            raise ArbsrError(
                "not even the smallest tiles fit into the device's memory; close other programs or use another"
            )
        return TilesWithin(replace(self.limits, tile=tile, window=window))

    def _batch(self, tile: Shape, canvas: Shape, config: ModelConfig, images: int) -> int:
        """How many images at once, about as many each time."""
        if not self.limits.accelerator:
            return 1
        needed, fixed = (
            self.limits.needed(*pixels, config) for pixels in ((math.prod(tile), math.prod(canvas)), (0, 0))
        )
        most = (self.limits.memory - fixed) // (needed - fixed)
        return -(-images // -(-images // max(1, min(most, self.limits.batch))))

    def _in_flight(self, window: int) -> int:
        """Windows whose results take a quarter of the memory; on CPUs, one beside the one that is computed."""
        return max(1, self.limits.memory // (4 * 12 * window)) if self.limits.accelerator else 1


def tiling_of(tile: int | None, limits: Limits, shapes: ProgramShapes | None = None) -> Tiling:
    """From people's words: 0 for whole images, a side in LR pixels, or None for what suits image and memory.

    The `shapes` are those that images share then, if they do.

    Raises:
      ArbsrError: tiles of that side do not work.
    """
    if tile is None:
        return TilesWithin(limits, shapes)
    return FixedTiles(tile) if tile else WholeImages()


def _canvas(
    lr: Shape,
    hr: Shape,
    scale: Scale,
    tile: Shape,
    config: ModelConfig,
    pixels: int,
    known: Shapes | None = None,
) -> Shape:
    """The shape of windows: at best of at most so many pixels, or one that tiles of that shape have already."""
    if config.scale:  # pixel shuffle enlarges a tile as a whole, from its first pixel on
        return tile[0] * config.scale, tile[1] * config.scale
    cores = _cores(lr, hr, scale, tile)
    best = best_window(cores, hr, pixels)
    return best if known is None else known.choose(best, lambda window: window_cost(cores, hr, window))


@functools.lru_cache(maxsize=64)
def _cores(lr: Shape, hr: Shape, scale: Scale, tile: Shape) -> HRCores:
    """The HR cores of the tiles' rows and columns."""
    spans = (tile_spans(length, side) for length, side in zip(lr, tile, strict=True))
    axes = zip(spans, (scale.vertical, scale.horizontal), hr, strict=True)
    return tuple(tuple(hr_cores(*axis)) for axis in axes)


@functools.lru_cache(maxsize=256)
def best_tile(lr: Shape, pixels: int) -> Shape:
    """The tile of at most so many pixels with which the fewest are computed."""
    found = []
    for rows in range(1, MOST_TILES + 1):
        height = split_side(lr[0], rows)
        for columns in range(1, MOST_TILES + 1):
            width = split_side(lr[1], columns)
            if height * width <= pixels:  # more columns would compute more
                found.append((height, width))
                break
        if found and found[-1][1] == split_side(lr[1], 1):
            break
    return min(found, key=lambda tile: tile_cost(lr, tile))


def common_tile(tile: Shape, pixels: int) -> Shape:
    """A tile of at most so many pixels that is as large: one of a few squares, else one with rounded sides."""
    squares = (square for square in COMMON if square[0] >= max(tile))
    height, width = (-(-side // ROUNDED) * ROUNDED for side in tile)
    common = next(squares, (height, width))
    return common if math.prod(common) <= pixels else tile


def tile_cost(lr: Shape, tile: Shape, whole: bool = False) -> float:
    """What encoding an image takes, in pixels; `whole`: it may not be cut."""
    if whole and (tile[0] < lr[0] or tile[1] < lr[1]):
        return math.inf
    count = math.prod(len(tile_spans(length, side)) for length, side in zip(lr, tile, strict=True))
    return float(count * (math.prod(tile) + LAUNCH))


@functools.lru_cache(maxsize=64)
def best_window(cores: HRCores, hr: Shape, pixels: int) -> Shape:
    """The window of at most so many pixels with which the fewest are computed, for the HR cores of rows and columns."""
    found, height, width = [], *hr
    for rows in range(1, MOST_WINDOWS + 1):
        height = window_side(cores[0], hr[0], rows)
        for columns in range(1, MOST_WINDOWS + 1):
            width = window_side(cores[1], hr[1], columns)
            if height * width <= pixels:
                found.append((height, width))
                break
    # Where even the narrowest is too large, memory may run out, which is noticed then.
    return min(found or [(height, width)], key=lambda window: window_cost(cores, hr, window))


def window_cost(cores: HRCores, hr: Shape, window: Shape) -> float:
    """What decoding an image takes, in pixels."""
    count = 1
    for of_axis, length, side in zip(cores, hr, window, strict=True):
        count *= sum(1 for core in of_axis for _ in windows(core, length, side))
    return float(count * (math.prod(window) + LAUNCH))
