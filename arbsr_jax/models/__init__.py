"""Backbones, the plug-in, and the network that composes them."""
