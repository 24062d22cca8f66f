"""Super-resolving images with a trained network."""
