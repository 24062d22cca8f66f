"""ArbSR in JAX: super-resolution by any pair of scale factors."""

from arbsr_jax.errors import ArbsrError
from arbsr_jax.inference.upscaler import Upscaler, load_model
from arbsr_jax.version import VERSION

__version__ = VERSION
__all__ = ["ArbsrError", "Upscaler", "load_model"]
