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
from safetensors import SafetensorError
from safetensors.torch import load_file as load_safetensors

from arbsr_jax.errors import ArbsrError
from arbsr_jax.files import atomic_write

WRAPPERS = (  # what training scripts put around a state dict, the averaged one first
    "params_ema",
    "ema",
    "model_ema",
    "params",
    "state_dict",
    "model_state_dict",
    "netG",
    "net_g",
    "generator",
    "net",
    "network",
    "model",
    "sd",
)
PREFIXES = ("module.", "_orig_mod.", "model.", "net_g.", "netG.", "net.", "generator.", "network.")  # of every key
AVERAGED = ("params_ema", "ema", "model_ema")
SAFETENSORS = ".safetensors"


def read_checkpoint(path: Path) -> tuple[dict[str, Float32[np.ndarray, "..."]], list[str]]:
    """The arrays of a PyTorch file as float32, and remarks for the user.

    It may be a zip, the container before 1.6, or .safetensors, with the wrappers and prefixes of common training
    scripts: nn.DataParallel, torch.compile, Lightning, BasicSR.

    Raises:
      ArbsrError: no such file; it is damaged, holds more than tensors, no state dict, or values that are not finite.
    """
    if not path.is_file():
        raise ArbsrError(f"{path}: no such file")
    try:
        content = load_safetensors(path) if path.suffix == SAFETENSORS else _loaded(path)
    except SafetensorError as error:
        raise ArbsrError(f"{path}: damaged or no {SAFETENSORS} file ({_reason(error)}); fetch it again") from None
    except pickle.UnpicklingError as error:
        raise ArbsrError(
            f"{path}: holds more than tensors, or is no PyTorch file; it is not run ({_reason(error)})"
        ) from None
    except Exception as error:  # torch raises whatever its parsers raise
        raise ArbsrError(f"{path}: damaged or no PyTorch file ({_reason(error)}); fetch it again") from None
    state, remarks = _state_dict(path, content)
    arrays = {}
    for key, tensor in state.items():
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided:
            raise ArbsrError(f"{path}: {key} is a {type(tensor).__name__}, not a dense tensor")
        array = tensor.detach().to(torch.float32).numpy()
        if not np.isfinite(array).all():
            raise ArbsrError(f"{path}: {key} holds values that are not finite")
        arrays[key] = array
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


def _loaded(path: Path) -> Any:
    with warnings.catch_warnings(action="ignore"):  # what torch warns of, the errors say in one line
        return torch.load(path, map_location="cpu", weights_only=True)


def _state_dict(path: Path, content: Any) -> tuple[dict[str, Any], list[str]]:
    """The mapping with the tensors, out of the wrappers around it and without their prefixes; and remarks."""
    taken = []
    while isinstance(content, Mapping):
        inner = next((name for name in WRAPPERS if isinstance(content.get(name), Mapping)), None)
        if inner is None:
            break
        taken, content = [*taken, inner], content[inner]  # tensors beside it, such as counters, are no weights
    if not isinstance(content, Mapping):
        raise ArbsrError(f"{path}: holds a {type(content).__name__}, not a state dict")
    if not any(isinstance(value, torch.Tensor) for value in content.values()):
        raise ArbsrError(f"{path}: no state dict in it; its keys are {', '.join(map(str, list(content)[:5]))}")
    state = {str(key): value for key, value in content.items()}
    while prefix := next((one for one in PREFIXES if all(key.startswith(one) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    if len(taken) > 1 or (taken and taken[0] in AVERAGED):
        return state, [f"taken from {'/'.join(taken)}"]
    return state, []


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:120]}" if text else type(error).__name__
