"""Milliseconds of 3x3 convs and their kernels' gradients: by Winograd, in bands and as a whole; by XLA; by PyTorch.

Then of what is too thin for Winograd along both axes, and of sums over pixels, each by all the ways there are.

    [taskset -c 0] python -m benchmarks.convolution [--rounds 40]

In turn in one run, on as many cores as the process may use, which makes bands smaller or larger; medians count, ratios
are medians of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from arbsr_jax import parallel
from arbsr_jax.models import bands, depthwise
from arbsr_jax.models.convolution import by_taps, direct
from arbsr_jax.models.pointwise import sum_over_pixels
from arbsr_jax.models.winograd import winograd, winograd_of_kernel
from arbsr_jax.models.winograd_1d import winograd_1d
from benchmarks.timing import in_turn, ratio

try:
    import torch
except ImportError:
    torch = None

SHAPES = [(1, 100, 100, 32), (1, 100, 100, 64), (8, 32, 32, 64), (16, 50, 50, 32), (16, 50, 50, 64), (1, 100, 100, 256)]
SHAPES += [(1, 512, 512, 32), (1, 256, 256, 64), (1, 512, 512, 64), (1, 256, 256, 256)]  # tiles of large images
NO_BANDS = {"TILES": 2**40, "SHARED_VALUES": 2**40}


def compiled(function: Callable[..., Array], *arguments: Array, banded: bool = True) -> Callable[[], None]:
    """A function that runs another and waits for it, traced with bands or without."""
    usual = {name: getattr(bands, name) for name in NO_BANDS}
    vars(bands).update(usual if banded else NO_BANDS)
    try:
        jax.clear_caches()  # else JAX takes what it traced the other way
        program = jax.jit(function).lower(*arguments).compile(compiler_options=parallel.compiler_options())
    finally:
        vars(bands).update(usual)
    return lambda: jax.block_until_ready(program(*arguments))


def ways(shape: tuple[int, int, int, int]) -> dict[str, Callable[[], None]]:
    """Every way to compute a conv of images of that shape, NHWC, to as many channels."""
    rng = np.random.default_rng(0)
    size = (3, 3, shape[-1], shape[-1])
    x, kernel = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in (shape, size))
    runs = {
        "bands": compiled(winograd, x, kernel),
        "whole": compiled(winograd, x, kernel, banded=False),
        "XLA": compiled(direct, x, kernel),
        "gradient, bands": compiled(winograd_of_kernel, x, x),
        "gradient, whole": compiled(winograd_of_kernel, x, x, banded=False),
    }
    if torch is not None:
        images = torch.tensor(np.asarray(x)).permute(0, 3, 1, 2).contiguous()
        weights = torch.tensor(np.asarray(kernel)).permute(3, 2, 0, 1).contiguous()
        runs["PyTorch"] = lambda: torch.conv2d(images, weights, padding=1)
    return runs


def thin_ways() -> dict[str, dict[str, Callable[[], None]]]:
    """By layer: a mask's conv, a depth-wise conv, a bias; batches of 4 x 50 x 50 with 64 channels, as in training."""
    rng = np.random.default_rng(0)
    shape = (4, 50, 50, 64)
    x, thin = (jnp.asarray(rng.normal(size=(*shape[:3], channels)), jnp.float32) for channels in (64, 16))
    kernel = jnp.asarray(rng.normal(size=(3, 3, 64, 16)), jnp.float32)

    def by_xla(x: Array, kernel: Array, gradient: Array) -> Array:
        return jax.vjp(lambda kernel: direct(x, kernel), kernel)[1](gradient)[0]

    return {
        "64 to 16": {
            "XLA": compiled(direct, x, kernel),
            "taps": compiled(by_taps, x, kernel),
            "Winograd along both axes": compiled(winograd, x, kernel),
            "down the rows": compiled(winograd_1d, x, kernel),
        },
        "64 to 16, kernel's gradient": {
            "XLA": compiled(by_xla, x, kernel, thin),
            "Winograd": compiled(winograd_of_kernel, x, thin),
        },
        "depth-wise, kernel's gradient": {
            "XLA": compiled(depthwise.plainly, x, x),
            "row by row": compiled(depthwise.row_by_row, x, x),
        },
        "bias's gradient": {
            "XLA": compiled(lambda x: x.sum((0, 1, 2)), x),
            "product": compiled(sum_over_pixels, x),
        },
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    if torch is not None:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    for shape in SHAPES:
        times = in_turn(ways(shape), rounds)
        if shape == SHAPES[0]:
            names = ["images", *times, "bands to whole", "gradient, bands to whole"]
            print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
        cells = [" x ".join(map(str, shape)), *(f"{statistics.median(column):.1f}" for column in times.values())]
        for name in ("bands", "gradient, bands"):
            cells.append(f"{ratio(times[name], times[name.replace('bands', 'whole')]):.2f}")
        print(f"| {' | '.join(cells)} |", flush=True)
    for layer, runs in thin_ways().items():
        times = in_turn(runs, rounds)
        print(f"{layer}:", ", ".join(f"{way} {statistics.median(column):.2f}" for way, column in times.items()))


if __name__ == "__main__":
    main()
