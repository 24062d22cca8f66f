"""Pure array functions: scale geometry, resizing, colour, sampling, metrics."""
