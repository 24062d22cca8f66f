"""Carrying out a plan: every program is started before the first result is read, as far as memory allows.

Results travel to the host while others are computed. Tiles of different images and places run on all local devices, one
each: a *lane*.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Shaped

from arbsr_jax.imaging.grid import Grid, factors, window_grid
from arbsr_jax.inference.arguments import GREY_LEVEL
from arbsr_jax.inference.compiled import CompiledNetwork
from arbsr_jax.inference.plan import Plan, Tile
from arbsr_jax.models.extent import Extent
from arbsr_jax.models.hyper import PhaseTable

FIRST = "first grid"
Place = tuple[slice, slice, slice]  # images, rows and columns of the result


class NotFiniteError(Exception):
    """Features did not stay finite in a type of few bits."""


class WorkItem(NamedTuple):
    """What one lane does: the same tile of a few images."""

    images: slice
    tile: Tile


class InFlight(NamedTuple):
    """A result that may not be there yet: [lanes, images, rows, columns, 3], and for each lane where it goes."""

    values: Array
    places: list[tuple[Place, tuple[slice, slice]]]


class Dispatcher:
    """Runs plans by a network's programs, and counts in its `stats` what they cost."""

    def __init__(self, network: CompiledNetwork) -> None:
        self._network, self.stats = network, network.stats
        self._positions: tuple[Plan | None, dict[Any, Any]] = None, {}  # of the last plan, on the devices

    def run(
        self, images: Shaped[np.ndarray, "images height width 3"], plan: Plan, *, rounded: bool
    ) -> Iterator[tuple[Place, Shaped[np.ndarray, "images rows columns 3"]]]:
        """Parts of the results that cover them without overlapping; `rounded`: as uint8, else float32.

        Raises:
          NotFiniteError: at the end, if features were not finite; only in another type than float32.
        """
        chunks = [slice(at, min(at + plan.batch, len(images))) for at in range(0, len(images), plan.batch)]
        items = [WorkItem(*pair) for pair in itertools.product(chunks, plan.tiles)]
        lanes = self._network.lanes if len(items) > 1 else 1
        self._count_images(len(images), plan)
        pending: deque[InFlight] = deque()
        finite: list[Array] = []
        for at in range(0, len(items), lanes):
            if plan.in_flight == 1:  # memory holds the features of one tile
                yield from self._read(pending, 0, early=True)
            wave = items[at : at + lanes]
            yield from self._run_wave(images, plan, wave, lanes, pending, finite, rounded)
        yield from self._read(pending, 0, early=False)
        if not all(np.asarray(flags).all() for flags in finite):
            raise NotFiniteError

    def _run_wave(
        self,
        images: np.ndarray,
        plan: Plan,
        wave: list[WorkItem],
        lanes: int,
        pending: deque[InFlight],
        finite: list[Array],
        rounded: bool,
    ) -> Iterator[tuple[Place, np.ndarray]]:
        network, scale = self._network, factors(plan.scale)
        lr = np.zeros((lanes, plan.batch, *plan.tile, 3), np.float32)
        for lane, item in enumerate(wave):
            rows, columns = (slice(span.origin, span.origin + span.valid) for span in item.tile.spans)
            seen = images[item.images, rows, columns]
            lr[lane, : len(seen), : seen.shape[1], : seen.shape[2]] = seen * np.float32(1 / GREY_LEVEL[images.dtype])
        self.stats.bytes_to_device += lr.nbytes
        tiles = [item.tile for item in wave] + [wave[-1].tile] * (lanes - len(wave))  # the rest do the last once more
        extents = self._on_devices(plan, tiles, None)
        features, stays_finite = network.encode(lr, scale, extents)
        finite += [] if stays_finite is None else [stays_finite]
        self.stats.encodes += 1
        self.stats.encoded_pixels += lanes * plan.batch * plan.tile[0] * plan.tile[1]
        for number in range(max(len(item.tile.windows) for item in wave)):
            grid = self._on_devices(plan, tiles, number)
            values = network.decode(features, extents, grid, scale, self._table(plan, lanes), rounded=rounded)
            values.copy_to_host_async()
            self.stats.decodes += 1
            self.stats.decoded_pixels += lanes * plan.batch * plan.canvas[0] * plan.canvas[1]
            parts = [_place(item, number) for item in wave if number < len(item.tile.windows)]
            pending.append(InFlight(values, parts))
            yield from self._read(pending, plan.in_flight, early=True)

    def _read(self, pending: deque[InFlight], left: int, *, early: bool) -> Iterator[tuple[Place, np.ndarray]]:
        """Results of all but the last few."""
        while len(pending) > left:
            done = pending.popleft()
            values = np.asarray(done.values)
            self.stats.host_waits += early
            self.stats.bytes_from_device += values.nbytes
            for lane, (place, core) in enumerate(done.places):
                yield place, values[lane, : place[0].stop - place[0].start, core[0], core[1]]

    def _on_devices(self, plan: Plan, tiles: Sequence[Tile], number: int | None) -> Any:
        """Positions of the windows of that number, or extents of the tiles, one for each lane; sent once for a plan."""
        sent = self._of_plan(plan)
        key = number, *(tile.spans for tile in tiles)
        if key not in sent:
            made: Any
            if number is None:
                made = [Extent(np.array([s.valid for s in tile.spans], np.int32)) for tile in tiles]
            else:
                made = [self._grid(plan, tile, min(number, len(tile.windows) - 1)) for tile in tiles]
            stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *made)
            self.stats.bytes_to_device += sum(leaf.nbytes for leaf in jax.tree.leaves(stacked))
            sent[key] = self._network.send(stacked)
        return sent[key]

    def _table(self, plan: Plan, lanes: int) -> PhaseTable | None:
        """What the heads predict for a plan's windows, if all have the same phases."""
        if not plan.shares_tables:
            return None
        kept = self._of_plan(plan)
        if FIRST not in kept:
            kept[FIRST] = self._grid(plan, plan.tiles[0], 0)._replace(scale=factors(plan.scale))
        return self._network.phase_table(kept[FIRST], lanes)

    def _grid(self, plan: Plan, tile: Tile, number: int) -> Grid:
        """Of one of a tile's windows, without the scale, which all windows share."""
        window = tile.windows[number]
        start = window[0].start, window[1].start
        size = min(plan.canvas[0], plan.hr[0] - start[0]), min(plan.canvas[1], plan.hr[1] - start[1])
        origin = tile.spans[0].origin, tile.spans[1].origin
        grid = window_grid(plan.scale, start, size, origin, plan.canvas, by_cell=self._network.by_cell)
        return grid._replace(scale=None)

    def _of_plan(self, plan: Plan) -> dict[Any, Any]:
        positions = self._positions  # another thread may replace it meanwhile
        if positions[0] != plan:
            self._positions = positions = plan, {}
        return positions[1]

    def _count_images(self, images: int, plan: Plan) -> None:
        stats = self.stats
        stats.images += images
        stats.lr_pixels += images * plan.lr[0] * plan.lr[1]
        stats.hr_pixels += images * plan.hr[0] * plan.hr[1]


def _place(item: WorkItem, number: int) -> tuple[Place, tuple[slice, slice]]:
    """Where a window's core goes, and where it lies in the window."""
    rows, columns = item.tile.windows[number]
    place = item.images, slice(rows.first, rows.stop), slice(columns.first, columns.stop)
    first, second = (slice(axis.first - axis.start, axis.stop - axis.start) for axis in (rows, columns))
    return place, (first, second)
