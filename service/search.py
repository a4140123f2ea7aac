"""``search.json`` beside the checkpoints: the trainer's search for the smallest network, for ``GET /models``."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from models import files
from models.architecture import Wiring
from models.checkpoint import SEARCH_FILE
from models.errors import CheckpointError


class Shape(BaseModel):
    """A network of the search."""

    wiring: Wiring
    conv1_filters: int
    conv2_filters: int
    parameters: int


class Smallest(Shape):
    """The fewest parameters that validate at the floor on average, within a wiring."""

    share_of_lenet: float = Field(description="Its parameters over those of LeNet's 6 and 16 filters.")


class Accuracy(BaseModel):
    """Over the seeds, 0…1."""

    mean: float
    deviation: float


class Searched(Shape):
    """What was tried, and how well it reads."""

    validation: Accuracy
    test: Accuracy


class Search(BaseModel):
    """Filter counts of both wirings, the smallest network first; chosen by validation, never by the test images."""

    format_version: Literal[1] = Field(exclude=True)
    floor: float = Field(description="Validation accuracy that is enough, 0…1.")
    lenet_parameters: int
    smallest: list[Smallest]
    networks: list[Searched]


def load(directory: Path) -> Search | None:
    """The search of a folder of checkpoints; None where nothing was searched.

    Raises
    ------
    CheckpointError
        The file is damaged, or is none; says where.
    """
    path = directory / SEARCH_FILE
    if not path.exists():
        return None
    try:
        return Search.model_validate_json(files.read(path))
    except OSError as error:
        message = f"cannot be read ({error}); `python -m trainer search` makes it anew"
        raise CheckpointError(SEARCH_FILE, "file", message) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "file"
        message = f"{first['msg']}; `python -m trainer search` makes it anew"
        raise CheckpointError(SEARCH_FILE, field, message) from error
