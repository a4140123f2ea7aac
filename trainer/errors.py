"""What can go wrong offline. The command line prints the message and leaves with status 1.

konkyo.models.errors.KonkyoError
├── DataError           a data set is missing or damaged, or is not the one that was asked for
├── RunError            a run that cannot start, continue or be published
└── NetworkFileError    a file that holds no network that can be imported
"""

from konkyo.models.errors import KonkyoError


class DataError(KonkyoError):
    """A data set is missing or damaged, or is not the one that was asked for."""


class RunError(KonkyoError):
    """A run that cannot start, continue or be published."""


class NetworkFileError(KonkyoError):
    """A file that holds no network that can be imported."""
