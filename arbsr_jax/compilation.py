"""Compiled programs: how XLA compiles them, and where they are kept on disk and in memory."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from arbsr_jax.errors import ArbsrError

CACHE_VARIABLE = "ARBSR_CACHE"
OnCompile = Callable[[jax.stages.Compiled, float], None]


def keep_programs_on_disk() -> Path:
    """Keep compiled programs between runs, in a folder that nobody else can read; returns the folder.

    It is `~/.cache/arbsr_jax`, or the folder that the environment variable ARBSR_CACHE names.
    """
    folder = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "arbsr_jax")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    return folder


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


@functools.cache
def compiler_options() -> dict[str, Any]:
    """How XLA compiles our programs: on CPUs without YNNPACK's fusions, if this XLA has them.

    They make a training step up to 2 times slower, and in 0.10.2 and 0.11.0 some results wrong (jax issue 39103).
    """
    options: dict[str, Any] = {"xla_cpu_experimental_ynn_fusion_type": ""}
    if platform() != "cpu":
        return {}
    try:
        jax.jit(lambda x: x).lower(np.float32(0)).compile(compiler_options=options)
    except jax.errors.JaxRuntimeError:  # another XLA, which does not know the option
        return {}
    return options


class ProgramCache:
    """A function of arrays, compiled once for each combination of structures, shapes and types.

    jax.jit keeps programs too, but tells neither how long compiling took nor how much memory a program takes.

    Attributes:
      programs: all that were compiled.
      seconds: time spent on compiling.
    """

    def __init__(self, function: Any, on_compile: OnCompile = lambda program, seconds: None) -> None:
        """Nothing is compiled yet.

        Args:
          function: of jax.jit or jax.pmap.
          on_compile: called with every program, and the seconds that compiling it took.
        """
        self._function, self._on_compile = function, on_compile
        self._programs: dict[Any, jax.stages.Compiled] = {}
        self.seconds = 0.0

    @property
    def programs(self) -> list[jax.stages.Compiled]:  # noqa: D102 (described above)
        return list(self._programs.values())

    def __call__(self, *arguments: Any) -> Any:
        """The function's result."""
        with own_settings():
            return self.program(*arguments)(*arguments)

    def program(self, *arguments: Any) -> jax.stages.Compiled:
        """The program for such arguments, compiled if there is none yet."""
        leaves, structure = jax.tree.flatten(arguments)
        key = structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        if key not in self._programs:
            begin = time.perf_counter()
            lowered = self._function.lower(*arguments)
            self._programs[key] = lowered.compile(compiler_options=compiler_options())
            seconds = time.perf_counter() - begin
            self.seconds += seconds
            self._on_compile(self._programs[key], seconds)
        return self._programs[key]
