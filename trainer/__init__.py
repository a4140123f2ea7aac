"""The offline part: data, training and measuring with PyTorch. Stands on ``models``; knows nothing of HTTP."""
