"""A scale-specific network at every scale up to its own: its picture, made smaller by `imresize`.

It is what fixed upscalers offer for other scales (Real-ESRGAN's `--outscale`), and so the plain rival of every network
for all scales. The picture is computed as a whole first, so that scale 1.1 takes as long as the network's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.arguments import ScaleLike, SizeLike, resolve_target
from arbsr_jax.inference.channels import Progress
from arbsr_jax.inference.plan import Plan
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model


class ResizedAfter(Upscaler):
    """Used as `Upscaler` is."""

    def __init__(self, model: Model, *settings: Any, **more: Any) -> None:
        """As `Upscaler`.

        Raises:
          ArbsrError: the network is for every scale, or a setting is not allowed.
        """
        if not model.config.scale:
            raise ArbsrError(
                f"--resize-after: {model.name} is a network for every scale; leave the flag out, "
                "or give a network for one scale"
            )
        super().__init__(model, *settings, **more)

    @property
    def in_words(self) -> str:
        """What is done to every picture."""
        return f"{self.model.name} enlarges by {self.model.config.scale}, then imresize makes it smaller"

    def target(self, lr: tuple[int, int], scale: ScaleLike | None, size: SizeLike | None) -> tuple[Scale, Size]:
        """As of `Upscaler`, for scales up to the network's own."""
        exact, hr = resolve_target(lr, scale, size)
        if exact.larger > self.model.config.scale:
            raise ArbsrError(f"{self.model.name} enlarges by up to {self.model.config.scale}, not by {exact}")
        return exact, hr

    def _plan(self, lr: tuple[int, int], hr: tuple[int, int], scale: Scale, images: int = 1) -> Plan:
        return super()._plan(lr, *self._own(lr), images)

    def _computed(
        self, images: np.ndarray, scale: Scale, hr: Size, progress: Progress | None, *, rounded: bool
    ) -> np.ndarray:
        full, own = self._own(images.shape[1:3])
        if hr == images.shape[1:3]:
            return super()._computed(images, scale, hr, progress, rounded=rounded)
        large = super()._computed(images, own, full, progress, rounded=rounded)
        if hr == full:
            return large
        shown = large if rounded else np.clip(large, 0, 255)  # what a file of it would hold
        return np.stack([imresize(one, height=hr.height, width=hr.width).astype(one.dtype) for one in shown])

    def _own(self, lr: tuple[int, ...]) -> tuple[Size, Scale]:
        scale = Scale.of(self.model.config.scale)
        return scale.output_size(lr[0], lr[1]), scale
