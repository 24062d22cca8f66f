"""The paper's recipe (Section 4.1), from which every config starts, and what configs have in common."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import PAPER_LARGEST
from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY, ModelConfig

EPOCH = 1000  # iterations
DEBUG = "debug"
SIZES = {"full": EDSR, "baseline": EDSR_BASELINE, "tiny": EDSR_TINY}
TEACHER_SCALES = {"x2": 2, "x3": 3, "x4": 4}


def config_folder() -> Path:
    """The folder of the configs: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def config_names() -> list[str]:
    """Of the packaged configs."""
    return sorted(path.stem for path in config_folder().glob("*.py"))


def load_config(name: str) -> ConfigDict:
    """A config by its name or file, and its variant, such as "arbedsr:tiny".

    Raises:
      ArbsrError: there is no such config or variant.
    """
    file, _, variant = name.partition(":")
    path = Path(file) if Path(file).is_file() else config_folder() / f"{file}.py"
    if not path.is_file():
        raise ArbsrError(f"config {file!r} is no file and no packaged config; allowed: {', '.join(config_names())}")
    get_config = runpy.run_path(str(path)).get("get_config")
    if get_config is None:
        raise ArbsrError(f"{path}: has no get_config(); a config is a file like configs/arbedsr.py")
    return get_config(variant) if variant else get_config()


def recipe(model: ModelConfig) -> ConfigDict:
    """The paper's training of ArbSR: 70 epochs, Adam at 1e-4 halved every 15 epochs, teachers at x2, x3 and x4."""
    config = ConfigDict()
    config.model = ConfigDict(dataclasses.asdict(model))
    config.init_from = ""  # a model file, of this network or another: its layers of the same name and shape are used
    config.seed = 0
    config.steps = 70 * EPOCH
    config.dtype = "float32"  # of the backbone: float32, or bfloat16 on accelerators
    config.log_every = 100
    config.checkpoint_every = EPOCH
    config.keep = 3  # checkpoints
    config.ema = 0.0  # decay of averaged weights, which then are the model; 0: none
    config.normalized_masks = True  # batch norm in the masks, without which they saturate
    config.profile = ""  # START:COUNT: write a trace of so many steps from that one to WORKDIR/profile
    config.max_skipped = 20  # steps in a row whose loss or gradient is not finite

    config.data = _data()

    config.optimizer = ConfigDict()
    config.optimizer.learning_rate = 1e-4
    config.optimizer.schedule = "halving"
    config.optimizer.halve_every = 15 * EPOCH
    config.optimizer.warmup = 100  # steps, for the cosine schedule
    config.optimizer.backbone_lr_scale = (
        1.0  # times learning_rate; less if a fresh plug-in meets a trained backbone; 0: it stays as it is
    )
    config.optimizer.hyper_lr_scale = 1.0  # times learning_rate, for the hypernetworks

    config.teachers = ConfigDict()
    config.teachers.x2 = config.teachers.x3 = config.teachers.x4 = (
        ""  # model files; the student starts from x4's blocks
    )
    config.teachers.weight = 1.0  # lambda of Eq. 7
    config.teachers.output = ""  # a model file for every scale, such as a converted LIIF, whose SR images are targets
    config.teachers.output_share = 1.0  # of these targets in the loss, the rest is for HR images
    config.teachers.pictures = ""  # a folder that `arbsr teach` made: its pictures are mixed with HR images
    config.teachers.hr_share_start = 0.0  # of HR images in the mix, which changes linearly
    config.teachers.hr_share_end = 0.5
    config.teachers.hr_share_steps = 40 * EPOCH  # from start to end
    config.teachers.lr_of_photographs = False  # LR of HR images, not of the mix: a teacher's look is learned too
    config.teachers.copy_ends = False  # start from x4's head, last conv and tail as well

    config.validation = ConfigDict()
    config.validation.folders = ""  # of HR images, separated by commas
    config.validation.scales = "2,3,4"
    config.validation.every = EPOCH
    return config


def _data() -> ConfigDict:
    data = ConfigDict()
    data.patch = 50  # LR pixels
    data.batch = 16  # pairs per step, over all devices
    data.accumulate = 1  # parts of a device's batch, one after the other, if all of it does not fit
    data.candidates = 1  # random crops for every pair, of which the most detailed one is used
    data.rim = 0  # LR pixels on every side of a patch over which no HR pixel counts; at most a quarter of it
    data.degradations = "none"  # or "photo": blur, noise and JPEG files of LR patches; targets stay clean
    data.cleaning_share = 0.0  # of the batches whose factor is 1 on both axes: cleaning alone
    data.asymmetric = False
    data.symmetric_share = 0.0  # with `asymmetric`: of the batches that have one factor on both axes for sure
    data.largest = PAPER_LARGEST  # factor, up to 8
    data.large_share = 0.2  # of the batches whose larger factor is above 4, if `largest` is
    data.integer_steps = EPOCH  # x2, x3 and x4 alone in the first epoch
    data.memory_gb = 8.0  # for decoded images
    data.pool_steps = 500  # how long a part of the images is used if not all of them fit
    return data


def flat_values(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value by its dotted name, as in `data.batch`."""
    values = {}
    for name, value in config.items():
        inner = isinstance(value, Mapping)
        values |= flat_values(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return values


def without_teachers(config: ConfigDict) -> ConfigDict:
    """Plain training: reconstruction loss alone."""
    config.teachers.weight = 0.0
    return config


def debug(config: ConfigDict) -> ConfigDict:
    """Any config, shrunk until it runs in seconds; without teachers."""
    config.model.update(blocks=2, channels=8, group_blocks=1, reduction=4, interval=2, dense_layers=2, growth=8)
    config.steps, config.log_every, config.checkpoint_every = 4, 2, 2
    config.data.update(patch=20, batch=8, integer_steps=2)
    return without_teachers(config)


def choose(variant: str, *choices: Mapping[str, object]) -> tuple[list, bool]:
    """Split a variant such as 'baseline-x4-debug' into one value from each set of choices, and whether to debug.

    The first name of a set is its default.

    Raises:
      ArbsrError: a word is in none of the sets.
    """
    words = [word for word in variant.split("-") if word]
    allowed = [DEBUG, *(name for names in choices for name in names)]
    unknown = [word for word in words if word not in allowed]
    if unknown:
        raise ArbsrError(f"config variant {unknown[0]!r} is unknown; allowed, joined by '-': {', '.join(allowed)}")
    values = [next((names[word] for word in words if word in names), next(iter(names.values()))) for names in choices]
    return values, DEBUG in words


def tiny(config: ConfigDict) -> ConfigDict:
    """The short recipe for 2 CPU cores, for networks of 8 blocks and 32 channels."""
    config.model.update(blocks=EDSR_TINY.blocks, channels=EDSR_TINY.channels, res_scale=EDSR_TINY.res_scale)
    config.steps, config.checkpoint_every = 12_000, 500
    config.data.update(patch=40, batch=8, integer_steps=0, asymmetric=True)
    config.optimizer.update(learning_rate=1e-3, schedule="cosine")
    return without_teachers(config)
