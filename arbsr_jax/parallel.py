"""The one place that says pmap: processes, how a step runs on all devices, and how batches reach them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from arbsr_jax.compilation import ProgramCache
from arbsr_jax.errors import ArbsrError
from arbsr_jax.kernels.blocking import CORE_BLOCK, SHARED_BLOCK

AXIS = "devices"
FORCED_DEVICES = "xla_force_host_platform_device_count"


def initialize_distributed(
    coordinator: str | None, processes: int | None, process: int | None, heartbeat: int = 100
) -> None:
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


def block_values(devices: int | None = None) -> int:
    """The block that suits some CPU devices that work side by side, all by default.

    It is small if each core has a device of its own, large if cores share one.
    """
    return CORE_BLOCK if (devices or jax.local_device_count("cpu")) >= cores() else SHARED_BLOCK


def share_cores(batch: int) -> None:
    """As many CPU devices as cores, or the most below that a batch divides among; call it before any computation.

    Work that is too small for several cores of one device is then shared too. A number in JAX_NUM_CPU_DEVICES or
    XLA_FLAGS takes precedence.
    """
    config: Any = jax.config  # its type does not know its values
    chosen = config.jax_num_cpu_devices > 0 or FORCED_DEVICES in os.environ.get("XLA_FLAGS", "")
    if not chosen and batch > 0:
        count = max(n for n in range(1, cores() + 1) if batch % n == 0)
        jax.config.update("jax_num_cpu_devices", count)


def this_process() -> tuple[int, int]:
    """(number of this process, how many there are)."""
    return jax.process_index(), jax.process_count()


def barrier() -> None:
    """Return when every process has come here."""
    multihost_utils.sync_global_devices("arbsr_jax")


class DataParallel:
    """`step(state, batch, constants) -> (state, metrics)` on every device, the batch split among them.

    State and constants (any pytrees) are the same everywhere and carry no device axis; inside the step, average over
    devices with `mean_over_devices`. The state's buffers are donated. `optimized` as of `compilation.compiler_options`.
    """

    def __init__(self, step: Callable[..., Any], *, optimized: bool = True) -> None:
        mapped = jax.pmap(step, axis_name=AXIS, in_axes=(None, 0, None), out_axes=None, donate_argnums=(0,))
        self._cache = ProgramCache(mapped, optimized=optimized)

    @property
    def programs(self) -> int:
        """Programs compiled so far, one for each combination of array shapes."""
        return len(self._cache.programs)

    def __call__(self, state: PyTree, batch: PyTree, constants: PyTree) -> tuple[PyTree, PyTree]:
        """Run the step; `batch` has leading axes [devices, batch / devices], as `shard` makes them."""
        return self._cache(replicate(state), batch, replicate(constants))

    def compiled(self, state: PyTree, batch: PyTree, constants: PyTree) -> jax.stages.Compiled:
        """The program for such arrays, compiled if there is none yet; threads may compile several at a time."""
        return self._cache.compiled(replicate(state), batch, replicate(constants)).program

    def flops(self, state: PyTree, batch: PyTree, constants: PyTree) -> float:
        """Floating-point operations of one step on one device, as XLA counts them."""
        analysis: Any = self.compiled(state, batch, constants).cost_analysis()
        return analysis["flops"]


def replicate(tree: PyTree) -> PyTree:
    """Arrays on every device of every process, without a device axis; do it once for constants of many steps."""
    everywhere = _layout(PartitionSpec())
    return jax.tree.map(lambda leaf: _laid_out(leaf, everywhere), tree)


def _layout(spec: PartitionSpec) -> NamedSharding:
    """As pmap lays out its arguments."""
    return NamedSharding(Mesh(np.array(jax.devices()), (AXIS,)), spec)


def _laid_out(leaf: Any, layout: NamedSharding) -> jax.Array:
    if isinstance(leaf, jax.Array) and leaf.sharding == layout:
        return leaf
    # A copy: steps write their results over the state.
    return jax.make_array_from_process_local_data(layout, np.array(leaf))


def mean_over_devices(tree: PyTree) -> PyTree:
    """The average over all devices of all processes, as one exchange; only inside a `DataParallel` step."""
    return jax.lax.pmean(tree, AXIS)


def shard(tree: PyTree) -> PyTree:
    """Arrays [batch, ...] of this process as its part of [devices, batch / devices, ...].

    Raises:
      ArbsrError: the batch does not divide among the local devices.
    """
    devices, apart = jax.local_device_count(), _layout(PartitionSpec(AXIS))

    def split(x: np.ndarray) -> jax.Array:
        if x.shape[0] % devices:
            raise ArbsrError(f"a batch of {x.shape[0]} does not divide among {devices} devices; use a multiple")
        return _laid_out(x.reshape(devices, x.shape[0] // devices, *x.shape[1:]), apart)

    return jax.tree.map(split, tree)
