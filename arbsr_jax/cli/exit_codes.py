"""What the exit codes of every command mean."""

DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2
