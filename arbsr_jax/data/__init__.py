"""Training pairs by tf.data: sources, images in memory, patches, batches."""

import os

# TensorFlow reports its build and its plans at import, oneDNN above all, which patches gain nothing from.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
