"""Model files: one .safetensors with config, provenance and weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from arbsr_jax import hub
from arbsr_jax.errors import ArbsrError, few
from arbsr_jax.files import atomic_write
from arbsr_jax.imaging.scale import PAPER_LARGEST
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.network import parameter_shapes
from arbsr_jax.models.parameters import Parameters, flatten_parameters, unflatten_parameters

FORMAT = "arbsr_jax/1"
SUFFIX = ".safetensors"
NAME = re.compile(r"(?!\.)[\w.-]+")  # of a model in its file: it becomes a part of file names


class Model(NamedTuple):
    """The contents of a model file; its name is that of its provenance, or the file's."""

    name: str
    config: ModelConfig
    parameters: Parameters
    provenance: dict[str, Any]

    @property
    def largest_factor(self) -> float:
        """The largest that it was trained for, as its file says; the paper's, if it does not."""
        return float(self._trained_on.get("largest", PAPER_LARGEST))

    @property
    def cleans(self) -> bool:
        """Whether it was trained at factor 1 too, to clean damaged images at their own size."""
        return bool(self._trained_on.get("cleaning_share"))

    @property
    def _trained_on(self) -> dict[str, Any]:
        trained = self.provenance.get("config")
        data = trained.get("data") if isinstance(trained, dict) else None
        return data if isinstance(data, dict) else {}

    @property
    def digest(self) -> str:
        """A hash of config and parameters: it tells one network from another."""
        digest = hashlib.blake2b(repr(self.config).encode(), digest_size=16)
        for path, leaf in sorted(flatten_parameters(self.parameters).items()):
            digest.update(path.encode() + np.ascontiguousarray(leaf).tobytes())
        return digest.hexdigest()


def shipped_models() -> dict[str, Path]:
    """Names and files of the models that come with the package."""
    folder = Path(str(resources.files("arbsr_jax") / "weights"))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def list_models() -> list[str]:
    """The names of the models that come with the package."""
    return list(shipped_models())


def save_model(
    path: Path, config: ModelConfig, parameters: Parameters, provenance: dict[str, Any], *, half: bool = False
) -> None:
    """Write one model file, whole or not at all.

    Args:
      path: of the file, ending in .safetensors.
      config: of the network.
      parameters: float32 weights.
      provenance: how the weights came to be (data, steps, seed, licence ...), anything JSON can hold.
      half: store float16, half the size; it is read as float32.

    Raises:
      ArbsrError: a weight is too large for float16.
    """
    tensors = {path: np.asarray(leaf) for path, leaf in flatten_parameters(parameters).items()}
    if half:
        large = sorted(key for key, leaf in tensors.items() if np.abs(leaf).max() > np.finfo(np.float16).max)
        if large:
            raise ArbsrError(f"{path}: {few(large)} hold values above float16's {np.finfo(np.float16).max:g}")
        tensors = {key: leaf.astype(np.float16) for key, leaf in tensors.items()}
    metadata = {
        "format": FORMAT,
        "config": json.dumps(dataclasses.asdict(config)),
        "provenance": json.dumps(provenance),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        partial.write_bytes(save(tensors, metadata))


def allowed_name(text: str) -> str:
    """A name for a model file's metadata, near to a text such as a folder's name."""
    return re.sub(r"[^\w.-]+", "-", text).lstrip(".") or "model"


def find_model(path_or_name: str | Path) -> Path:
    """The model file at a path, of a shipped model, or of a repository of the Hugging Face Hub.

    Raises:
      ArbsrError: no such file, name or repository.
    """
    if str(path_or_name).startswith(hub.PREFIX):
        return hub.download(str(path_or_name))
    shipped = shipped_models()
    path = shipped.get(str(path_or_name), Path(path_or_name))
    if not path.is_file():
        raise ArbsrError(f"{path_or_name}: no such model; give a {SUFFIX} file or one of: {', '.join(shipped)}")
    return path


def read_model_file(path_or_name: str | Path) -> Model:
    """Read a model file, or a shipped model by its name.

    Raises:
      ArbsrError: no such file or name; the file is damaged, foreign, or does not fit its own config. The message
        names the key or field.
    """
    path = find_model(path_or_name)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise ArbsrError(f"{path}: damaged or no {SUFFIX} file ({error}); fetch or make it again") from None
    config, provenance = _header(path, metadata)
    name = str(provenance.get("name") or path.stem)
    if provenance.get("name") and not NAME.fullmatch(name):
        raise ArbsrError(f"{path}: its name {name!r} is not allowed; use letters, digits, '_', '-' and '.', not first")
    return Model(name, config, _checked(path, tensors, config), provenance)


def is_ours(path: Path) -> bool:
    """Whether a .safetensors file is a model of this package; one of PyTorch's is not, nor is a damaged one."""
    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError, ValueError):
        return False


def _header(path: Path, metadata: dict[str, str]) -> tuple[ModelConfig, dict[str, Any]]:
    if metadata.get("format") != FORMAT:
        raise ArbsrError(
            f"{path}: field 'format' is {metadata.get('format')!r}, not {FORMAT!r}; not a model of this package"
        )
    parsed = {}
    for field in ("config", "provenance"):
        try:
            parsed[field] = json.loads(metadata[field])
        except (KeyError, ValueError) as error:
            raise ArbsrError(f"{path}: field {field!r} of its header is missing or no JSON ({error})") from None
        if not isinstance(parsed[field], dict):
            raise ArbsrError(f"{path}: field {field!r} of its header is no JSON object")
    try:
        return ModelConfig.from_dict(parsed["config"]), parsed["provenance"]
    except ArbsrError as error:
        raise ArbsrError(f"{path}: {error}") from None


def _checked(path: Path, tensors: dict[str, np.ndarray], config: ModelConfig) -> Parameters:
    """The tensors as parameters, each of the shape and type that the config asks for, all of them finite."""
    expected = flatten_parameters(parameter_shapes(config))
    missing, unknown = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    if missing or unknown:
        raise ArbsrError(f"{path}: weights do not fit the config; missing {few(missing)}, unknown {few(unknown)}")
    tensors = {key: t.astype(np.float32) if t.dtype == np.float16 else t for key, t in tensors.items()}
    for key, tensor in tensors.items():
        want = expected[key]
        if tensor.shape != want.shape or tensor.dtype != want.dtype:
            raise ArbsrError(f"{path}: {key} is {tensor.dtype}{list(tensor.shape)}, not {want.dtype}{list(want.shape)}")
        if not np.isfinite(tensor).all():
            raise ArbsrError(f"{path}: {key} holds values that are not finite")
    return unflatten_parameters(tensors)
