"""Training with PyTorch: recipes, runs that go on where they were, and how a checkpoint comes of them."""
