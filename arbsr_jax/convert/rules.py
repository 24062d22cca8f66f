"""Strict renaming of weights: every source key is accounted for once, every target leaf filled once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from arbsr_jax.errors import ArbsrError, few

Arrays = Mapping[str, Float32[np.ndarray, "..."]]
SHOWN = 4  # keys of each kind in a message


class Layout(NamedTuple):
    """How an array changes on its way to us, and back."""

    to_ours: Callable[[np.ndarray], np.ndarray]
    to_theirs: Callable[[np.ndarray], np.ndarray]


KINDS = {
    "same": Layout(lambda x: x, lambda x: x),
    "conv": Layout(lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1)),  # OIHW, HWIO
    "conv1x1": Layout(lambda x: x[:, :, 0, 0].T, lambda x: x.T[:, :, None, None]),  # OI11, IO
    "linear": Layout(lambda x: x.T, lambda x: x.T),  # OI, IO
    "convs": Layout(lambda x: x.transpose(0, 3, 4, 2, 1), lambda x: x.transpose(0, 4, 3, 1, 2)),  # NOIHW, NHWIO
    "convs1x1": Layout(lambda x: x[..., 0, 0].swapaxes(1, 2), lambda x: x.swapaxes(1, 2)[..., None, None]),
    "swapped": Layout(lambda x: x[..., ::-1], lambda x: x[..., ::-1]),  # (x, y) to (row, column)
    "swapped conv1x1": Layout(lambda x: x[::-1, :, 0, 0].T, lambda x: x.T[::-1, :, None, None]),
}
DIMENSIONS = {"conv": 4, "conv1x1": 4, "swapped conv1x1": 4, "linear": 2, "convs": 5, "convs1x1": 5}


class Rule(NamedTuple):
    """Where keys of one form go. `{name}` in both stands for a number.

    Attributes:
      source: key in the other framework.
      target: path in ours, joined by "/"; None for a key that is not needed.
      kind: of the change on the way, from `KINDS`.
      value: for a key without target, what it must hold (within 1e-3 relative) if anything in particular.
    """

    source: str
    target: str | None
    kind: str = "same"
    value: np.ndarray | None = None


def layer(source: str, target: str, kind: str) -> list[Rule]:
    """The two rules of a layer with weight and bias."""
    return [Rule(f"{source}.weight", f"{target}/kernel", kind), Rule(f"{source}.bias", f"{target}/bias")]


def apply_rules(rules: Sequence[Rule], source: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Arrays by our paths.

    Args:
      rules: the first that matches a key holds.
      source: arrays by their keys.
      shapes: of every array that we need, by path.

    Raises:
      ArbsrError: unknown keys, leaves that nothing or two keys fill, wrong shapes or values; all of it in one line.
    """
    problems: dict[str, list[str]] = {}
    filled: dict[str, np.ndarray] = {}

    def complain(problem: str, place: str) -> None:
        problems.setdefault(problem, []).append(place)

    for key, array in source.items():
        rule, fields = _first_match(rules, key)
        if rule is None:
            complain("unknown keys", key)
        elif rule.target is None:
            if rule.value is not None and not _close(array, rule.value):
                complain("unexpected values (another colour mean or range)", key)
        else:
            path = rule.target.format(**fields)
            if path not in shapes:
                complain("keys that the network has no place for", key)
            elif path in filled:
                complain("leaves filled twice", path)
            elif array.ndim != DIMENSIONS.get(rule.kind, array.ndim):
                complain("wrong shapes", f"{key} {list(array.shape)}")
            else:
                ours = np.ascontiguousarray(KINDS[rule.kind].to_ours(array))
                filled[path] = ours
                if ours.shape != shapes[path]:
                    wanted = KINDS[rule.kind].to_theirs(np.broadcast_to(np.float32(0), shapes[path])).shape
                    complain("wrong shapes", f"{key} {list(array.shape)} instead of {list(wanted)}")
    for path in sorted(shapes.keys() - filled.keys()):
        complain("missing", _source_of(rules, path) or path)
    if problems:
        raise ArbsrError("; ".join(f"{problem}: {few(places, SHOWN)}" for problem, places in problems.items()))
    return filled


def reverse_rules(rules: Sequence[Rule], arrays: Arrays) -> dict[str, np.ndarray]:
    """Arrays by their keys, from arrays by our paths; keys that must hold a value hold it."""
    arrays_there = {rule.source: rule.value for rule in rules if rule.target is None and rule.value is not None}
    for path, array in arrays.items():
        key = _source_of(rules, path)
        if key is None:
            raise ArbsrError(f"{path}: has no counterpart there")
        rule, _ = _first_match(rules, key)
        assert rule is not None  # it gave the key
        arrays_there[key] = np.ascontiguousarray(KINDS[rule.kind].to_theirs(array))
    return arrays_there


def _first_match(rules: Iterable[Rule], key: str) -> tuple[Rule | None, dict[str, str]]:
    for rule in rules:
        match = _pattern(rule.source).fullmatch(key)
        if match:
            return rule, match.groupdict()
    return None, {}


def _source_of(rules: Iterable[Rule], path: str) -> str | None:
    for rule in rules:
        match = rule.target and _pattern(rule.target).fullmatch(path)
        if match:
            return rule.source.format(**match.groupdict())
    return None


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>\\d+)", re.escape(template)))


def _close(array: np.ndarray, value: np.ndarray) -> bool:
    return array.shape == value.shape and np.allclose(array, value, rtol=1e-3, atol=1e-3)
