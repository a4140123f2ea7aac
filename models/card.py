"""The model card: a description of the checkpoint, as JSON in the checkpoint and in a file beside it."""

from typing import NotRequired, TypedDict

from models.probe import ProbeDocument

FORMAT_VERSION = 2
# Cards of version 1 do not have ``training``.
READABLE_VERSIONS = 1, FORMAT_VERSION


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


class TeacherDocument(TypedDict):
    """The larger network whose logits were trained on, and the hash of its weights."""

    parameters: int
    epochs: int
    sha256: str


class AugmentationDocument(TypedDict):
    """Augmented copies of each image, and their largest changes: see ``trainer/augmentation.py`` for units."""

    copies: int
    turn: float
    stretch: float
    slant: float
    shift: float


class TrainingDocument(TypedDict):
    """What the training depended on beside the images and the recipe; null where there was none."""

    teacher: TeacherDocument | None
    augmentations: AugmentationDocument | None
    loss: str


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
    recipe: dict[str, str | bool | int | float]
    training: NotRequired[TrainingDocument]
    selection: SelectionDocument
    dataset: dict[str, str]
    accuracy: AccuracyDocument
    probe: ProbeDocument
    made_with: dict[str, str]


class Card(Document):
    """The card beside the checkpoint: the document with the hash of the checkpoint file."""

    sha256: str
