"""What a training run survives: kill -9 at random moments, and flipped bits in its newest checkpoint.

    python -m benchmarks.reliability --data DIR --workdir DIR [--kills 20] [--flips 20]

Kills: one run, which saves after every step, is killed again and again and started again each time; at the end its
parameters must equal those of a run that nobody killed, bit for bit. Flips: one random bit in one random array file of
the newest checkpoint; the state that comes back must be the newest or, announced, the one before.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np

from arbsr_jax.model_file import read_model_file
from arbsr_jax.train.checkpoints import STATE, TrainingCheckpoints
from arbsr_jax.train.recipe import load_config
from arbsr_jax.train.settings import TrainConfig
from arbsr_jax.train.start import starting_state
from arbsr_jax.train.state import TrainState

CONFIG = "arbedsr:debug"
LATEST_KILL = 3.0  # seconds after the first new checkpoint of a start
ENDLESS = 10**6


def start(data: str, workdir: Path, steps: int) -> subprocess.Popen:
    """A training process that saves after every step."""
    flags = ["--config", CONFIG, "--data", data, "--workdir", str(workdir)]
    settings = [f"--config.steps={steps}", "--config.checkpoint_every=1"]
    with (workdir.parent / f"{workdir.name}.log").open("a") as log:
        return subprocess.Popen([sys.executable, "train.py", *flags, *settings], stdout=log, stderr=log)


def saved(workdir: Path) -> list[int]:
    """Steps of the finished checkpoints."""
    folder = workdir / "checkpoints"
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.exists() else []


def unfinished(workdir: Path) -> list[Path]:
    """Checkpoints that are being written."""
    return [path for path in (workdir / "checkpoints").iterdir() if not path.name.isdigit()]


def kill_again_and_again(data: str, workdir: Path, kills: int, chance: random.Random) -> int:
    """Returns how many of the kills hit while a checkpoint was being written."""
    while_saving = 0
    for number in range(kills):
        before, running = saved(workdir), start(data, workdir, ENDLESS)
        while saved(workdir)[-1:] == before[-1:]:
            if running.poll() is not None:
                raise SystemExit(f"start {number + 1} ended by itself: see {workdir}.log")
            time.sleep(0.01)
        time.sleep(chance.uniform(0, LATEST_KILL))
        while number % 2 and not unfinished(workdir):  # every other kill is aimed at a checkpoint being written
            time.sleep(0.001)
        running.kill()
        running.wait()
        hit = bool(unfinished(workdir))
        while_saving += hit
        print(f"kill {number + 1}: newest checkpoint {saved(workdir)[-1]}{', one unfinished' * hit}", flush=True)
    return while_saving


def equal(a: object, b: object) -> bool:
    """Whether two trees of arrays are the same to the last bit."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def restored(folder: Path, like: TrainState) -> tuple[TrainState | None, list[str]]:
    """The state that a start would go on from, and what it would say about it."""
    lines = []
    checkpoints = TrainingCheckpoints(folder, keep=10, say=lines.append)
    state = checkpoints.restore_latest(like)
    checkpoints.close()
    return state, lines


def flip_bits(workdir: Path, flips: int, chance: random.Random) -> dict[str, int]:
    """Counts of what came of each flipped bit."""
    like = starting_state(TrainConfig.of(load_config(CONFIG)), {}, print)
    latest, earlier = saved(workdir)[:-3:-1]
    copy = workdir / "flipped" / "checkpoints"
    good = {}
    for step in (latest, earlier):
        shutil.copytree(workdir / "checkpoints" / str(step), copy / str(step))
        good[step], _ = restored(copy, like)
        shutil.rmtree(copy.parent)
    counts = {"newest state, unharmed": 0, "announced, the one before": 0, "silently wrong": 0}
    for _ in range(flips):
        shutil.copytree(workdir / "checkpoints", copy)
        files = [path for path in (copy / str(latest) / STATE).rglob("d/*") if path.is_file() and path.stat().st_size]
        file = chance.choice(files)
        content = bytearray(file.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
        state, lines = restored(copy, like)
        if equal(state, good[latest]):
            counts["newest state, unharmed"] += 1
        elif lines and equal(state, good[earlier]):
            counts["announced, the one before"] += 1
        else:
            counts["silently wrong"] += 1
        shutil.rmtree(copy.parent)
    return counts


def main() -> int:
    """Run both and print the counts; the exit code is 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of images")
    parser.add_argument("--workdir", type=Path, required=True, help="a new folder")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--flips", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    flags.workdir.mkdir(parents=True)
    chance = random.Random(flags.seed)
    killed, straight = flags.workdir / "killed", flags.workdir / "straight"
    while_saving = kill_again_and_again(flags.data, killed, flags.kills, chance)
    steps = saved(killed)[-1] + 2
    ends = [start(flags.data, workdir, steps).wait() for workdir in (killed, straight)]
    models = [read_model_file(workdir / "model.safetensors").parameters for workdir in (killed, straight)]
    exact = ends == [0, 0] and equal(*models)
    print(
        f"{flags.kills} kills, {while_saving} of them while saving: after {steps} steps the parameters are "
        f"{'equal to' if exact else 'NOT equal to'} those of a straight run"
    )
    counts = flip_bits(killed, flags.flips, chance)
    print(f"{flags.flips} flipped bits: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 0 if exact and not counts["silently wrong"] else 1


if __name__ == "__main__":
    sys.exit(main())
