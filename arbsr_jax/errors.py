"""The one exception that stands for a user's mistake."""


class ArbsrError(ValueError):
    """Bad input from the user: shown as one line, without a traceback, by every entry point.

    The message names what was given, what is allowed, and the remedy.
    """
