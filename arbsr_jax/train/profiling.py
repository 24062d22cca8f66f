"""A profiler's trace of some steps, for TensorBoard or Perfetto."""

from __future__ import annotations

from pathlib import Path

import jax

FOLDER = "profile"


class Profiler:
    """Traces some steps of a run; none if the range is empty."""

    def __init__(self, steps: range, workdir: Path) -> None:
        self._folder, self._steps, self._running = workdir / FOLDER, steps, False

    def before(self, step: int) -> None:
        """Begin with the first of the steps."""
        if step in self._steps and not self._running:
            jax.profiler.start_trace(str(self._folder))
            self._running = True

    def after(self, step: int, result: object) -> str:
        """End with the last of them, when its result is there; returns what to say."""
        if not self._running or step + 1 in self._steps:
            return ""
        jax.block_until_ready(result)
        self.close()
        return f"trace of steps {self._steps[0]} to {step}: {self._folder}"

    def close(self) -> None:
        """End a trace that a run was stopped in."""
        if self._running:
            jax.profiler.stop_trace()
            self._running = False
