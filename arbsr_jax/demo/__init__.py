"""A page on this machine for trying a model on one's own pictures."""

RUNTIME_VERSION = "1.30.0"  # of the npm package onnxruntime-web
PAGE_MODEL = "arbedsr-field"  # of the page, if no other is named
