"""Weights from PyTorch, and back."""

ARCHITECTURES = ("edsr", "rcan", "rdn", "arbrcan", "meta-rdn", "liif")  # whose weights are read
