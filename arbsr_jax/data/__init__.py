"""Training pairs by tf.data: sources, images in memory, patches, batches."""

import os
import sys

# TensorFlow reports its build and its plans at import, oneDNN above all, which patches gain nothing from.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

# It imports Keras too, which takes as long again, unless an older one is named, which it looks for when it is
# used. Nothing here uses Keras; whoever does afterwards finds the one that is installed.
LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
if "tensorflow" not in sys.modules and LEGACY_KERAS not in os.environ:
    os.environ[LEGACY_KERAS] = "1"
    try:
        import tensorflow  # noqa: F401
    finally:
        del os.environ[LEGACY_KERAS]
