"""The command `arbsr`."""
