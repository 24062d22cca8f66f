"""Batch norms of a network that is not trained any more: a factor and a summand, which the conv before can take."""

from __future__ import annotations

import numpy as np

from arbsr_jax.convert.rules import Arrays
from arbsr_jax.errors import ArbsrError

EPSILON = 1e-5  # PyTorch's default
PARTS = ("weight", "bias", "running_mean", "running_var")
COUNTER = "num_batches_tracked"  # of no use after training


def fold_batch_norm(source: Arrays, conv: str, norm: str) -> dict[str, np.ndarray]:
    """Weights that compute norm(conv(x)) by the conv alone; exact also at a zero-padded rim.

    Args:
      source: arrays by their keys.
      conv: what the conv's keys begin with; it must have a bias.
      norm: what the batch norm's keys begin with.

    Raises:
      ArbsrError: a key of either is missing, or of another shape.
    """
    keys = [f"{conv}.weight", f"{conv}.bias", *(f"{norm}.{part}" for part in PARTS)]
    missing = [key for key in keys if key not in source]
    if missing:
        raise ArbsrError(f"missing: {', '.join(missing)}")
    weight, bias, gain, shift, mean, variance = (source[key].astype(np.float64) for key in keys)
    for key in keys[1:]:
        if source[key].shape != weight.shape[:1]:
            raise ArbsrError(f"wrong shapes: {key} {list(source[key].shape)} instead of {list(weight.shape[:1])}")
    factor = gain / np.sqrt(variance + EPSILON)
    kept = {key: array for key, array in source.items() if key not in {*keys, f"{norm}.{COUNTER}"}}
    folded = {keys[0]: weight * factor.reshape(-1, 1, 1, 1), keys[1]: (bias - mean) * factor + shift}
    return {**kept, **{key: array.astype(np.float32) for key, array in folded.items()}}
