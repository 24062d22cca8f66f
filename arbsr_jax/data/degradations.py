"""What photographs have suffered, as TensorFlow operations: a pure function of (seed, number of the pair).

Blur of the HR patch, a JPEG file before the reduction, then noise and JPEG files of the LR patch, in changing order.
Each is left out at random, and a third of the pairs stay clean. Targets are clean always. The kinds are Real-ESRGAN's
(Wang et al., ICCV Workshops 2021) but weaker: a network for fidelity learns nothing from what is beyond repair.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

CLEAN_SHARE = 1 / 3  # of the pairs
BLUR_SHARE, LARGE_JPEG_SHARE, NOISE_SHARE, JPEG_SHARE = 0.4, 0.1, 0.5, 0.7  # of the other pairs
JPEG_FIRST_SHARE = 0.15  # of the pairs: noise over a JPEG file instead of a JPEG file of noise
ISOTROPIC_SHARE = GRAY_SHARE = SHOT_SHARE = 0.5  # of blurs; of noises
FULL_CHROMA_SHARE, TWICE_SHARE = 0.3, 0.25  # of JPEG files
BLUR_SIGMA = 0.3, 2.0  # HR pixels
NOISE_SIGMA = 1.0, 20.0  # grey levels; of shot noise at middle gray
JPEG_QUALITY = 30, 95
BLUR_REACH = 6  # pixels of a kernel on each side, three times the largest sigma
MIDDLE_GRAY = 128.0
MCU = 16  # pixels of the largest unit of a JPEG file: its grid is shifted by less
STREAM = 1 << 32  # added to seeds: these draws are no other's
# Of a pair, each uniform within 0 and 1.
DRAWS = (
    *("clean", "blur", "isotropic", "sigma_v", "sigma_h", "angle", "large_jpeg", "large_quality"),
    *("noise", "sigma", "gray", "shot", "jpeg", "quality", "full_chroma", "twice", "second_quality"),
    *("jpeg_first", "top", "left", "second_top", "second_left"),
)
Draws = dict[str, tf.Tensor]


class PhotoDegradations:
    """The degradations "photo": one pair's come from its number alone."""

    reach = BLUR_REACH

    def __init__(self, seed: int) -> None:
        """Draw from the stream of a seed."""
        self._seed = seed

    def of_hr(self, crop: tf.Tensor, sample: Any) -> tf.Tensor:
        """A uint8 HR crop, blurred and compressed at random; smaller by `reach` pixels on each side."""
        draw = self._draw(sample)
        inner = crop[self.reach : -self.reach, self.reach : -self.reach]
        blurred = tf.cond(draw["blur"] < BLUR_SHARE, lambda: blur(crop, _kernel(draw)), lambda: inner)
        quality = _between(draw["large_quality"], JPEG_QUALITY)
        compressed = draw["large_jpeg"] < LARGE_JPEG_SHARE
        return tf.cond(compressed, lambda: jpeg(blurred, quality), lambda: blurred)

    def of_lr(self, lr: tf.Tensor, sample: Any) -> tf.Tensor:
        """A uint8 LR patch with noise and compressed at random."""
        draw = self._draw(sample)
        first = draw["jpeg_first"] < JPEG_FIRST_SHARE
        noise = draw["noise"] < NOISE_SHARE
        lr = tf.cond(noise & tf.logical_not(first), lambda: self._noise(lr, draw, sample), lambda: lr)
        lr = self._files(lr, draw)  # once: their operations are many
        return tf.cond(noise & first, lambda: self._noise(lr, draw, sample), lambda: lr)

    def _draw(self, sample: Any) -> Draws:
        """Uniform numbers; a clean pair's are all 1, so that nothing happens to it."""
        draw = tf.random.stateless_uniform([len(DRAWS)], self._stream(sample))
        draw = tf.where(draw[0] < CLEAN_SHARE, tf.ones_like(draw), draw)
        return dict(zip(DRAWS, tf.unstack(draw), strict=True))

    def _stream(self, number: Any) -> tf.Tensor:
        return tf.stack([tf.constant(self._seed + STREAM, tf.int64), tf.cast(number, tf.int64)])

    def _noise(self, lr: tf.Tensor, draw: Draws, sample: Any) -> tf.Tensor:
        normal = tf.random.stateless_normal(tf.shape(lr), self._stream(-1 - sample))
        normal = tf.cond(draw["gray"] < GRAY_SHARE, lambda: tf.gather(normal, [0, 0, 0], axis=-1), lambda: normal)
        image = tf.cast(lr, tf.float32)
        # Shot noise: its variance is proportional to the light, Poisson's law for many photons.
        light = tf.cond(draw["shot"] < SHOT_SHARE, lambda: image / MIDDLE_GRAY, lambda: tf.ones_like(image))
        return _to_uint8(image + _between(draw["sigma"], NOISE_SIGMA) * tf.sqrt(light) * normal)

    def _files(self, lr: tf.Tensor, draw: Draws) -> tf.Tensor:
        def once(image: tf.Tensor, quality: str, top: str, left: str) -> tf.Tensor:
            shift = tf.cast(tf.stack([draw[top], draw[left]]) * MCU, tf.int32)
            full_chroma = draw["full_chroma"] < FULL_CHROMA_SHARE
            return jpeg(image, _between(draw[quality], JPEG_QUALITY), full_chroma, shift)

        any_file = draw["jpeg"] < JPEG_SHARE
        lr = tf.cond(any_file, lambda: once(lr, "quality", "top", "left"), lambda: lr)
        again = any_file & (draw["twice"] < TWICE_SHARE)
        return tf.cond(again, lambda: once(lr, "second_quality", "second_top", "second_left"), lambda: lr)


