"""What a training run is to do, typed and checked at its door. The defaults are the paper's recipe (Section 4.1)."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ml_collections import ConfigDict

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import LARGEST_SCALE, PAPER_LARGEST
from arbsr_jax.models.config import FLOAT32, PIXELWISE, PRECISIONS, ModelConfig

EPOCH = 1000  # iterations
HALVING, COSINE = "halving", "cosine"
CLEAN, PHOTO = "none", "photo"
TYPES = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


@dataclass(frozen=True)
class DataConfig:
    """Images, crops and scales of the batches."""

    patch: int = 50  # LR pixels
    batch: int = 16  # pairs per step, over all devices
    accumulate: int = 1  # parts of a device's batch, one after the other, if all of it does not fit
    candidates: int = 1  # random crops for every pair, of which the most detailed one is used
    rim: int = 0  # LR pixels on every side of a patch over which no HR pixel counts; at most a quarter of it
    hr_stride: int = 1  # a step computes every n-th HR row and column, in turn; above 1 if the model is pixelwise
    degradations: str = CLEAN  # or "photo": blur, noise and JPEG files of LR patches; targets stay clean
    cleaning_share: float = 0.0  # of the batches whose factor is 1 on both axes: cleaning alone
    asymmetric: bool = False
    symmetric_share: float = 0.0  # with `asymmetric`: of the batches that have one factor on both axes for sure
    largest: float = PAPER_LARGEST  # factor, up to 8
    large_share: float = 0.2  # of the batches whose larger factor is above 4, if `largest` is
    integer_steps: int = EPOCH  # x2, x3 and x4 alone in the first epoch
    memory_gb: float = 8.0  # for decoded images
    pool_steps: int = 500  # how long a part of the images is used if not all of them fit

    def __post_init__(self) -> None:
        _at_least(self, "data.", 1, "patch", "batch", "accumulate", "candidates", "pool_steps", "hr_stride")
        _at_least(self, "data.", 0, "rim", "integer_steps")
        _shares(self, "data.", "cleaning_share", "symmetric_share", "large_share")
        _one_of(self, "data.", "degradations", (CLEAN, PHOTO))
        if not PAPER_LARGEST <= self.largest <= LARGEST_SCALE:
            allowed = f"{PAPER_LARGEST:g} (the paper's) to {LARGEST_SCALE}"
            raise ArbsrError(f"config.data.largest={self.largest}; allowed is {allowed}")


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam and its learning rates."""

    learning_rate: float = 1e-4
    schedule: str = HALVING
    halve_every: int = 15 * EPOCH
    warmup: int = 100  # steps, for the cosine schedule
    # Times learning_rate; less if a fresh plug-in meets a trained backbone; 0: it stays as it is.
    backbone_lr_scale: float = 1.0
    hyper_lr_scale: float = 1.0  # times learning_rate, for the hypernetworks

    def __post_init__(self) -> None:
        _one_of(self, "optimizer.", "schedule", (HALVING, COSINE))
        _at_least(self, "optimizer.", 0, "learning_rate", "warmup", "backbone_lr_scale", "hyper_lr_scale")
        _at_least(self, "optimizer.", 1, "halve_every")


@dataclass(frozen=True)
class TeacherConfig:
    """Whose features and whose images are targets."""

    x2: str = ""  # model files; the student starts from x4's blocks
    x3: str = ""
    x4: str = ""
    weight: float = 1.0  # lambda of Eq. 7
    output: str = ""  # a model file for every scale, such as a converted LIIF, whose SR images are targets
    output_share: float = 1.0  # of these targets in the loss, the rest is for HR images
    pictures: str = ""  # a folder that `arbsr teach` made: its pictures are mixed with HR images
    hr_share_start: float = 0.0  # of HR images in the mix, which changes linearly
    hr_share_end: float = 0.5
    hr_share_steps: int = 40 * EPOCH  # from start to end
    lr_of_photographs: bool = False  # LR of HR images, not of the mix: a teacher's look is learned too
    copy_ends: bool = False  # start from x4's head, last conv and tail as well

    def __post_init__(self) -> None:
        _shares(self, "teachers.", "output_share", "hr_share_start", "hr_share_end")

    @property
    def files(self) -> dict[int, str]:
        """Of the scale-specific networks that are given, by scale."""
        return {scale: file for scale, file in ((2, self.x2), (3, self.x3), (4, self.x4)) if file}


@dataclass(frozen=True)
class ValidationConfig:
    """Scores during training."""

    folders: str = ""  # of HR images, separated by commas
    scales: str = "2,3,4"
    every: int = EPOCH

    def __post_init__(self) -> None:
        _at_least(self, "validation.", 1, "every")


