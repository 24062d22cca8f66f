"""PyTorch's files, read without running anything in them; the only room that knows torch."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports] (an extra)
from jaxtyping import Float32

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write

WRAPPERS = ("params_ema", "params", "state_dict", "model", "sd")  # outermost first; "model" may hold "sd"
PARALLEL = "module."  # what nn.DataParallel puts before every key


def read_checkpoint(path: Path) -> tuple[dict[str, Float32[np.ndarray, "..."]], list[str]]:
    """The arrays of a PyTorch file (zip or the container before 1.6) as float32, and remarks for the user.

    Raises:
      ArbsrError: no such file; it is damaged, holds more than tensors, no state dict, or values that are not finite.
    """
    if not path.is_file():
        raise ArbsrError(f"{path}: no such file")
    try:
        with warnings.catch_warnings(action="ignore"):  # what torch warns of, the errors below say in one line
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArbsrError(
            f"{path}: holds more than tensors, or is no PyTorch file; it is not run ({_reason(error)})"
        ) from None
    except Exception as error:  # torch raises whatever its parsers raise
        raise ArbsrError(f"{path}: damaged or no PyTorch file ({_reason(error)}); fetch it anew") from None
    state = _state_dict(path, content)
    remarks, arrays = [], {}
    for key, tensor in state.items():
        if not isinstance(key, str) or not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise ArbsrError(f"{path}: {key} is a {type(tensor).__name__}, not a dense tensor")
        array = tensor.detach().to(torch.float32).numpy()
        if not np.isfinite(array).all():
            raise ArbsrError(f"{path}: {key} holds values that are not finite")
        arrays[key.removeprefix(PARALLEL)] = array
    kinds = sorted(
        {str(tensor.dtype).removeprefix("torch.") for tensor in state.values() if tensor.is_floating_point()}
        - {"float32"}
    )
    if kinds:
        remarks.append(f"{', '.join(kinds)} converted to float32")
    return arrays, remarks


def write_checkpoint(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """A state dict as a PyTorch file, whole or not at all."""
    with atomic_write(path) as partial:
        torch.save({key: torch.from_numpy(np.array(array, np.float32)) for key, array in arrays.items()}, partial)


def _state_dict(path: Path, content: Any) -> Mapping[str, Any]:
    """The mapping with the tensors, out of the wrappers that training scripts put around it."""
    while isinstance(content, Mapping) and not any(isinstance(value, torch.Tensor) for value in content.values()):
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            raise ArbsrError(f"{path}: no state dict in it; its keys are {', '.join(map(str, list(content)[:5]))}")
        content = inner
    if not isinstance(content, Mapping):
        raise ArbsrError(f"{path}: holds a {type(content).__name__}, not a state dict")
    return content


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:120]}" if text else type(error).__name__
