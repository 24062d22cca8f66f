"""Milliseconds of 3x3 convs and their kernels' gradients: Winograd in blocks and at once, XLA, PyTorch.

Then convs too thin for Winograd along both axes, and sums over pixels, by each implementation.

    [taskset -c 0] python -m benchmarks.convolution [--rounds 40]

In turn in one run, on as many cores as the process may use, which makes blocks smaller or larger; medians count, ratios
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
from arbsr_jax.compilation import ProgramCache
from arbsr_jax.kernels.conv3x3 import ConvOptions, conv3x3, xla
from arbsr_jax.kernels.depthwise import kernel_gradient, kernel_gradient_by_rows
from arbsr_jax.kernels.pointwise import sum_over_pixels
from arbsr_jax.kernels.winograd import winograd_kernel_gradient
from benchmarks.record import machine, record
from benchmarks.timing import in_turn, ratio

try:
    import torch
except ImportError:
    torch = None

SHAPES = [(1, 100, 100, 32), (1, 100, 100, 64), (8, 32, 32, 64), (16, 50, 50, 32), (16, 50, 50, 64), (1, 100, 100, 256)]
SHAPES += [(1, 512, 512, 32), (1, 256, 256, 64), (1, 512, 512, 64), (1, 256, 256, 256)]  # tiles of large images
AT_ONCE = 2**40  # values of a block that holds any image


def compiled(function: Callable[..., Array], *arguments: Array) -> Callable[[], None]:
    """A function that runs another and waits for it."""
    program = ProgramCache(jax.jit(function)).compiled(*arguments).program
    return lambda: jax.block_until_ready(program(*arguments))


def conv_by(implementation: str, block: int) -> Callable[[Array, Array], Array]:
    """A conv computed in one way."""
    return lambda x, kernel: conv3x3(x, kernel, ConvOptions(implementation, block))


def gradient_by(block: int) -> Callable[[Array, Array], Array]:
    """A kernel's gradient by Winograd."""
    return lambda x, gradient: winograd_kernel_gradient(x, gradient, block)


def implementations(shape: tuple[int, int, int, int]) -> dict[str, Callable[[], None]]:
    """Every implementation of a conv of images of that shape, NHWC, to as many channels."""
    rng = np.random.default_rng(0)
    size, block = (3, 3, shape[-1], shape[-1]), parallel.block_values()
    x, kernel = (jnp.asarray(rng.normal(size=s), jnp.float32) for s in (shape, size))
    runs = {
        "blocks": compiled(conv_by("winograd", block), x, kernel),
        "at once": compiled(conv_by("winograd", AT_ONCE), x, kernel),
        "XLA": compiled(xla, x, kernel),
        "gradient, blocks": compiled(gradient_by(block), x, x),
        "gradient, at once": compiled(gradient_by(AT_ONCE), x, x),
    }
    if torch is not None:
        images = torch.tensor(np.asarray(x)).permute(0, 3, 1, 2).contiguous()
        weights = torch.tensor(np.asarray(kernel)).permute(3, 2, 0, 1).contiguous()
        runs["PyTorch"] = lambda: torch.conv2d(images, weights, padding=1)
    return runs


def thin_implementations() -> dict[str, dict[str, Callable[[], None]]]:
    """By layer: a mask's conv, a depth-wise conv, a bias; batches of 4 x 50 x 50 with 64 channels, as in training."""
    rng = np.random.default_rng(0)
    shape = (4, 50, 50, 64)
    x, thin = (jnp.asarray(rng.normal(size=(*shape[:3], channels)), jnp.float32) for channels in (64, 16))
    kernel = jnp.asarray(rng.normal(size=(3, 3, 64, 16)), jnp.float32)

    block = parallel.block_values()

    def by_xla(x: Array, kernel: Array, gradient: Array) -> Array:
        return jax.vjp(lambda kernel: xla(x, kernel), kernel)[1](gradient)[0]

    return {
        "64 to 16": {
            "XLA": compiled(xla, x, kernel),
            "kn2row": compiled(conv_by("kn2row", block), x, kernel),
            "Winograd along both axes": compiled(conv_by("winograd", block), x, kernel),
            "down the rows": compiled(conv_by("winograd_1d", block), x, kernel),
        },
        "64 to 16, kernel's gradient": {
            "XLA": compiled(by_xla, x, kernel, thin),
            "Winograd": compiled(gradient_by(block), x, thin),
        },
        "depth-wise, kernel's gradient": {
            "XLA": compiled(kernel_gradient, x, x),
            "row by row": compiled(kernel_gradient_by_rows, x, x),
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
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags, rows, thin = parser.parse_args(), [], []
    rounds, place = flags.rounds, {"cores": parallel.cores(), "machine": machine()}
    if torch is not None:
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    for shape in SHAPES:
        times = in_turn(implementations(shape), rounds)
        if shape == SHAPES[0]:
            names = ["images", *times, "blocks to at once", "gradient, blocks to at once"]
            print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")
        medians = {name: statistics.median(column) for name, column in times.items()}
        ratios = {
            f"{name} to at once": ratio(times[name], times[name.replace("blocks", "at once")])
            for name in ("blocks", "gradient, blocks")
        }
        cells = [" x ".join(map(str, shape)), *(f"{v:.1f}" for v in medians.values())]
        print(f"| {' | '.join([*cells, *(f'{v:.2f}' for v in ratios.values())])} |", flush=True)
        rows.append({"images": cells[0], **medians, **ratios, **place})
    for layer, runs in thin_implementations().items():
        times = in_turn(runs, rounds)
        medians = {name: statistics.median(column) for name, column in times.items()}
        print(f"{layer}:", ", ".join(f"{name} {value:.2f}" for name, value in medians.items()))
        thin += [{"layer": layer, "implementation": name, "ms": value, **place} for name, value in medians.items()]
    if flags.record:
        record("convolution", rows, ("images", *place))
        record("thin_convolution", thin, ("layer", "implementation", *place))


if __name__ == "__main__":
    main()
