"""The served checkpoints, with their studies and the search for the smallest network."""

from pathlib import Path

from konkyo.models.errors import CheckpointError
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import Checkpoint, load_all
from konkyo.models.usage import Usage
from konkyo.service import search
from konkyo.service.errors import UnknownModelError


class Catalogue:
    """All checkpoints of a folder, one of which is the default.

    Parameters
    ----------
    directory
        The folder.
    default
        Name of the default checkpoint.

    Raises
    ------
    CheckpointError
        A checkpoint, a study or the search file is refused, or there is no checkpoint of the default's name.
    """

    def __init__(self, directory: Path, default: str) -> None:
        self.checkpoints = load_all(directory)
        self._usages = {name: usage_file.load(directory, one) for name, one in self.checkpoints.items()}
        self.search = search.load(directory)
        self.default = default
        if default not in self.checkpoints:
            raise CheckpointError(
                str(directory), "KONKYO_DEFAULT_MODEL", f"{default!r} is not one of {', '.join(self.checkpoints)}"
            )

    def get(self, name: str | None) -> Checkpoint:
        """The checkpoint of that name, or the default one.

        Raises
        ------
        UnknownModelError
            There is no checkpoint of that name.
        """
        if name is None:
            name = self.default
        if name not in self.checkpoints:
            raise UnknownModelError(f"there is no such model; there are {', '.join(self.checkpoints)}")
        return self.checkpoints[name]

    def usage(self, checkpoint: Checkpoint) -> Usage | None:
        """The study of a served checkpoint; None if there is none."""
        return self._usages[checkpoint.name]
