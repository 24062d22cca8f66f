"""Photographs in files: every common format, mode and depth, with what comes with them."""
