"""Networks as ONNX graphs, built from their parameters: for every runtime of ONNX, on every size and scale."""
