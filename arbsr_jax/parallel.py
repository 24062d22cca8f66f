"""The one place that says pmap: processes, how a step runs on all devices, and how batches reach them."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from arbsr_jax.errors import ArbsrError

AXIS = "devices"
CACHE_VARIABLE = "ARBSR_CACHE"
FORCED_DEVICES = "xla_force_host_platform_device_count"


def compilation_cache() -> Path:
    """Keep compiled programs between runs, in a folder that nobody else can read; returns the folder.

    It is `~/.cache/arbsr_jax`, or what the environment variable ARBSR_CACHE names.
    """
    folder = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "arbsr_jax")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return folder


@functools.cache
def compiler_options() -> dict[str, str]:
    """How XLA compiles our programs: on CPUs without YNNPACK's fusions, if this XLA has them.

    They make a training step up to 2 times slower, and in 0.10.2 and 0.11.0 some results wrong (jax issue 39103).
    """
    options = {"xla_cpu_experimental_ynn_fusion_type": ""}
    if jax.default_backend() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x).lower(np.float32(0)).compile(compiler_options=options)
    except jax.errors.JaxRuntimeError:  # another XLA, which does not know the option
        return {}
    return options


def join_processes(coordinator: str | None, processes: int | None, process: int | None, heartbeat: int = 100) -> None:
    """Make this process one of several that train together; call it before any computation.

    Args:
      coordinator: host:port of process 0, or "auto" on TPU pods and Slurm, which know it themselves; None: alone.
      processes: how many there are; None with "auto".
      process: number of this one, from 0; None with "auto".
      heartbeat: seconds without a sign of life after which the others give up a process as dead, and abort.

    Raises:
      ArbsrError: the three do not belong together.
    """
    if coordinator is None:
        if processes is not None or process is not None:
            raise ArbsrError("--processes and --process need --coordinator host:port")
        return
    if coordinator == "auto":
        jax.distributed.initialize(heartbeat_timeout_seconds=heartbeat)
        return
    if processes is None or process is None or not 0 <= process < processes:
        raise ArbsrError(f"--coordinator {coordinator} needs --processes N and --process 0..N-1")
    jax.distributed.initialize(coordinator, processes, process, heartbeat_timeout_seconds=heartbeat)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_cores(batch: int) -> None:
    """As many CPU devices as cores, or the most below that a batch divides among; call it before any computation.

    What is too small for several cores of one device is then shared too. Who has said how many there are to be, by
    JAX_NUM_CPU_DEVICES or XLA_FLAGS, is not overruled.
    """
    asked = jax.config.jax_num_cpu_devices > 0 or FORCED_DEVICES in os.environ.get("XLA_FLAGS", "")
    if not asked and batch > 0:
        count = max(n for n in range(1, cores() + 1) if batch % n == 0)
        jax.config.update("jax_num_cpu_devices", count)


def this_process() -> tuple[int, int]:
    """(number of this process, how many there are)."""
    return jax.process_index(), jax.process_count()


def wait_for_all() -> None:
    """Return when every process has come here."""
    multihost_utils.sync_global_devices("arbsr_jax")


class DataParallel:
    """`step(state, batch, constants) -> (state, metrics)` on every device, the batch split among them.

    State and constants (any pytrees) are the same everywhere and carry no device axis; inside the step, average over
    devices with `mean_over_devices`. The state's buffers are donated.

    Attributes:
      programs: number of programs compiled so far, one for each combination of array shapes.
    """

    def __init__(self, step: Callable[..., Any], on_compile: Callable[[str], None] = lambda line: None) -> None:
        self._step = jax.pmap(step, axis_name=AXIS, in_axes=(None, 0, None), out_axes=None, donate_argnums=(0,))
        self._on_compile = on_compile
        self._compiled: dict[tuple, jax.stages.Compiled] = {}

    @property
    def programs(self) -> int:  # noqa: D102 (described above)
        return len(self._compiled)

    def __call__(self, state: PyTree, batch: PyTree, constants: PyTree) -> tuple[PyTree, PyTree]:
        """Run the step; `batch` has leading axes [devices, batch / devices], as `shard` makes them."""
        state, constants = replicate(state), replicate(constants)
        return self._program(state, batch, constants)(state, batch, constants)

    def flops(self, state: PyTree, batch: PyTree, constants: PyTree) -> float:
        """Floating-point operations of one step on one device, as XLA counts them."""
        state, constants = replicate(state), replicate(constants)
        return self._program(state, batch, constants).cost_analysis()["flops"]

    def _program(self, state: PyTree, batch: PyTree, constants: PyTree) -> jax.stages.Compiled:
        leaves, structure = jax.tree.flatten((batch, constants))
        shapes = (structure, tuple(np.shape(leaf) for leaf in leaves))
        if shapes not in self._compiled:
            begin = time.perf_counter()
            lowered = self._step.lower(state, batch, constants)
            self._compiled[shapes] = lowered.compile(compiler_options=compiler_options())
            sizes = " ".join("x".join(map(str, leaf.shape)) for leaf in jax.tree.leaves(batch))
            self._on_compile(f"compiled program {self.programs} ({sizes}) in {time.perf_counter() - begin:.1f} s")
        return self._compiled[shapes]


def replicate(tree: PyTree) -> PyTree:
    """Arrays on every device of every process, without a device axis; do it once for what many steps use."""
    everywhere, _ = _layouts()
    return jax.tree.map(lambda leaf: _laid_out(leaf, everywhere), tree)


@functools.cache
def _layouts() -> tuple[jax.sharding.Sharding, jax.sharding.Sharding]:
    """How pmap lays out what is the same on all devices, and what is split among them."""
    step = jax.pmap(lambda same, split: (same, split), axis_name=AXIS, in_axes=(None, 0), out_axes=(None, 0))
    program = step.lower(np.zeros((), np.float32), np.zeros(jax.local_device_count(), np.float32)).compile()
    return program.input_shardings[0]


def _laid_out(leaf: Any, layout: jax.sharding.Sharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and leaf.sharding == layout:
        return leaf
    # A copy: steps write their results where the state was.
    return jax.make_array_from_process_local_data(layout, np.array(leaf))


def mean_over_devices(tree: PyTree) -> PyTree:
    """The average over all devices of all processes; only inside a `DataParallel` step."""
    return jax.lax.pmean(tree, AXIS)


def shard(tree: PyTree) -> PyTree:
    """Arrays [batch, ...] of this process as its part of [devices, batch / devices, ...].

    Raises:
      ArbsrError: the batch does not divide among the local devices.
    """
    devices, (_, apart) = jax.local_device_count(), _layouts()

    def split(x: np.ndarray) -> jax.Array:
        if x.shape[0] % devices:
            raise ArbsrError(f"a batch of {x.shape[0]} does not divide among {devices} devices; use a multiple")
        return _laid_out(x.reshape(devices, x.shape[0] // devices, *x.shape[1:]), apart)

    return jax.tree.map(split, tree)
