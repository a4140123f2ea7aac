"""Models that the answers of several operations share."""

from typing import Annotated

from pydantic import MISSING, BaseModel, Field

from konkyo.models.classes import FEWEST, MOST
from konkyo.models.files.card import Share
from konkyo.models.files.checkpoint import Checkpoint

# The number of a class. How many classes there are is the network's affair, see `GET /models`.
Class = Annotated[int, Field(ge=0, le=MOST - 1)]
Matrix = list[list[float]]
PerClass = Annotated[list[float], Field(min_length=FEWEST, max_length=MOST)]
PerClassMatrix = Annotated[list[Matrix], Field(min_length=FEWEST, max_length=MOST)]
# [row, column] of a region.
Position = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
# The kernels of a filter: one for each input.
Kernels = list[Matrix]
# An image in grey, or in colour with channels first.
ImageArray = Matrix | list[Matrix]


class ModelReference(BaseModel):
    """The network that answered."""

    name: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of the checkpoint file.")


def reference(checkpoint: Checkpoint) -> dict[str, str]:
    """The fields of a reference to a checkpoint."""
    return {"name": checkpoint.name, "sha256": checkpoint.sha256}


class EmptyAnswer(BaseModel):
    """The prediction with everything hidden."""

    predicted: Class
    label: str = Field(description="Its name.")
    probability: Share = Field(description="Of the predicted class.")
    logit: float = Field(description="Of the class that is explained; with `versus`, the difference of the two logits.")


class Answer(BaseModel):
    """The fields that every answer about an image begins with; it ends with ``input`` and ``model``."""

    predicted: Class = Field(description="The class with the largest logit.")
    label: str = Field(description="Its name.")


class ClassAnswer(Answer):
    """The fields that every explanation of a class begins with."""

    target: Class = Field(description="The class that is explained.")
    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
