"""Networks that were trained elsewhere: read from ONNX or from a state dict, checked, and written with a card."""
