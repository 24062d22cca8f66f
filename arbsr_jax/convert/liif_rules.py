"""LIIF: its encoder is EDSR's backbone or RDN's on 2x / 255 - 1, its decoder one stack of fully connected layers."""

from __future__ import annotations

import numpy as np

from arbsr_jax.convert.rdn_rules import rdn_backbone
from arbsr_jax.convert.rules import Arrays, Rule, layer
from arbsr_jax.convert.tables import edsr_backbone, mean_shift
from arbsr_jax.errors import ArbsrError
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.layers import RGB_MEAN
from arbsr_jax.models.liif import HIDDEN

ENCODER, DECODER = "encoder.", "imnet.layers."
LAST = f"{DECODER}{2 * (HIDDEN + 1)}"  # a ReLU after each layer before it
GAIN = 255 / 2  # from LIIF's range to ours
TAPS = 9  # of the unfolded features


def liif_rules(config: ModelConfig) -> list[Rule]:
    """All rules of LIIF, of arrays as `parted` gives them; the mean shift of its encoder is never used."""
    rules = rdn_backbone() if config.backbone == "rdn" else edsr_backbone(config)
    backbone = [rule._replace(source=ENCODER + rule.source) for rule in rules]
    unused = [Rule(f"{ENCODER}{rule.source}", None) for rule in mean_shift()]
    first = [
        Rule(f"{DECODER}0.features", "upsampler/features/kernel", "conv"),
        Rule(f"{DECODER}0.bias", "upsampler/features/bias"),
        Rule(f"{DECODER}0.way", "upsampler/way", "linear"),
        Rule(f"{DECODER}0.cell", "upsampler/cell", "linear"),
    ]
    hidden = [layer(f"{DECODER}{2 * (n + 1)}", f"upsampler/hidden_{n}", "linear") for n in range(HIDDEN)]
    return [*backbone, *unused, *first, *(rule for rules in hidden for rule in rules), *layer(LAST, "tail", "linear")]


def parted(source: Arrays, config: ModelConfig) -> dict[str, np.ndarray]:
    """The first layer as the parts of its input need it.

    Raises:
      ArbsrError: there is no decoder, or it is of another form.
    """
    first, seen = source.get(f"{DECODER}0.weight"), TAPS * config.channels
    if first is None or first.ndim != 2 or first.shape[1] != seen + 4:
        raise ArbsrError(
            f"{DECODER}0.weight is not there or has not the {seen + 4} inputs of a LIIF with feature unfolding and "
            "cell decoding; no other form is supported"
        )
    rest = {key: array for key, array in source.items() if key != f"{DECODER}0.weight"}
    return rest | {
        f"{DECODER}0.features": first[:, :seen].reshape(-1, config.channels, 3, 3),
        f"{DECODER}0.way": first[:, seen : seen + 2],
        f"{DECODER}0.cell": first[:, seen + 2 :],
    }


def in_our_range(filled: Arrays) -> dict[str, np.ndarray]:
    """Features 127.5 times as large, of x - mean instead of 2x / 255 - 1, as grey levels come out of 0..255.

    ReLUs and residuals pass a factor on, so that all biases of the backbone take it; a fresh tail then starts near the
    right contrast instead of 127.5 times too low. Exact but for the zero padding of the head.
    """
    shift = RGB_MEAN.reshape(3, 1).astype(np.float64) - GAIN

    def changed(path: str, array: np.ndarray) -> np.ndarray:
        if path == "upsampler/features/kernel":
            return array / GAIN
        if path == "head/bias":
            return GAIN * array + (filled["head/kernel"] * shift).sum(axis=(0, 1, 2))
        if path == "tail/bias":
            return GAIN * array - shift.reshape(-1)
        grows = path == "tail/kernel" or (path.endswith("/bias") and not path.startswith("upsampler/"))
        return GAIN * array if grows else array

    return {path: changed(path, array.astype(np.float64)).astype(np.float32) for path, array in filled.items()}
