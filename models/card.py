"""The model card: a description of the checkpoint, as JSON in the checkpoint and in a file beside it."""

from typing import TypedDict

from models.probe import ProbeDocument

FORMAT_VERSION = 1


class InputDocument(TypedDict):
    """The input of the network."""

    side: int
    range: list[float]
    polarity: str


class RunDocument(TypedDict):
    """The training run of one seed.

    ``validation`` is the accuracy on held-out images and ``step`` the training step at which it was reached.
    ``chosen_by`` is the accuracy on the held-out images and their augmentations, by which the run was chosen. ``test``
    is the accuracy on the test images, which took no part in the choice.
    """

    seed: int
    validation: float
    chosen_by: float
    step: int
    test: float


class SelectionDocument(TypedDict):
    """The runs, and how one of them was chosen."""

    by: str
    seed: int
    runs: list[RunDocument]


class AccuracyDocument(TypedDict):
    """Shares of correctly predicted images, 0…1. The test images took no part in any choice.

    ``per_class`` has one entry for each class; ``confusion[true][predicted]`` counts test images.
    """

    validation: float
    test: float
    test_images: int
    per_class: list[float]
    confusion: list[list[int]]


class Document(TypedDict):
    """The card without the hash: the metadata in the checkpoint file."""

    format_version: int
    name: str
    architecture: dict[str, str | int | bool]
    parameters: int
    input: InputDocument
    recipe: dict[str, str | int | float]
    selection: SelectionDocument
    dataset: dict[str, str]
    accuracy: AccuracyDocument
    probe: ProbeDocument
    made_with: dict[str, str]


class Card(Document):
    """The card beside the checkpoint: the document with the hash of the checkpoint file."""

    sha256: str
