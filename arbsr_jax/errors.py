"""The one exception that stands for a user's mistake."""

from __future__ import annotations


class ArbsrError(ValueError):
    """Bad input from the user: shown as one line, without a traceback, by every entry point.

    The message names the input, the allowed values, and the remedy.
    """


def missing_extra(what: str, extra: str) -> str:
    """One line for a package that is not installed, with the extra that brings it."""
    return f'{what} is not installed; pip install "arbsr_jax[{extra}]", or pip install -e ".[{extra}]" in a checkout'
