"""What the paper claims, measured over whole data sets with ``models`` alone: most need no PyTorch."""
