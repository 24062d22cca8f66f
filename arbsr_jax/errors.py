"""The one exception that stands for a user's mistake."""

from __future__ import annotations

LONGEST = 160  # characters of a reason
QUOTES = "'\""
SYSTEM = "system error: "  # what libvips puts before the operating system's words


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
    """What an error says, in one line; of the operating system's with the file that it is about."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return words_of(error)


def few(keys: list[str], shown: int = 3) -> str:
    """The first few of some keys, and how many there are, for a message."""
    return f"{', '.join(keys[:shown])}{' ...' if len(keys) > shown else ''} ({len(keys)})" if keys else "none"


def words_of(error: BaseException) -> str:
    """The reason that an error gives, on one line."""
    text = getattr(error, "strerror", None) or str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("unable to")]
    if system := next((line for line in lines if SYSTEM in line), None):
        return system.partition(SYSTEM)[2]
    words = " ".join((" ".join(dict.fromkeys(lines)) or text).split()).strip(" :")
    if len(words) > 1 and words[0] == words[-1] and words[0] in QUOTES and words[0] not in words[1:-1]:
        words = words[1:-1]
    return _shortened(words) or type(error).__name__


def _shortened(words: str) -> str:
    """At most `LONGEST` characters: whole words, and nothing that a quotation mark opens and does not close."""
    if len(words) <= LONGEST:
        return words
    words = words[:LONGEST].rpartition(" ")[0] or words[:LONGEST]
    for quote in QUOTES:
        if words.count(quote) % 2:
            words = words.rpartition(quote)[0]
    return f"{words.rstrip()} ..."
