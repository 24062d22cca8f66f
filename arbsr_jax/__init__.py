"""ArbSR in JAX: super-resolution by any pair of scale factors.

    import arbsr_jax

    upscaler = arbsr_jax.load_model("arbedsr-field")  # or a .safetensors file, or hf://user/repository
    large = upscaler("photo.jpg", "2.5x3.5")  # 2.5 times wider, 3.5 times taller
    large = upscaler(pixels, size="1920x")  # an array comes back as an array, a PIL image as a PIL image

What is listed here stays; all other modules may change with any version.
"""

import importlib
from typing import TYPE_CHECKING, Any

from arbsr_jax.errors import ArbsrError
from arbsr_jax.version import VERSION

if TYPE_CHECKING:
    from arbsr_jax.app.reading import read_image
    from arbsr_jax.evaluation.protocols import quality
    from arbsr_jax.imaging.resize import imresize
    from arbsr_jax.imaging.scale import Scale
    from arbsr_jax.inference.loading import load_model
    from arbsr_jax.inference.upscaler import Upscaler
    from arbsr_jax.model_file import list_models

__version__ = VERSION
__all__ = ["ArbsrError", "Scale", "Upscaler", "imresize", "list_models", "load_model", "quality", "read_image"]
# Imported on demand: JAX takes seconds, and not every command needs it.
PLACES = {
    "Scale": "imaging.scale",
    "Upscaler": "inference.upscaler",
    "imresize": "imaging.resize",
    "list_models": "model_file",
    "load_model": "inference.loading",
    "quality": "evaluation.protocols",
    "read_image": "app.reading",
}


def __getattr__(name: str) -> Any:
    """What `__all__` lists, from its module."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{PLACES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
