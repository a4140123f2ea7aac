"""The model card: a description of the checkpoint, as JSON in the checkpoint and in a file beside it."""

from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

from konkyo.models.classes import numbered
from konkyo.models.files.probe import ProbeDocument

FORMAT_VERSION = 3
# Version 1 does not have ``training``. Before version 3 there was MNIST only, see ``completed``.
READABLE_VERSIONS = 1, 2, FORMAT_VERSION
MNIST = "MNIST"
MNIST_LICENCE = "CC BY-SA 3.0"
# Warnings that only some data sets want, by the codes of the service.
OPTIONAL_WARNINGS = "mostly-ink", "several-pieces"


class Preprocessing(StrEnum):
    """How a picture of any size becomes an image of 28×28.

    ``MNIST``: it is cropped to the ink, scaled to 20×20 and centred by mass. ``RESIZE``: the whole picture is scaled.
    """

    MNIST = "mnist"
    RESIZE = "resize"


class Polarity(StrEnum):
    """Whether the ink of the data set's pictures is light or dark. ``AUTO``: each picture's border says so."""

    AUTO = "auto"
    LIGHT_ON_DARK = "light-on-dark"
    DARK_ON_LIGHT = "dark-on-light"


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


class AugmentationDocument(TypedDict):
    """The largest changes of the images that were trained on: see ``trainer/augmentation.py`` for units."""

    turn: float
    stretch: float
    slant: float
    shift: float
    mirror: bool


class TrainingDocument(TypedDict):
    """What the training depended on beside the images and the recipe; null where there was none.

    ``centred`` says whether the affine layer's weights and biases sum to zero over the classes.
    """

    augmentations: AugmentationDocument | None
    loss: str
    centred: NotRequired[bool]


class DatasetDocument(TypedDict):
    """The data set: ``files`` has the SHA-256 of each file or part; ``notes`` say what was done to read it."""

    name: str
    licence: str
    files: dict[str, str]
    notes: list[str]


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
    classes: list[str]
    preprocessing: str
    polarity: str
    warnings: list[str]
    recipe: dict[str, str | bool | int | float]
    training: NotRequired[TrainingDocument]
    selection: SelectionDocument
    dataset: DatasetDocument
    accuracy: AccuracyDocument
    probe: ProbeDocument
    made_with: dict[str, str]


class Card(Document):
    """The card beside the checkpoint: the document with the hash of the checkpoint file."""

    sha256: str


def completed(card: Any) -> Card:
    """The card as one of this version says it: an older one lacks what only MNIST's networks did not need to say."""
    if card["format_version"] == FORMAT_VERSION:
        return cast(Card, card)
    classes = len(card["probe"]["logits"])
    older: dict[str, Any] = {
        **card,
        "architecture": {**card["architecture"], "classes": classes},
        "classes": list(numbered(classes)),
        "preprocessing": Preprocessing.MNIST.value,
        "polarity": Polarity.AUTO.value,
        "warnings": list(OPTIONAL_WARNINGS),
        "dataset": {"name": MNIST, "licence": MNIST_LICENCE, "files": card["dataset"], "notes": []},
        "probe": {
            "image": card["probe"]["image"],
            "predicted": card["probe"]["digit"],
            "logits": card["probe"]["logits"],
        },
    }
    training = older.get("training")
    if isinstance(training, dict) and isinstance(training.get("augmentations"), dict):
        older["training"] = {**training, "augmentations": {**training["augmentations"], "mirror": False}}
    return cast(Card, older)
