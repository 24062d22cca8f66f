"""EDSR and RCAN under the names of BasicSR, which are those of EDSR-PyTorch and RCAN after a change of words."""

from __future__ import annotations

import re

from arbsr_jax.convert.rules import Arrays
from arbsr_jax.convert.tables import mean_shift

SIGN = "conv_first.weight"  # what only BasicSR calls so
RCAB = r"body\.(\d+)\.residual_group\.(\d+)\.rcab"
NAMES = (  # pattern, and what it becomes; LAST stands for the number after that of the blocks
    (r"conv_first\.(.*)", r"head.0.\1"),
    (r"conv_after_body\.(.*)", r"body.LAST.\1"),
    (r"upsample\.(.*)", r"tail.0.\1"),
    (r"conv_last\.(.*)", r"tail.1.\1"),
    (r"body\.(\d+)\.conv1\.(.*)", r"body.\1.body.0.\2"),
    (r"body\.(\d+)\.conv2\.(.*)", r"body.\1.body.2.\2"),
    (RCAB + r"\.3\.attention\.1\.(.*)", r"body.\1.body.\2.body.3.conv_du.0.\3"),
    (RCAB + r"\.3\.attention\.3\.(.*)", r"body.\1.body.\2.body.3.conv_du.2.\3"),
    (RCAB + r"\.([02])\.(.*)", r"body.\1.body.\2.body.\3.\4"),
    (r"body\.(\d+)\.conv\.(.*)", r"body.\1.body.INNER.\2"),
)


def original_names(source: Arrays) -> Arrays:
    """Arrays under the original names; those that are no BasicSR's stay as they are.

    The mean colour, a constant there, comes as the arrays that the original files hold.
    """
    if SIGN not in source:
        return source
    last = str(_count(source, r"body\.(\d+)\..*"))
    inner = str(_count(source, r"body\.0\.residual_group\.(\d+)\..*"))
    renamed = {rule.source: rule.value for rule in mean_shift() if rule.value is not None}
    for key, array in source.items():
        pattern, replacement = next(((p, r) for p, r in NAMES if re.fullmatch(p, key)), (key, key))
        name = re.sub(pattern, replacement, key).replace("LAST", last).replace("INNER", inner)
        renamed[name] = array
    return renamed


def _count(source: Arrays, pattern: str) -> int:
    return max((int(found[1]) for key in source if (found := re.fullmatch(pattern, key))), default=-1) + 1
