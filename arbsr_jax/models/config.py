"""The parts and sizes of a network: the part of a model file that is not weights."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from arbsr_jax.errors import ArbsrError

CHOICES = {
    "backbone": ("edsr", "rcan", "rdn"),
    "upsampler": ("scale_aware", "pixel_shuffle", "bicubic", "experts", "implicit", "field", "meta"),
    "adaption": ("none", "plain", "masked", "experts"),
    "scale_input": ("factor", "inverse"),
}
FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)  # of backbones, as people name them
DEFAULT_MODEL = "arbedsr-baseline"  # of those that are shipped
DEFAULT_RESTORING = "arbedsr-restore"  # of those that restore damaged photographs
PIXELWISE = ("implicit", "field", "meta")  # upsamplers
MASKED = ("masked", "experts")  # adaptions with a mask


@dataclass(frozen=True)
class ModelConfig:
    """One network; every row of the paper's Table 1 is such a config.

    Attributes:
      backbone: "edsr", "rcan" or "rdn".
      blocks: residual blocks (EDSR), residual groups (RCAN) or residual dense blocks (RDN: D).
      channels: C.
      res_scale: factor on each residual branch of EDSR.
      group_blocks: RCABs in a residual group (RCAN).
      reduction: channel reduction of RCAN's channel attention.
      dense_layers: convs in a residual dense block (RDN: C).
      growth: channels that each of them adds (RDN: G).
      interval: K; features are named, and adapted, after every K blocks.
      adaption: "none", "plain" (scale-aware conv alone), "masked", or "experts" (masked, of the later version).
      upsampler: "scale_aware", "bicubic", "experts", "implicit" (LIIF's), "field", "meta" (Meta-SR's), or
        "pixel_shuffle" for a scale-specific network.
      scale: the integer factor of a scale-specific network, else 0.
      scale_input: what hypernetworks see of a scale: "factor", r as in the paper, or "inverse", 1/r, which stays
        within 0 and 1 however large the scale. Experts always see 1/r.
      basis: M of field upsampling: terms of the sum that makes an HR pixel.
      hidden: channels of the layers of field upsampling.
      hidden_layers: their number.
      kernel_size: k of scale-aware upsampling: every HR pixel weighs k x k LR samples. The paper has 1.
    """

    backbone: str
    blocks: int
    channels: int
    res_scale: float = 1.0
    group_blocks: int = 20
    reduction: int = 16
    interval: int = 2
    adaption: str = "masked"
    upsampler: str = "scale_aware"
    scale: int = 0
    scale_input: str = "factor"
    kernel_size: int = 1
    basis: int = 64
    hidden: int = 256
    hidden_layers: int = 2
    dense_layers: int = 8
    growth: int = 64

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise ArbsrError(f"model config: {field}={getattr(self, field)!r}; allowed: {', '.join(allowed)}")
        sizes = (
            "blocks",
            "channels",
            "group_blocks",
            "reduction",
            "interval",
            "kernel_size",
            "basis",
            "hidden",
            "hidden_layers",
            "dense_layers",
            "growth",
        )
        for field in sizes:
            if not isinstance(getattr(self, field), int) or getattr(self, field) < 1:
                raise ArbsrError(f"model config: {field}={getattr(self, field)!r}; a whole number above 0 is needed")
        if self.kernel_size % 2 == 0:
            raise ArbsrError(f"model config: kernel_size={self.kernel_size}; an odd number is needed")
        if (self.upsampler == "pixel_shuffle") != (self.scale in (2, 3, 4, 8)):
            raise ArbsrError(
                f"model config: upsampler={self.upsampler!r} with scale={self.scale}; "
                "pixel_shuffle needs scale 2, 3, 4 or 8, the others scale 0"
            )

    @property
    def adaptions(self) -> int:
        """N: the number of places whose features have names, and are adapted if `adaption` says so."""
        return self.blocks // self.interval

    @property
    def pixelwise(self) -> bool:
        """Whether HR pixels are decoded one by one, so that some can be computed without the others."""
        return self.upsampler in PIXELWISE

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> ModelConfig:
        """From the JSON of a model file.

        Raises:
          ArbsrError: a field is unknown, missing or not allowed.
        """
        allowed = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - allowed)
        missing = sorted({"backbone", "blocks", "channels"} - set(fields))
        if unknown or missing:
            raise ArbsrError(f"model config: unknown fields {unknown}, missing fields {missing}")
        return cls(**fields)


EDSR = ModelConfig("edsr", blocks=32, channels=256, res_scale=0.1, interval=2)
EDSR_BASELINE = ModelConfig("edsr", blocks=16, channels=64, res_scale=1.0, interval=2)
EDSR_TINY = ModelConfig("edsr", blocks=8, channels=32, res_scale=1.0, interval=2)
# Field upsampling knows the scale by itself: it needs no adaption of features.
EDSR_BASELINE_FIELD = dataclasses.replace(EDSR_BASELINE, adaption="none", upsampler="field")
EDSR_TINY_FIELD = dataclasses.replace(EDSR_TINY, adaption="none", upsampler="field", basis=32, hidden=128)
RCAN = ModelConfig("rcan", blocks=10, channels=64, group_blocks=20, reduction=16, interval=1)
RDN = ModelConfig("rdn", blocks=16, channels=64, dense_layers=8, growth=64, interval=2)
# The later version, of which ArbRCAN's weights are published.
ARBRCAN_ICCV = dataclasses.replace(RCAN, adaption="experts", upsampler="experts")


def scale_specific(config: ModelConfig, scale: int) -> ModelConfig:
    """The teacher of the same backbone: pixel shuffle at one integer scale, no adaption."""
    return dataclasses.replace(config, adaption="none", upsampler="pixel_shuffle", scale=scale)


def implicit(config: ModelConfig) -> ModelConfig:
    """LIIF with the same backbone: for every scale, no adaption."""
    return dataclasses.replace(config, adaption="none", upsampler="implicit", scale=0)


def meta(config: ModelConfig) -> ModelConfig:
    """Meta-SR with the same backbone: for every scale, no adaption."""
    return dataclasses.replace(config, adaption="none", upsampler="meta", scale=0)
