"""What can go wrong below HTTP. Each message says what was wrong and what would be right.

KonkyoError
├── ArchitectureError     a network that cannot exist
├── ImageError            an array that is not a picture the network can read
├── ParameterError        a question that makes no sense for this network
├── BudgetError           a question whose exact answer would take more work than is allowed
└── CheckpointError       a checkpoint or card that cannot be trusted; names the file and the field
"""


class KonkyoError(Exception):
    """Root of every error that Konkyo raises on purpose."""


class ArchitectureError(KonkyoError):
    """A network that cannot exist."""


class ImageError(KonkyoError):
    """An array that is not a picture the network can read."""


class ParameterError(KonkyoError):
    """A question that makes no sense for this network."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


class BudgetError(KonkyoError):
    """A question whose exact answer would take more work than is allowed."""


class CheckpointError(KonkyoError):
    """A checkpoint or card that cannot be trusted."""

    def __init__(self, file: str, field: str, message: str) -> None:
        super().__init__(f"{file}: {field}: {message}")
        self.file = file
        self.field = field
