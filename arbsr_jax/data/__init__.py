"""Training pairs by tf.data: sources, images in memory, patches, batches."""

import os

# TensorFlow reports its build and its plans at import; only its errors are for the user.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
