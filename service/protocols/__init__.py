"""The inference protocols: arrays in, predictions and explanations of many images out, as tensors."""
