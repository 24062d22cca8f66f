"""Weights from PyTorch, and back."""

ARCHITECTURES = ("edsr", "rcan", "arbrcan", "liif")  # whose weights are read
