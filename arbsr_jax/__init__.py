"""ArbSR in JAX: super-resolution by any pair of scale factors."""

from typing import TYPE_CHECKING, Any

from arbsr_jax.errors import ArbsrError
from arbsr_jax.version import VERSION

if TYPE_CHECKING:
    from arbsr_jax.inference.upscaler import Upscaler, load_model

__version__ = VERSION
__all__ = ["ArbsrError", "Upscaler", "load_model"]


def __getattr__(name: str) -> Any:
    """Upscaler and load_model, on demand: JAX takes seconds to import, and not every command needs it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from arbsr_jax.inference import upscaler

    return getattr(upscaler, name)
