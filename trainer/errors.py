"""What can go wrong offline. The command line prints the message and leaves with status 1.

models.errors.KonkyoError
├── DataError     MNIST is missing, damaged, or another data set
└── RunError      a run that cannot start, continue or be published
"""

from models.errors import KonkyoError


class DataError(KonkyoError):
    """MNIST is missing, damaged, or another data set."""


class RunError(KonkyoError):
    """A run that cannot start, continue or be published."""
