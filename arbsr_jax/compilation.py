"""Compiled programs: how XLA compiles them, and where they are kept on disk and in memory."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from arbsr_jax.errors import ArbsrError

CACHE_VARIABLE = "ARBSR_CACHE"
LARGEST_CACHE = 2 * 2**30  # bytes
Listener = Callable[[float | None], None]  # of None before a program is compiled, of the seconds that it took after

_LISTENER: ContextVar[Listener] = ContextVar("listener", default=lambda seconds: None)


def keep_programs_on_disk() -> Path | None:
    """Keep compiled programs between runs; returns their folder, None if it cannot be written.

    It is `~/.cache/arbsr_jax`, which nobody else can read, or the folder that the environment variable ARBSR_CACHE
    names, which keeps its mode. Those that were not used for the longest time go when they take more than
    `LARGEST_CACHE`. JAX has such a limit too, but then it looks at all files whenever it writes one.
    """
    named = os.environ.get(CACHE_VARIABLE)
    folder = Path(named) if named else Path.home() / ".cache" / "arbsr_jax"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not named:
            folder.chmod(0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        _forget_oldest(folder)
    except OSError as error:
        print(
            f"arbsr: compiled programs are not kept ({folder}: {error.strerror}); "
            f"set {CACHE_VARIABLE} to a folder that can be written",
            file=sys.stderr,
        )
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return folder


def _forget_oldest(folder: Path) -> None:
    with os.scandir(folder) as entries:
        files = sorted(
            (entry.stat().st_atime, entry.stat().st_size, entry.path) for entry in entries if entry.is_file()
        )
    size = sum(size for _, size, _ in files)
    for _, length, path in files:
        if size <= LARGEST_CACHE:
            return
        Path(path).unlink(missing_ok=True)
        size -= length


@contextmanager
def reported(listener: Listener) -> Iterator[None]:
    """Call `listener` for every program that this thread compiles or reads from disk."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def own_settings() -> Iterator[None]:
    """Compute as this package is tested, whatever the user has set for programs of their own.

    64-bit types, interpretation without compiling, and a guard against transfers are switched off.

    Raises:
      ArbsrError: the platform that the user asked for is not there.
    """
    platform()
    with jax.enable_x64(False), jax.disable_jit(False), jax.transfer_guard("allow"):
        yield


def use_own_settings() -> None:
    """`own_settings` for a process that is ours, as commands are."""
    settings = {"enable_x64": False, "disable_jit": False, "transfer_guard": "allow", "no_tracing": False}
    for name, value in settings.items():
        jax.config.update(f"jax_{name}", value)


def platform() -> str:
    """The kind of device that programs run on, in JAX's words: cpu, gpu or tpu.

    Raises:
      ArbsrError: the platform that the user asked for is not there.
    """
    try:
        return jax.default_backend()
    except (RuntimeError, AssertionError) as error:
        asked = os.environ.get("JAX_PLATFORMS", "")
        words = " ".join(str(error).split()).partition("(")[0].strip()[:120] or "not to be had here"
        raise ArbsrError(f"JAX_PLATFORMS={asked}: {words}; unset it, or give cpu") from None


# For CPUs. In 0.10.2 and 0.11.0 YNNPACK's fusions make a training step up to 2 times slower and some results wrong
# (jax issue 39103); in 0.12.0 they are right, and an image takes up to 1.25 times as long.
WITHOUT_YNNPACK = ("xla_cpu_experimental_ynn_fusion_type", "")
# What XLA for CPUs spends most of its time on; results differ by rounding alone.
# 0.12 has no other emitters any more; there the preset helps.
UNOPTIMIZED = (
    ("xla_backend_optimization_level", 0),
    ("xla_cpu_use_fusion_emitters", False),
    ("xla_cpu_opt_preset", "CPU_OPT_PRESET_FAST_COMPILE"),
)


@functools.cache
def compiler_options(*, optimized: bool = True) -> dict[str, Any]:
    """How XLA compiles our programs: options that this XLA knows.

    Args:
      optimized: False on CPUs: compiled sooner, for programs that run a few times on small arrays.
    """
    if platform() != "cpu":
        return {}
    wanted = (WITHOUT_YNNPACK, *(() if optimized else UNOPTIMIZED))
    return dict(option for option in wanted if _is_known(*option))


def _is_known(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda x: x).lower(np.float32(0)).compile(compiler_options={name: value})
    except jax.errors.JaxRuntimeError:  # another XLA
        return False
    return True


class Compiled(NamedTuple):
    """A program, and the seconds that compiling it took if that happened just now."""

    program: jax.stages.Compiled
    seconds: float


class ProgramCache:
    """A function of arrays, compiled once for each combination of structures, shapes and types.

    jax.jit keeps programs too, but tells neither how long compiling took nor how much memory a program takes.
    """

    def __init__(self, function: Any, *, optimized: bool = True) -> None:
        """Nothing is compiled yet; the function is of jax.jit or jax.pmap, `optimized` as of `compiler_options`."""
        self._function, self._optimized, self._lock = function, optimized, threading.Lock()
        self._programs: dict[Any, Future[jax.stages.Compiled]] = {}

    @property
    def programs(self) -> list[jax.stages.Compiled]:
        """All that were compiled."""
        return [program.result() for program in list(self._programs.values()) if program.done()]

    def __call__(self, *arguments: Any) -> Any:
        """The function's result."""
        return run(self.compiled(*arguments).program, *arguments)

    def compiled(self, *arguments: Any) -> Compiled:
        """The program for such arguments, compiled if there is none yet; safe among threads."""
        leaves, structure = jax.tree.flatten(arguments)
        key = structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        with self._lock:
            mine = key not in self._programs
            program = self._programs.setdefault(key, Future())
        begin = time.perf_counter()
        if mine:
            try:
                program.set_result(self._compile(*arguments))
            except BaseException as error:
                del self._programs[key]
                program.set_exception(error)
        return Compiled(program.result(), time.perf_counter() - begin if mine else 0.0)

    def _compile(self, *arguments: Any) -> jax.stages.Compiled:
        begin, listener = time.perf_counter(), _LISTENER.get()
        listener(None)
        with own_settings():
            options = compiler_options(optimized=self._optimized)
            program = self._function.lower(*arguments).compile(compiler_options=options)
        listener(time.perf_counter() - begin)
        return program


def run(program: jax.stages.Compiled, *arguments: Any) -> Any:
    """A program's result, whatever the user's settings."""
    with own_settings():
        return program(*arguments)
