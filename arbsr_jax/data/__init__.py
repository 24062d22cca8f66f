"""Images for training (tf.data) and for evaluation (no TensorFlow)."""
