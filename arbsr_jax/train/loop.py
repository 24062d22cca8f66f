"""A training run from config to model file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from arbsr_jax import parallel
from arbsr_jax.checkpoint import TrainingCheckpoints, save_model
from arbsr_jax.data import pipeline
from arbsr_jax.data.schedule import scale_schedule, training_scales
from arbsr_jax.data.sources import load_folders
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import SRNetwork, count_parameters
from arbsr_jax.ops.geometry import Grid, Scale, make_grid
from arbsr_jax.train.optimizer import learning_rate, make_optimizer
from arbsr_jax.train.state import TrainState, fresh_state
from arbsr_jax.train.step import Step, make_step

MODEL_FILE = "model.safetensors"


def train(config: ConfigDict, folders: Sequence[Path], workdir: Path) -> Path:
    """Train as `config` says on the images of `folders`; continue from the newest checkpoint in `workdir`.

    Returns:
      The model file that `evaluate.py` reads.

    Raises:
      ArbsrError: the config, the folders or the images cannot be used.
    """
    pipeline.hide_accelerators()
    model = ModelConfig.from_dict(config.model.to_dict())
    optimizer = make_optimizer(config.optimizer, config.steps)
    scales = training_scales(config.data.asymmetric) if not model.scale else [Scale.of(model.scale)]
    store = load_folders(folders, pipeline.smallest_image(scales, config.data.patch), tqdm.write)
    state = fresh_state(model, optimizer, config.seed)
    checkpoints = TrainingCheckpoints(workdir / "checkpoints")
    state = checkpoints.restore_latest(state) or state
    tqdm.write(
        f"{len(store.sizes)} images, {np.prod(store.sizes, axis=1).sum() / 1e6:.0f} Mpx; "
        f"{count_parameters(state.parameters):,} parameters; {jax.device_count()} x {jax.devices()[0].device_kind}; "
        f"from step {int(state.step)} to {config.steps}"
    )
    stream = pipeline.batches(
        store,
        scales,
        scale_schedule(scales, config.steps, config.data.integer_steps, config.seed),
        patch=config.data.patch,
        batch=config.data.batch,
        seed=config.seed,
        start=int(state.step),
        process=jax.process_index(),
        processes=jax.process_count(),
    )
    step = parallel.data_parallel(make_step(SRNetwork(model), optimizer))
    grids = training_grids(scales, config.data.patch)
    state = run_steps(config, step, state, stream=stream, grids=grids, checkpoints=checkpoints)
    checkpoints.close()
    path = workdir / MODEL_FILE
    save_model(path, model, state.parameters, provenance(config, folders, int(state.step)))
    return path


def run_steps(
    config: ConfigDict,
    step: Step,
    state: TrainState,
    *,
    stream: Iterator[pipeline.Batch],
    grids: Sequence[Grid],
    checkpoints: TrainingCheckpoints,
) -> TrainState:
    """All steps that the stream has batches for, with a progress line and checkpoints."""
    rate = learning_rate(config.optimizer, config.steps)
    progress = tqdm(
        stream, initial=int(state.step), total=config.steps, unit="step", mininterval=1.0, dynamic_ncols=True
    )
    losses, since = [], time.perf_counter()
    for done, batch in enumerate(progress, start=int(state.step) + 1):
        state, metrics = step(state, parallel.shard((batch.lr, batch.hr)), grids[batch.scale_index])
        losses.append(metrics["loss"])
        if done % config.log_every == 0 or done == config.steps:
            loss, seconds = float(np.mean(losses)), time.perf_counter() - since
            images = len(losses) * config.data.batch / seconds
            tqdm.write(f"step {done} loss {loss:.4f} lr {float(rate(done)):.2e} images/s {images:.1f}")
            losses, since = [], time.perf_counter()
        if done % config.checkpoint_every == 0 or done == config.steps:
            checkpoints.save(done, state)
    return state


def training_grids(scales: Sequence[Scale], patch: int) -> list[Grid]:
    """The grid of every scale on its canvas."""
    lengths = pipeline.canvas_lengths(scales, patch)
    return [
        make_grid(scale, scale.output_size(patch, patch), (length, length))
        for scale, length in zip(scales, lengths, strict=True)
    ]


def provenance(config: ConfigDict, folders: Sequence[Path], steps: int) -> dict:
    """How a model came to be, for its file."""
    return {
        "trained_with": "train.py",
        "config": config.to_dict(),
        "data": [folder.name for folder in folders],
        "steps": steps,
    }