@dataclass(frozen=True)
class TrainConfig:
    """One training run."""

    model: ModelConfig
    init_from: str = ""  # a model file, of this network or another: its layers of the same name and shape are used
    init_backbone_only: bool = False  # of that file: the rest starts fresh, as to compare upsamplers
    seed: int = 0
    steps: int = 70 * EPOCH
    dtype: str = FLOAT32  # of the backbone: float32, or bfloat16 on accelerators
    log_every: int = 100
    checkpoint_every: int = EPOCH
    keep: int = 3  # checkpoints
    ema: float = 0.0  # decay of averaged weights, which then are the model; 0: none
    normalized_masks: bool = True  # batch norm in the masks, without which they saturate
    optimized: bool = True  # False on CPUs: compiled sooner, but steps are slower
    profile: str = ""  # START:COUNT: write a trace of so many steps from that one to WORKDIR/profile
    max_skipped: int = 20  # steps in a row whose loss or gradient is not finite
    data: DataConfig = field(default_factory=DataConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    teachers: TeacherConfig = field(default_factory=TeacherConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)

    def __post_init__(self) -> None:
        _at_least(self, "", 1, "steps", "log_every", "checkpoint_every", "keep", "max_skipped")
        _one_of(self, "", "dtype", PRECISIONS)
        if not 0 <= self.ema < 1:
            raise ArbsrError(f"config.ema={self.ema}; allowed is 0 (no averaging) to below 1, such as 0.999")
        if self.data.hr_stride > 1 and (self.teachers.output or not self.model.pixelwise):
            raise ArbsrError(
                f"config.data.hr_stride={self.data.hr_stride}; above 1 needs config.model.upsampler to be one of "
                f"{', '.join(PIXELWISE)}, and no config.teachers.output"
            )
        _ = self.profiled

    @classmethod
    def of(cls, values: ConfigDict | Mapping[str, Any]) -> TrainConfig:
        """From a recipe's ConfigDict, or its record in a workdir.

        Raises:
          ArbsrError: a value is unknown, of another type or not allowed, or teachers are missing.
        """
        config = _parsed(cls, values.to_dict() if isinstance(values, ConfigDict) else values, "")
        if config.teachers.weight and not config.model.scale:
            missing = [f"config.teachers.x{scale}" for scale in (2, 3, 4) if scale not in config.teachers.files]
            if missing:
                raise ArbsrError(
                    f"{', '.join(missing)} not given: name the scale-specific networks' files, or train without "
                    "transfer by --config.teachers.weight=0"
                )
        return config

    @property
    def profiled(self) -> range:
        """Steps to trace.

        Raises:
          ArbsrError: `profile` is not understood.
        """
        try:
            start, count = map(int, self.profile.split(":")) if self.profile else (0, 0)
        except ValueError:
            start, count = -1, 0
        if start < 0 or count < 0 or (self.profile and count == 0):
            raise ArbsrError(f"config.profile={self.profile!r} is not understood; give START:COUNT, for example 100:5")
        return range(start, start + count)


def flat_values(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value by its dotted name, as in `data.batch`."""
    values = {}
    for name, value in config.items():
        inner = isinstance(value, Mapping)
        values |= flat_values(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return values


def _parsed(kind: type[Any], values: Mapping[str, Any], prefix: str) -> Any:
    if kind is ModelConfig:
        return ModelConfig.from_dict(dict(values))
    types: dict[str, type[Any]] = typing.get_type_hints(kind)
    for name in values:
        if name not in types:
            raise ArbsrError(f"config has no value {prefix + name!r}; allowed: {', '.join(types)}")
    typed = {}
    for name, value in values.items():
        wanted = types[name]
        if dataclasses.is_dataclass(wanted):
            typed[name] = _parsed(wanted, value, f"{prefix}{name}.")
        elif type(value) is wanted or (wanted is float and type(value) is int):
            typed[name] = wanted(value)
        else:
            raise ArbsrError(f"config.{prefix}{name}={value!r}; {TYPES[wanted]} is needed")
    return kind(**typed)


def _at_least(config: object, prefix: str, least: int, *names: str) -> None:
    for name in names:
        if getattr(config, name) < least:
            raise ArbsrError(f"config.{prefix}{name}={getattr(config, name)}; at least {least} is needed")


def _shares(config: object, prefix: str, *names: str) -> None:
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ArbsrError(f"config.{prefix}{name}={getattr(config, name)}; allowed is 0 to 1")


def _one_of(config: object, prefix: str, name: str, allowed: tuple[str, ...]) -> None:
    if getattr(config, name) not in allowed:
        raise ArbsrError(f"config.{prefix}{name}={getattr(config, name)!r}; allowed: {', '.join(allowed)}")
