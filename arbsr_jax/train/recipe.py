"""Configs by name, and what they have in common: all start from the paper's recipe."""

from __future__ import annotations

import dataclasses
import runpy
from collections.abc import Mapping
from pathlib import Path

from ml_collections import ConfigDict

from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.config import EDSR, EDSR_BASELINE, EDSR_TINY, ModelConfig
from arbsr_jax.train.settings import TrainConfig

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
    return ConfigDict(dataclasses.asdict(TrainConfig(model)))


def without_teachers(config: ConfigDict) -> ConfigDict:
    """Plain training: reconstruction loss alone."""
    config.teachers.weight = 0.0
    return config


def debug(config: ConfigDict) -> ConfigDict:
    """Any config, shrunk until it runs in seconds; without teachers."""
    config.model.update(blocks=2, channels=8, group_blocks=1, reduction=4, interval=2, dense_layers=2, growth=8)
    config.steps, config.log_every, config.checkpoint_every, config.optimized = 4, 2, 2, False
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
