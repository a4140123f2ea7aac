"""The model card as pydantic models, for the answer of ``GET /models/{name}``; see ``models/card.py``."""

from pydantic import MISSING, BaseModel, Field

from konkyo.models.architecture import Wiring
from konkyo.models.classes import FEWEST, MOST
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.service.handling.answers import Class, PerClass, Share


class ArchitectureCard(BaseModel):
    """The shape of the network."""

    wiring: Wiring
    conv1_filters: int = Field(ge=1)
    conv2_filters: int = Field(ge=1)
    conv1_kernel: int = Field(ge=1, description="Side in pixels.")
    conv2_kernel: int = Field(ge=1, description="Side in cells of pool1.")
    conv2_bias: bool
    classes: int = Field(ge=FEWEST, le=MOST)


class InputCard(BaseModel):
    """The input of the network."""

    side: int
    range: tuple[float, float]
    polarity: str


class RunCard(BaseModel):
    """The training run of one seed."""

    seed: int
    validation: Share = Field(description="Accuracy on held-out images.")
    chosen_by: Share = Field(description="Accuracy on them and their augmentations, by which the run was chosen.")
    step: int = Field(ge=0)
    test: Share = Field(description="Accuracy on the test images, which took no part in the choice.")


class SelectionCard(BaseModel):
    """The runs, and how one of them was chosen."""

    by: str
    seed: int
    runs: list[RunCard]


class AugmentationCard(BaseModel):
    """How the images that were trained on were changed at most, at random."""

    turn: float = Field(description="Radians.")
    stretch: float = Field(description="Share of the size.")
    slant: float = Field(description="Sideways for each pixel downwards.")
    shift: float = Field(description="Pixels.")
    mirror: bool = Field(description="Whether half of them are mirrored, from right to left.")


class TrainingCard(BaseModel):
    """What the training depended on beside the images and the recipe; null where there was none."""

    augmentations: AugmentationCard | None
    loss: str
    centred: bool | MISSING = Field(
        MISSING, description="Whether the affine layer sums to zero over the classes. Absent from older cards."
    )


class DatasetCard(BaseModel):
    """The images that it was trained on."""

    name: str
    licence: str
    files: dict[str, str] = Field(description="SHA-256 of each file or part.")
    notes: list[str] = Field(description="What was done to read it.")


class AccuracyCard(BaseModel):
    """Shares of correctly predicted images."""

    validation: Share
    test: Share
    test_images: int = Field(ge=1)
    per_class: PerClass
    confusion: list[list[int]] = Field(description="[true class][predicted class]: how many test images.")


class ProbeCard(BaseModel):
    """A test image with the logits that the network had for it when it was published."""

    image: str = Field(description="28×28 bytes, row by row, deflated (zlib) and in base64.")
    predicted: Class
    logits: PerClass


class ModelCard(BaseModel):
    """The description of a checkpoint, with the hash of its file."""

    format_version: int
    name: str
    architecture: ArchitectureCard
    parameters: int = Field(ge=1)
    input: InputCard
    classes: list[str] = Field(description="The names of the classes, in the order of the logits.")
    preprocessing: Preprocessing = Field(description="How a picture of any size becomes an image of 28×28.")
    polarity: Polarity = Field(description="Whether the ink of the pictures is light or dark.")
    warnings: list[str] = Field(description="Codes of the warnings that not every network's images want.")
    recipe: dict[str, str | bool | int | float]
    training: TrainingCard | MISSING = Field(MISSING, description="Absent from cards of version 1.")
    selection: SelectionCard
    dataset: DatasetCard
    accuracy: AccuracyCard
    probe: ProbeCard
    made_with: dict[str, str]
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
