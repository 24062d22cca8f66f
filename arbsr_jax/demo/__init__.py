"""A page on this machine for trying a model on one's own pictures."""
