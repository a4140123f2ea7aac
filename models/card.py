"""The model card: what a checkpoint says of itself, as JSON beside it and inside it."""

from typing import NotRequired, TypedDict

from models.probe import ProbeDocument

FORMAT_VERSION = 2
# Cards of version 1 do not have ``training``.
READABLE_VERSIONS = 1, FORMAT_VERSION


class InputDocument(TypedDict):
    """What the network takes."""

    side: int
    range: list[float]
    polarity: str


class RunDocument(TypedDict):
    """One seed that was tried: the accuracy on held-out images, and at which step it was reached.

    ``chosen_by`` is the same with augmented copies of them, where there are any; it chose. ``test`` took no part: it
    says how much the seed matters.
    """

    seed: int
    validation: float
    chosen_by: float
    step: int
    test: float


class SelectionDocument(TypedDict):
    """How the shipped run was chosen, and from what."""

    by: str
    seed: int
    runs: list[RunDocument]


class TeacherDocument(TypedDict):
    """The larger network whose logits were trained on, and the hash of its weights."""

    parameters: int
    epochs: int
    sha256: str


class AugmentationDocument(TypedDict):
    """Augmented copies of each image, and what was done to them at most: see ``trainer/augmentation.py`` for units."""

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
    """Shares of images predicted correctly, 0…1. The test images took no part in any choice.

    ``per_class`` has one entry a digit; ``confusion[truth][prediction]`` counts test images.
    """

    validation: float
    test: float
    test_images: int
    per_class: list[float]
    confusion: list[list[int]]


class Document(TypedDict):
    """Everything but the hash; this is what the checkpoint's own metadata holds."""

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
    """The card beside the checkpoint: the document, sealed with the hash of the checkpoint file."""

    sha256: str
