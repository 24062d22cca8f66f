"""What upscalers have to do with the Hugging Face Hub; huggingface_hub is imported where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from arbsr_jax import hub
from arbsr_jax.model_file import Model

Upscaling = TypeVar("Upscaling", bound="Pretrained")


class Pretrained:
    """Models from repositories and into them; a subclass is made of a model and settings."""

    model: Model

    def __init__(self, model: Model, **settings: Any) -> None:
        raise NotImplementedError

    @classmethod
    def from_pretrained(
        cls: type[Upscaling], repository: str | Path, *, revision: str | None = None, **settings: Any
    ) -> Upscaling:
        """A model of the Hugging Face Hub.

        Args:
          repository: "user/repository", or a folder such as `arbsr export --hub` writes.
          revision: of the repository: a branch, tag or commit.
          settings: see `Upscaler`.

        Raises:
          ArbsrError: there is none, the Hub cannot be reached, or the extra `hub` is not installed.
        """
        with hub.in_words(str(repository)):
            from arbsr_jax.inference.hub_model import HubModel

            return cls(HubModel.from_pretrained(str(repository), revision=revision).model, **settings)

    def push_to_hub(self, repository: str, **settings: Any) -> str:
        """Upload the model to the Hugging Face Hub with config and card; returns the commit's address.

        Args:
          repository: "user/repository"; it is made if there is none.
          settings: of huggingface_hub's `ModelHubMixin.push_to_hub`: private, token, branch and more.

        Raises:
          ArbsrError: the Hub refuses or cannot be reached, or the extra `hub` is not installed.
        """
        with hub.in_words(repository):
            from arbsr_jax.inference.hub_model import HubModel

            return str(HubModel(self.model).push_to_hub(repository, **settings))
