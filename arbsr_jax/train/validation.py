"""PSNR of the network in training, and keeping the best one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from arbsr_jax.evaluation.datasets import open_dataset
from arbsr_jax.evaluation.methods import Network
from arbsr_jax.evaluation.sweep import Sweep, evaluate
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.model_file import Model, read_model_file, save_model
from arbsr_jax.models.config import FLOAT32, ModelConfig
from arbsr_jax.models.parameters import Parameters
from arbsr_jax.train.settings import ValidationConfig

BEST_FILE = "best.safetensors"
SCORE = "validation_psnr"  # mean over folders and scales, in the provenance of the best model


class Validation:
    """Scores parameters on folders of HR images, protocol `standard`; a scale-specific network at its own scale."""

    def __init__(self, config: ValidationConfig, model: ModelConfig, workdir: Path, say: Callable[[str], None]) -> None:
        self._datasets = [open_dataset(Path(folder)) for folder in _listed(config.folders)]
        self._scales = [Scale.of(factors) for factors in ([model.scale] if model.scale else _listed(config.scales))]
        self._model, self._best, self._say = model, workdir / BEST_FILE, say
        self._upscaler: Upscaler | None = None

    def __call__(self, parameters: Parameters, provenance: dict[str, Any]) -> dict[str, float]:
        """PSNR in dB for every folder and scale; writes the best model's file when the mean is a new best."""
        if not self._datasets or jax.process_index() != 0:
            return {}
        model = Model("training", self._model, parameters, {})
        if self._upscaler is None:
            self._upscaler = Upscaler(model, precision=FLOAT32)
        self._upscaler.replace_model(model)
        sweep = Sweep(self._datasets, self._scales, "standard")
        rows = evaluate(Network(self._upscaler, by_size=True), sweep, on_image=_ignore, on_failure=self._say)
        scores = {f"psnr/{row.dataset}/{row.scale_h:g}x{row.scale_v:g}": row.scores.ours.psnr for row in rows}
        mean = float(np.mean(list(scores.values())))
        if scores and mean > self._best_so_far():
            save_model(self._best, self._model, parameters, {**provenance, SCORE: mean})
        return scores

    def _best_so_far(self) -> float:
        return read_model_file(self._best).provenance[SCORE] if self._best.exists() else -np.inf


def _listed(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _ignore(*unused: object) -> None:
    """Validation keeps no pictures."""
