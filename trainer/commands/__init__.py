"""The command line's verbs, one a file. Those that train import PyTorch when they run: the others need none."""
