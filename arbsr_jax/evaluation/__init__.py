"""Scores under a named protocol."""
