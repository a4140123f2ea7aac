"""A module of PyTorch in memory as the chain of its layers: followed, read, and compared."""
