"""A model as a repository of the Hugging Face Hub: model file, config and card, by huggingface_hub's own mixin."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import ModelCard, ModelCardData, ModelHubMixin

from arbsr_jax.files import json_text, write_text
from arbsr_jax.hub import MODEL_FILE, PREFIX, download
from arbsr_jax.model_file import Model, read_model_file, save_model
from arbsr_jax.models.parameters import count_parameters, flatten_parameters

LIBRARY = "arbsr_jax"
ONE_LICENCE = {"Apache-2.0": "apache-2.0", "BSD-3-Clause": "bsd-3-clause", "MIT": "mit"}  # as the Hub writes them
PAPER = "https://arxiv.org/abs/2004.03791v1"
BODY = """
# {name}

Super-resolution by any pair of scale factors from 1 to {largest:g}, integer or not, equal on both axes or not.

```python
import arbsr_jax

upscaler = arbsr_jax.load_model("hf://USER/REPOSITORY")
large = upscaler.upscale("photo.jpg", scale="2.5x3.5")  # width x height
```

| | |
| --- | --- |
| network | {backbone}, upsampling {upsampler}, adaption {adaption}; {parameters:,} parameters |
| data | {data} |
| licence | {licence} |
| paper | {paper} |
| note | {note} |

{notice}
"""


class HubModel(ModelHubMixin, library_name=LIBRARY, pipeline_tag="image-to-image"):
    """The contents of a model file, with the Hub's `from_pretrained`, `save_pretrained` and `push_to_hub`."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def _save_pretrained(self, save_directory: Path) -> None:
        model = self.model
        leaves = flatten_parameters(model.parameters).values()
        half = all(np.array_equal(leaf, np.asarray(leaf).astype(np.float16)) for leaf in leaves)
        facts = {"name": model.name, **model.provenance}
        save_model(save_directory / MODEL_FILE, model.config, model.parameters, facts, half=half)
        write_text(save_directory / "config.json", json_text(dataclasses.asdict(model.config), indent=2) + "\n")

    @classmethod
    def _from_pretrained(cls, *, model_id: str, revision: str | None, **_: Any) -> HubModel:
        folder = Path(model_id)
        path = folder / MODEL_FILE if folder.is_dir() else download(f"{PREFIX}{model_id}@{revision or ''}")
        return cls(read_model_file(path))

    def generate_model_card(self, *_: Any, **__: Any) -> ModelCard:
        """README.md, made of what the model file says of itself."""
        facts, config = self.model.provenance, self.model.config
        licence = str(facts.get("licence", "unknown"))
        hub_licence = ONE_LICENCE.get(licence)
        data = ModelCardData(
            library_name=LIBRARY,
            pipeline_tag="image-to-image",
            tags=["super-resolution", "arbitrary-scale", "jax"],
            license=hub_licence or "other",
            license_name=None if hub_licence else licence,
        )
        body = BODY.format(
            name=self.model.name,
            largest=self.model.largest_factor,
            backbone=f"{config.backbone}, {config.blocks} blocks of {config.channels} channels",
            upsampler=config.upsampler,
            adaption=config.adaption,
            parameters=count_parameters(self.model.parameters),
            data=", ".join(map(str, facts.get("data", []))) or "unknown",
            licence=licence,
            paper=PAPER,
            note=facts.get("note", "none"),
            notice=facts.get("notice", ""),
        )
        return ModelCard(f"---\n{data.to_yaml()}\n---\n{body.rstrip()}\n")
