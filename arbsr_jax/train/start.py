"""What a network knows before its first step."""

from __future__ import annotations

from arbsr_jax.checkpoint import as_tree, by_path, few, load_model
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.network import BLOCK, Parameters, in_backbone


def from_teacher(parameters: Parameters, teacher: Parameters, with_ends: bool) -> Parameters:
    """Fresh student parameters with the teacher's blocks; `with_ends` takes its head, last conv and tail too."""
    taken = [
        name for name in teacher if name.startswith(BLOCK) or (with_ends and (in_backbone(name) or name == "tail"))
    ]
    return {**parameters, **{name: teacher[name] for name in taken}}


def from_model(parameters: Parameters, file: str) -> tuple[Parameters, str]:
    """Parameters with every layer that a model file has under the same name, all arrays of it of the same shapes.

    Args:
      parameters: of the network to train.
      file: a model file or the name of a shipped model; it may be of another network, such as a backbone alone.

    Returns:
      The parameters, and in words what stayed as it was.

    Raises:
      ArbsrError: the file cannot be read, or shares no array.
    """
    ours, theirs = by_path(parameters), by_path(load_model(file).parameters)
    other = {_layer(path) for path, leaf in ours.items() if path not in theirs or theirs[path].shape != leaf.shape}
    taken = {path: theirs[path] for path in ours if _layer(path) not in other}
    if not taken:
        raise ArbsrError(f"config.start={file}: none of its arrays fits the network to train; name a file of its kind")
    stayed = sorted({path.split("/")[0] for path in ours.keys() - taken.keys()})
    return as_tree({**ours, **taken}), f"starts from {file}: {len(taken)} of {len(ours)} arrays; fresh: {few(stayed)}"


def _layer(path: str) -> str:
    return path.rpartition("/")[0]
