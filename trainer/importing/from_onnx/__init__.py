"""An ONNX file as the chain of its layers: checked, read, and compared with the reference evaluator."""
