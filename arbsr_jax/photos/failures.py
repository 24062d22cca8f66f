"""What libraries raise on damaged files and full discs, and what of it people want to read."""

from __future__ import annotations

from threading import Lock

LONGEST = 160  # characters
QUOTES = "'\""
LIBVIPS_LOCK = Lock()  # its messages lie in one place for all threads, and what is done with a file depends on them
SYSTEM = "system error: "  # what libvips puts before the operating system's words


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
