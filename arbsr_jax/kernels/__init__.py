"""Array functions of JAX: convolutions and sampling, with gradients that are fast on CPUs; no flax, no global state."""
