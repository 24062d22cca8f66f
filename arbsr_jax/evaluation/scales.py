"""The scales of the paper's tables and figures."""

from __future__ import annotations

from fractions import Fraction

from arbsr_jax.imaging.scale import Scale

BICUBIC = "bicubic"  # the method that is scored beside all others


def _hundredths(first: int, last: int, step: int) -> list[Scale]:
    return [Scale(Fraction(n, 100), Fraction(n, 100)) for n in range(first, last + 1, step)]


HALVES = [Fraction(n, 2) for n in range(3, 9)]
SWEEPS = {
    "integer": _hundredths(200, 400, 100),
    "seen": _hundredths(110, 400, 10),
    "unseen": _hundredths(105, 395, 10),
    "large": _hundredths(600, 800, 100),
    "extrapolate": _hundredths(510, 800, 10),
    "asymmetric": [Scale(vertical, horizontal) for vertical in HALVES for horizontal in HALVES],
}
