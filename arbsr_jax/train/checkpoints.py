"""Training state on disk: written by orbax while training goes on, verified when read."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from jaxtyping import PyTree

from arbsr_jax.errors import ArbsrError, reason

STATE, CHECKSUMS = "state", "checksums"
DAMAGED = "damaged-"


class TrainingCheckpoints:
    """The newest few states of a run.

    Orbax survives being killed while it writes, but a flipped bit in an array file loads without complaint. So every
    leaf has a checksum; a state that does not match is set aside under a name that says so, and the one before is used.
    """

    def __init__(self, folder: Path | epath.Path, keep: int, say: Callable[[str], None] = print) -> None:
        self._folder, self._say = epath.Path(folder).resolve(), say
        self._options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
        self._manager = self._open()

    def _open(self) -> ocp.CheckpointManager:
        return ocp.CheckpointManager(self._folder, options=self._options, item_names=(STATE, CHECKSUMS))

    def save(self, step: int, state: PyTree) -> None:
        """Begin to save the state after `step` steps; its buffers may be donated right after.

        Raises:
          ArbsrError: this state, or the one before, cannot be written.
        """
        if step in self._manager.all_steps():
            return
        host = jax.tree.map(np.asarray, state)
        items = {STATE: ocp.args.StandardSave(host), CHECKSUMS: ocp.args.JsonSave(checksums(host))}
        with self._written():
            self._manager.save(step, args=ocp.args.Composite(**items))

    def restore_latest(self, like: PyTree) -> PyTree | None:
        """The newest undamaged state, shaped like `like`; None if there is none.

        Raises:
          ArbsrError: the state is whole but has other arrays than `like`, or cannot be read at present.
        """
        like = jax.tree.map(np.asarray, like)
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                return self._restore(step, like)
            except ArbsrError:
                raise
            except Exception as error:
                words = reason(error)
                if _may_pass(error):
                    raise ArbsrError(f"{self._folder}: checkpoint {step} cannot be read ({words}); try again") from None
                self._set_aside(step, words)
        return None

    def _restore(self, step: int, like: PyTree) -> PyTree:
        saved: dict[str, str] = self._item(step, CHECKSUMS, ocp.args.JsonRestore())
        self._refuse_other_arrays(step, saved, like)
        state = self._item(step, STATE, ocp.args.StandardRestore(like))
        computed = checksums(state)
        wrong = sorted(name for name, value in saved.items() if computed.get(name) != value)
        if wrong:
            raise ValueError(f"checksum of {', '.join(wrong[:3])} does not match")
        return state

    def _item(self, step: int, name: str, how: ocp.args.CheckpointArgs) -> Any:
        return self._manager.restore(step, args=ocp.args.Composite(**{name: how}))[name]

    def _refuse_other_arrays(self, step: int, saved: dict[str, str], like: PyTree) -> None:
        kinds = {name: value.partition(":")[0] for name, value in saved.items()}
        wanted = _by_path(like, _kind)
        different = sorted(name for name in wanted.keys() | kinds.keys() if wanted.get(name) != kinds.get(name))
        if different:
            name = different[0]
            raise ArbsrError(
                f"{self._folder}: checkpoint {step} has {kinds.get(name, 'nothing')} at {name}, this config needs "
                f"{wanted.get(name, 'nothing')}; give the config that it was written with, or another --workdir"
            )

    def _set_aside(self, step: int, reason: str) -> None:
        self._say(f"checkpoint {step} in {self._folder} is damaged ({reason}); set aside, trying the one before")
        self._manager.close()
        multihost_utils.sync_global_devices(f"damaged checkpoint {step}")
        if jax.process_index() == 0:
            target = self._folder.parent / f"{DAMAGED}{step}"
            number = 0
            while target.exists():
                number += 1
                target = self._folder.parent / f"{DAMAGED}{step}-{number}"
            (self._folder / str(step)).rename(target)
        multihost_utils.sync_global_devices(f"set aside {step}")
        self._manager = self._open()

    def close(self) -> None:
        """Wait until everything is written.

        Raises:
          ArbsrError: something cannot be written.
        """
        with self._written():
            self._manager.wait_until_finished()
        self._manager.close()

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            words = f"{self._folder}: no checkpoint can be written ({reason(error)})"
            raise ArbsrError(
                f"{words}; make room, then start again; the run resumes from the last checkpoint"
            ) from None


def _may_pass(error: Exception) -> bool:
    """Whether an error is one of the disc or the network, which says nothing about the file."""
    lasting = FileNotFoundError, NotADirectoryError, IsADirectoryError
    return (isinstance(error, OSError) and not isinstance(error, lasting)) or any(
        word in str(error) for word in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED")
    )


def checksums(tree: PyTree) -> dict[str, str]:
    """CRC-32 of every leaf, with its type and shape, by its path."""
    return _by_path(tree, lambda leaf: f"{_kind(leaf)}:{zlib.crc32(np.ascontiguousarray(leaf).tobytes()):08x}")


def _by_path(tree: PyTree, function: Callable[[np.ndarray], str]) -> dict[str, str]:
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): function(np.asarray(leaf)) for path, leaf in leaves}


def _kind(leaf: np.ndarray) -> str:
    return f"{leaf.dtype}{list(leaf.shape)}"
