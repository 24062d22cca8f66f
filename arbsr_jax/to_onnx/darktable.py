"""A model as a package for darktable, from 5.6 on: plain ONNX networks for x2 and x4 in a zip archive.

Its format is https://github.com/andriiryzhkov/darktable-ai-sdk, docs/dtmodel-format.md.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model
from arbsr_jax.to_onnx.onnx_file import to_plain_onnx
from arbsr_jax.version import VERSION

SAFE_ID = re.compile(r"\w[\w.-]*", re.ASCII)
TILES = {2: 512, 4: 256}  # factor -> pixels of a side, as darktable's own upscalers have them
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a zip archive: equal models are equal files


def to_darktable(model: Model, path: Path, identity: str, *, half: bool = False) -> bytes:
    """The content of `IDENTITY.dtmodel`.

    Args:
      model: of any config for every scale.
      path: the model file.
      identity: of the package: its file's name without the ending.
      half: store float16 weights.

    Raises:
      ArbsrError: the network is for one scale, the identity is no safe name, or the extra `onnx` is not installed.
    """
    if model.config.scale:
        raise ArbsrError(f"{model.name} is for scale {model.config.scale} alone; darktable wants x2 and x4")
    if not SAFE_ID.fullmatch(identity):
        raise ArbsrError(f"{identity!r} cannot be the name of a package; use letters, digits, '.', '-' and '_'")
    files = {f"model_x{n}.onnx": to_plain_onnx(model, path, Scale.of(n), half=half) for n in TILES}
    files["config.json"] = (json.dumps(_config(model, identity), indent=4, ensure_ascii=False) + "\n").encode()
    if notice := model.provenance.get("notice"):
        files["NOTICE.txt"] = str(notice).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{identity}/{name}", EARLIEST)
            package.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _config(model: Model, identity: str) -> dict[str, Any]:
    """`config.json`, by which darktable knows a model before it loads a network."""
    facts, words = model.provenance, f"{model.name}: 2x and 4x super-resolution, trained for fidelity"
    cleans = "noise and JPEG artefacts are taken away" if model.cleans else "noise and JPEG artefacts stay"
    return {
        "id": identity,
        "name": identity.replace("-", " "),
        "description": f"{words}; {cleans}",
        "task": "upscale",
        "arch": model.config.backbone,
        "backend": "onnx",
        "version": VERSION,
        "tiling": True,
        "attributes": {f"model_x{factor}": {"input_sizes": [side]} for factor, side in TILES.items()},
        "model_card": {
            "long_description": f"{words} to photographs (L1), so it paints no texture; {cleans}",
            "scope": "image upscaling (2x and 4x)",
            "author": "the arbsr_jax maintainers",
            "source": f"arbsr_jax {VERSION}, a Python package",
            "paper": "https://arxiv.org/abs/2004.03791v1",
            "license": str(facts.get("licence", "unknown")),
            "training_data": ", ".join(map(str, facts.get("data", []))) or "unknown",
            "training_data_license": "not recorded in the model file",
            "notes": str(facts.get("note", "")),
        },
    }