def gaussian_kernel(sigma: tf.Tensor, angle: Any) -> tf.Tensor:
    """An anisotropic Gaussian [2 reach + 1, 2 reach + 1] that adds up to 1.

    Args:
      sigma: along its two axes, in pixels.
      angle: of the first axis against the vertical, in radians.
    """
    line = tf.range(-BLUR_REACH, BLUR_REACH + 1, dtype=tf.float32)
    rows, columns = line[:, None], line[None, :]
    along, across = (
        rows * tf.cos(angle) + columns * tf.sin(angle),
        columns * tf.cos(angle) - rows * tf.sin(angle),
    )
    kernel = tf.exp(-0.5 * ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2))
    return kernel / tf.reduce_sum(kernel)


def blur(image: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A uint8 image convolved with a symmetric kernel where the kernel lies inside it, rounded to uint8."""
    # By FFT: a direct sum over 169 pixels takes ten times as long as all else together.
    size, reach = tf.shape(image)[:2], BLUR_REACH
    planes = tf.signal.rfft2d(tf.transpose(tf.cast(image, tf.float32), [2, 0, 1]))
    beyond = size - tf.shape(kernel)
    around = tf.pad(kernel, tf.stack([[0, beyond[0]], [0, beyond[1]]]))
    response = tf.signal.rfft2d(tf.roll(around, [-reach, -reach], [0, 1]))
    result = tf.transpose(tf.signal.irfft2d(planes * response, size), [1, 2, 0])
    return _to_uint8(result[reach:-reach, reach:-reach])


def jpeg(image: tf.Tensor, quality: tf.Tensor, full_chroma: Any = False, shift: Any = (0, 0)) -> tf.Tensor:
    """A uint8 image after a JPEG file, coded and decoded by libjpeg-turbo as Pillow does.

    Args:
      image: [height, width, 3].
      quality: 1 to 100, of libjpeg's tables.
      full_chroma: 4:4:4 instead of 4:2:0; then the quality must be within `JPEG_QUALITY`.
      shift: rows and columns of mirrored pixels in front of the image: where the grid of its blocks begins.
    """
    size, shift = tf.shape(image), tf.convert_to_tensor(shift)
    image = tf.pad(image, tf.stack([[shift[0], 0], [shift[1], 0], [0, 0]]), "SYMMETRIC")
    first, last = JPEG_QUALITY
    # TensorFlow has one encoder with a variable quality, for 4:2:0 alone, and one for 4:4:4 with a constant one.
    of_quality = [
        lambda q=q: tf.io.encode_jpeg(image, quality=q, chroma_downsampling=False) for q in range(first, last + 1)
    ]
    file = tf.cond(
        tf.convert_to_tensor(full_chroma),
        lambda: tf.switch_case(quality - first, of_quality),
        lambda: tf.raw_ops.EncodeJpegVariableQuality(images=image, quality=quality),
    )
    decoded = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(decoded[shift[0] : shift[0] + size[0], shift[1] : shift[1] + size[1]], [None, None, 3])


def _kernel(draw: Draws) -> tf.Tensor:
    vertical, horizontal = (BLUR_SIGMA[0] + draw[n] * (BLUR_SIGMA[1] - BLUR_SIGMA[0]) for n in ("sigma_v", "sigma_h"))
    second = tf.where(draw["isotropic"] < ISOTROPIC_SHARE, vertical, horizontal)
    return gaussian_kernel(tf.stack([vertical, second]), draw["angle"] * math.pi)


def _between(draw: tf.Tensor, limits: tuple[Any, Any]) -> tf.Tensor:
    """A uniform draw stretched to limits; a whole number if they are."""
    low, high = limits
    if isinstance(low, int):
        return tf.minimum(low + tf.cast(draw * (high + 1 - low), tf.int32), high)
    return low + draw * (high - low)


def _to_uint8(image: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(tf.floor(image + 0.5), 0.0, 255.0), tf.uint8)
