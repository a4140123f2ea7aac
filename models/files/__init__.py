"""What is kept in files: checkpoints, their cards and their studies."""
