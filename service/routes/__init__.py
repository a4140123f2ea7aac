"""The routes, one file for each operation."""
