"""When a further program pays: the images of a run, of many sizes, share few shapes of arrays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

from arbsr_jax.inference.limits import SMALLEST
from arbsr_jax.inference.plan import Shape

LAUNCH = 2**12  # pixels whose computing takes as long as starting a program
# Pixels whose computing takes about as long as compiling a program: to encode a tile, to decode a window.
TILE_PRICE, WINDOW_PRICE = 2**21, 2**25
COMMON = [(side, side) for side in (SMALLEST, 128, 256, 384, 512)]


class ProgramShapes:
    """Shapes of tiles, and of windows by the tile, that images share: what one gets depends on those before it."""

    def __init__(self) -> None:
        self.tiles, self.windows = Shapes(TILE_PRICE), defaultdict[Shape, Shapes](lambda: Shapes(WINDOW_PRICE))


class Shapes:
    """Shapes for which there are programs, and when a further one pays.

    An image takes a shape that is there until what it wastes, with all images before, would have paid for a program of
    its own; each further program must pay twice as much. So the first image, and all of its size, get what suits them
    best, and a folder of many sizes needs few programs.
    """

    def __init__(self, price: int) -> None:
        self._price, self._wasted = price, 0.0
        self._known: list[Shape] = []

    def choose(self, best: Shape, cost: Callable[[Shape], float], common: Shape | None = None) -> Shape:
        """A shape for an image.

        Args:
          best: the shape that suits the image.
          cost: of a shape, in pixels; infinite if it does not serve this image.
          common: a shape that serves this image and others about as large; it is taken if none that is there does, or
            if it is one of few and cheaper.
        """
        if not self._known:
            return self._add(best)
        known = min(self._known, key=cost)
        if cost(known) <= cost(best):
            return known
        if common and (math.isinf(cost(known)) or (common in COMMON and cost(common) < cost(known))):
            known = self._add(common)
        self._wasted += cost(known) - cost(best)
        if self._wasted <= self._price * 2 ** (len(self._known) - 1):
            return known
        return self._add(best)

    def _add(self, shape: Shape) -> Shape:
        self._known.append(shape)
        self._wasted = 0.0
        return shape
