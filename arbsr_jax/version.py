"""The package's version, alone in a file so that installers read it without importing jax."""

VERSION = "0.1.0"
