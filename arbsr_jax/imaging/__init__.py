"""Image mathematics and image files on the host: numpy alone, no JAX."""
