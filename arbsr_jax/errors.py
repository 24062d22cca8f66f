"""The one exception that stands for a user's mistake."""

from __future__ import annotations


class ArbsrError(ValueError):
    """Bad input from the user: shown as one line, without a traceback, by every entry point.

    The message names the input, the allowed values, and the remedy.
    """


def missing_extra(what: str, extra: str) -> str:
    """One line for a package that is not installed, with the packages that its extra stands for.

    They are named themselves: `arbsr_jax[extra]` would only be found where this package is on an index.
    """
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    try:
        parsed = [Requirement(line) for line in requires("arbsr_jax") or ()]
    except PackageNotFoundError:
        return f'{what} is not installed; pip install -e ".[{extra}]" in the folder of pyproject.toml'
    in_extra = [one for one in parsed if one.marker and f'"{extra}"' in str(one.marker)]
    needed = [one for one in in_extra if one.marker and one.marker.evaluate({"extra": extra})]
    words = " ".join(f'"{one.name}{one.specifier}"' for one in needed)
    return f"{what} is not installed; pip install {words}"


def reason(error: Exception) -> str:
    """What an error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__


def few(keys: list[str], shown: int = 3) -> str:
    """The first few of some keys, and how many there are, for a message."""
    return f"{', '.join(keys[:shown])}{' ...' if len(keys) > shown else ''} ({len(keys)})" if keys else "none"
