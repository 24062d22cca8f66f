"""3x3 convolutions: several implementations of one function, chosen by platform and shape."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from arbsr_jax.kernels.blocking import SHARED_BLOCK
from arbsr_jax.kernels.winograd import add_all, winograd, winograd_1d, winograd_kernel_gradient
from arbsr_jax.typing import Images

Results = Float[Any, "batch height width features"]
Kernel = Float[Any, "3 3 channels features"]

TAPS = [(row, column) for row in range(3) for column in range(3)]
MIN_CHANNELS_1D, MIN_CHANNELS_2D = 16, 32  # channels or features
MAX_EXPANSION = 3  # times the channels: more would take too much memory
AUTO, XLA, KN2ROW = "auto", "xla", "kn2row"
WINOGRAD = {"winograd": winograd, "winograd_1d": winograd_1d}
IMPLEMENTATIONS = (AUTO, XLA, KN2ROW, *WINOGRAD)


class ConvOptions(NamedTuple):
    """How convs are computed; results differ by rounding alone.

    Attributes:
      implementation: one of IMPLEMENTATIONS; "auto": XLA's on accelerators, on CPUs the fastest for the shapes.
      block: values (tiles times channels) that Winograd's convs work on at a time.
    """

    implementation: str = AUTO
    block: int = SHARED_BLOCK


DEFAULTS = ConvOptions()


def conv3x3(x: Images, kernel: Kernel, options: ConvOptions = DEFAULTS) -> Results:
    """A 3x3 cross-correlation with zero padding 1.

    Raises:
      ValueError: the implementation is unknown.
    """
    if options.implementation not in IMPLEMENTATIONS:
        raise ValueError(f"implementation {options.implementation!r}; allowed: {', '.join(IMPLEMENTATIONS)}")
    return _conv3x3_traced_once(x, kernel, options)


def choose_cpu_implementation(x: Images, kernel: Kernel) -> str:
    """The implementation that is fastest on CPUs for arrays like these, with and without gradients."""
    channels, features = kernel.shape[-2:]
    if x.dtype != jnp.float32:
        return XLA
    if min(channels, features) >= MIN_CHANNELS_2D:
        return "winograd"
    if channels >= MIN_CHANNELS_2D and features >= MIN_CHANNELS_1D:
        return "winograd_1d"
    return KN2ROW if len(TAPS) * features <= MAX_EXPANSION * channels else XLA


def xla(x: Images, kernel: Kernel) -> Results:
    """XLA's conv."""
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def kn2row(x: Images, kernel: Kernel) -> Results:
    """One matrix product that makes nine results for every pixel, and their shifted sum.

    The zeros around the image go through the product too: x is smaller to copy than the product.
    """
    return _shift_and_add(pad1(x) @ kernel_matrix(kernel))


def kernel_matrix(kernel: Kernel) -> Float[Any, "channels nine_features"]:
    """A kernel's nine taps side by side, for one product with pixels."""
    return kernel.transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)


def pad1(x: Images) -> Float[Any, "batch tall wide channels"]:
    """Images with the zero padding of a 3x3 conv."""
    return jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


@jax.custom_vjp
def shift_and_add(
    taps: Float[Any, "batch height width nine_features"],
) -> Float[Any, "batch height width features"]:
    """The sum of the nine taps of a 3x3 conv, that lie side by side; zeros around the image."""
    return _shift_and_add(pad1(taps))


def _shift_and_add(padded: Any) -> Any:
    height, width = (length - 2 for length in padded.shape[1:3])
    parts = jnp.split(padded, 9, axis=-1)
    return add_all(part[:, i : i + height, j : j + width] for part, (i, j) in zip(parts, TAPS, strict=True))


def _shift_and_add_forward(taps: Any) -> tuple[Any, None]:
    return shift_and_add(taps), None


def _shift_and_add_backward(_: None, gradient: Any) -> tuple[Any]:
    height, width = gradient.shape[1:3]
    padded = pad1(gradient)
    return (jnp.concatenate([padded[:, 2 - i : 2 - i + height, 2 - j : 2 - j + width] for i, j in TAPS], axis=-1),)


shift_and_add.defvjp(_shift_and_add_forward, _shift_and_add_backward)


def _apply(implementation: str, block: int, x: Any, kernel: Any) -> Any:
    if implementation in WINOGRAD:
        return WINOGRAD[implementation](x, kernel, block)
    return (kn2row if implementation == KN2ROW else xla)(x, kernel)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _conv3x3(x: Any, kernel: Any, options: ConvOptions) -> Any:
    if options.implementation != AUTO:
        return _apply(*options, x, kernel)
    on_cpu = partial(_apply, choose_cpu_implementation(x, kernel), options.block)
    return jax.lax.platform_dependent(x, kernel, cpu=on_cpu, default=xla)


def _conv_forward(x: Any, kernel: Any, options: ConvOptions) -> tuple[Any, tuple[Any, Any]]:
    return _conv3x3(x, kernel, options), (x, kernel)


def _conv_backward(options: ConvOptions, arrays: tuple[Any, Any], gradient: Any) -> tuple[Any, Any]:
    x, kernel = arrays
    if options.implementation != AUTO:
        return _gradients(options.implementation, options, x, kernel, gradient)
    on_cpu = partial(_gradients, _fastest_gradients_on_cpu(x, kernel), options)
    return jax.lax.platform_dependent(x, kernel, gradient, cpu=on_cpu, default=partial(_gradients, XLA, options))


_conv3x3.defvjp(_conv_forward, _conv_backward)
# Networks have many convs of a size: traced once for all of them, programs compile in three quarters of the time.
_conv3x3_traced_once = jax.jit(_conv3x3, static_argnums=(2,))


def _fastest_gradients_on_cpu(x: Any, kernel: Any) -> str:
    sizes = kernel.shape[-2:]
    if len(TAPS) * sizes[1] <= sizes[0]:  # taps cheap enough to come before the product
        return KN2ROW
    if x.dtype == jnp.float32 and min(sizes) >= MIN_CHANNELS_1D and max(sizes) >= MIN_CHANNELS_2D:
        return "winograd"
    return choose_cpu_implementation(x, kernel)


def _gradients(
    implementation: str, options: ConvOptions, x: Array, kernel: Array, gradient: Array
) -> tuple[Array, Array]:
    """Of x and of the kernel."""
    if implementation in WINOGRAD:
        flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
        forward = choose_cpu_implementation(gradient, flipped) if options.implementation == AUTO else implementation
        of_x = _apply(forward, options.block, gradient, flipped)
        return of_x, winograd_kernel_gradient(x, gradient, options.block)
    if implementation == KN2ROW:  # backwards the taps come before the product, and padding is cheaper after it
        return jax.vjp(lambda x, kernel: shift_and_add(x @ kernel_matrix(kernel)), x, kernel)[1](gradient)
    return jax.vjp(xla, x, kernel)[1](gradient)
