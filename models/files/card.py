"""The model card: a description of the checkpoint, as JSON in the checkpoint and in a file beside it."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from konkyo.models.architecture import IMAGE_SIDE, Architecture, Pool, Stage, Wiring, two_stages
from konkyo.models.classes import numbered, wrong_names
from konkyo.models.errors import ArchitectureError, CheckpointError, complaint

FORMAT_VERSION: Literal[5] = 5
# Version 1 has no ``training``. Before version 3 there was MNIST only. Before version 4 a network had two stages, and
# before version 5 no temperature.
READABLE_VERSIONS = 1, 2, 3, 4, FORMAT_VERSION
MNIST = "MNIST"
MNIST_LICENCE = "CC BY-SA 3.0"
# Warnings that only some data sets want, by the codes of the service.
OPTIONAL_WARNINGS = "mostly-ink", "several-pieces"
# By what logits may be divided.
TEMPERATURES = 1.0, 20.0
# Of the confidence, from 0 to 1, in the expected calibration error.
BINS = 15

Share = Annotated[float, Field(ge=0, le=1)]


class Preprocessing(StrEnum):
    """How a picture of any size becomes the network's image.

    ``MNIST``: it is cropped to the ink, scaled to 20×20 and centred by mass. ``RESIZE``: the whole picture is scaled.
    """

    MNIST = "mnist"
    RESIZE = "resize"


class Polarity(StrEnum):
    """Whether the ink of the data set's pictures is light or dark. ``AUTO``: each picture's border says so."""

    AUTO = "auto"
    LIGHT_ON_DARK = "light-on-dark"
    DARK_ON_LIGHT = "dark-on-light"


def _refusal(field: str, message: str) -> CheckpointError:
    """What is wrong with a card. Who reads it says of which file it is."""
    return CheckpointError("card", field, message)


class _Part(BaseModel):
    """What all parts of a card share: no other fields, no converted types, no infinite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class InputCard(_Part):
    """The input of the network."""

    channels: Literal[1, 3] = Field(description="1 for grey, 3 for colour.")
    side: int = Field(ge=1, description="In pixels.")
    range: tuple[float, float] = Field(description="The least and the greatest value of a pixel.")
    polarity: str = Field(description="Of its images; pictures are inverted where theirs differs.")
    border: tuple[float, ...] = Field(description="For each channel, the value of the first stage's padding.")


class HeadCard(_Part):
    """The affine layers behind the last stage."""

    hidden: tuple[int, ...] = Field(description="Outputs of each hidden affine layer. The last one has the classes.")
    activation: str = Field("relu", description="Behind each hidden affine layer.")


class RunCard(_Part):
    """The training run of one seed."""

    seed: int
    validation: Share = Field(description="Accuracy on held-out images.")
    chosen_by: Share = Field(description="Accuracy on them and their augmentations, by which the run was chosen.")
    step: int = Field(ge=0, description="The training step at which it was reached.")
    test: Share = Field(description="Accuracy on the test images, which took no part in the choice.")


class SelectionCard(_Part):
    """The runs, and how one of them was chosen."""

    by: str
    seed: int
    runs: tuple[RunCard, ...]


class AugmentationCard(BaseModel):
    """How the images that were trained on were changed at most, at random."""

    # Older cards say here how many copies of each image there were.
    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    turn: float = Field(description="Radians.")
    stretch: float = Field(description="Share of the size.")
    slant: float = Field(description="Sideways for each pixel downwards.")
    shift: float = Field(description="Pixels.")
    mirror: bool = Field(description="Whether half of them are mirrored, from right to left.")


class TrainingCard(_Part):
    """What the training depended on beside the images and the recipe; null where there was none."""

    augmentations: AugmentationCard | None
    loss: str
    centred: bool | None = Field(
        None,
        description="Whether the affine layer's weights and biases sum to zero over the classes. Null in older cards.",
    )


class DatasetCard(_Part):
    """The images that it was trained on; those that it was measured on, if it was imported."""

    name: str
    licence: str
    files: dict[str, str] = Field(description="SHA-256 of each file or part.")
    notes: tuple[str, ...] = Field(description="What was done to read it.")


class AccuracyCard(_Part):
    """Shares of correctly predicted images. The test images took no part in any choice."""

    validation: Share | None = Field(description="On images that it was chosen by. Null if it was imported.")
    test: Share
    test_images: int = Field(ge=1)
    per_class: tuple[Share, ...]
    confusion: tuple[tuple[int, ...], ...] = Field(description="[true class][predicted class]: how many test images.")


class ProbabilityCard(_Part):
    """How far the probabilities of the test images are from what happens."""

    nll: float = Field(ge=0, description="Mean negative log-likelihood of what an image shows, in nats.")
    ece: Share = Field(
        description="Expected calibration error: the mean distance of the greatest probability from the share of "
        "correct predictions, over bins of equal width."
    )


class CalibrationCard(_Part):
    """How the temperature was found, and what it does to the probabilities of the test images."""

    fitted: str = Field(description="On which images it was fitted, or why it is 1.")
    bins: int = Field(ge=1, description="Of the expected calibration errors.")
    before: ProbabilityCard = Field(description="With the logits as they were trained.")
    after: ProbabilityCard = Field(description="With the logits divided by the temperature.")
    made_by: str = Field(description="The command that fitted it.")
    made_of: str | None = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the checkpoint file without it; null if the network was published with it.",
    )


class ImportCard(_Part):
    """The file that an imported network was read from, and how."""

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    format: str
    made_by: str = Field(description="The program that wrote it, as it says.")
    mean: tuple[float, ...] = Field(
        description="For each channel: (pixel − mean) / std enters the network of the file."
    )
    std: tuple[float, ...] = Field(description="As above. Both are part of the weights here.")
    range_by: str = Field(description="What says so.")
    folded: tuple[str, ...] = Field(description="What became part of the weights of another layer.")
    difference: Annotated[float, Field(ge=0)] | None = Field(
        description="The greatest difference of a probability from ONNX's reference evaluator. Null if not compared."
    )
    compared: int = Field(ge=0, description="How many random images were compared.")


class ProbeCard(_Part):
    """An image with the logits that the network had for it when it was published."""

    image: str = Field(description="Its bytes, channel by channel and row by row, deflated (zlib) and in base64.")
    predicted: int = Field(ge=0)
    logits: tuple[float, ...]


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    wrong = wrong_names(names)
    if wrong is not None:
        raise ValueError(wrong)
    return names


def _codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    if not {*codes} <= {*OPTIONAL_WARNINGS}:
        raise ValueError(f"must be some of {', '.join(OPTIONAL_WARNINGS)}")
    return codes


class Document(_Part):
    """The card without the hash: the metadata in the checkpoint file."""

    format_version: Literal[5]
    name: str
    input: InputCard
    stages: tuple[Stage, ...] = Field(description="From the image to the head.")
    head: HeadCard
    parameters: int = Field(ge=1)
    classes: Annotated[tuple[str, ...], AfterValidator(_names)] = Field(
        description="The names of the classes, in the order of the logits."
    )
    preprocessing: Preprocessing = Field(description="How a picture of any size becomes the network's image.")
    polarity: Polarity = Field(description="Whether the ink of the pictures is light or dark.")
    warnings: Annotated[tuple[str, ...], AfterValidator(_codes)] = Field(
        description="Codes of the warnings that not every network's images want."
    )
    recipe: dict[str, str | bool | int | float] | None = Field(description="Null if it was imported.")
    training: TrainingCard | None = Field(description="Null in cards of version 1, and if it was imported.")
    selection: SelectionCard | None = Field(description="Null if it was imported.")
    dataset: DatasetCard | None = Field(description="Null if it was not measured.")
    accuracy: AccuracyCard | None = Field(description="Null if it was not measured.")
    temperature: float | None = Field(
        ge=TEMPERATURES[0],
        le=TEMPERATURES[1],
        description="What the logits were divided by, in the weights of the last layer: 1 if by nothing. Null in older "
        "cards.",
    )
    calibration: CalibrationCard | None = Field(description="Null in older cards, and if it was not measured.")
    imported: ImportCard | None = Field(description="Null if it was trained here.")
    probe: ProbeCard
    made_with: dict[str, str]

    @property
    def runs(self) -> tuple[RunCard, ...]:
        """The runs of its training; none if it was imported."""
        return () if self.selection is None else self.selection.runs

    @property
    def architecture(self) -> Architecture:
        """The architecture that the card describes."""
        given = self.input
        head, count = self.head, len(self.classes)
        return Architecture(self.stages, given.side, given.channels, head.hidden, count, head.activation)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """Check what one field says of another."""
        architecture, count = self.architecture, len(self.classes)
        if len(self.input.border) != architecture.channels:
            raise _refusal("input.border", f"must have one value for each of {architecture.channels} channels")
        if self.parameters != architecture.parameters:
            raise _refusal("parameters", f"must be {architecture.parameters}, as the stages say, not {self.parameters}")
        if self.preprocessing is Preprocessing.MNIST and architecture.image_shape != (IMAGE_SIDE, IMAGE_SIDE):
            raise _refusal("preprocessing", f"mnist is for grey images of {IMAGE_SIDE}×{IMAGE_SIDE}; must be resize")
        if self.imported is None:
            for field in ("recipe", "selection", "dataset", "accuracy"):
                if getattr(self, field) is None:
                    raise _refusal(field, "must be there for a network that was not imported")
        measured = self.accuracy
        if (measured is None) != (self.dataset is None):
            raise _refusal("accuracy", "must be there if there is a data set, and only then")
        if measured is not None:
            confusion = measured.confusion
            if len(measured.per_class) != count or len(confusion) != count or {*map(len, confusion)} != {count}:
                raise _refusal("accuracy", f"must have an entry for each of {count} classes")
        if self.calibration is not None and (self.temperature is None or measured is None):
            raise _refusal("calibration", "must be there only with a temperature and an accuracy")
        return self


class Card(Document):
    """The description of a checkpoint, with the hash of its file."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of the checkpoint file.")


def described(architecture: Architecture, border: tuple[float, ...], polarity: str) -> dict[str, Any]:
    """The fields of a card that say what the network is."""
    return {
        "input": {
            "channels": architecture.channels,
            "side": architecture.side,
            "range": (0, 1),
            "polarity": polarity,
            "border": border,
        },
        "stages": architecture.stages,
        "head": {"hidden": architecture.hidden, "activation": architecture.activation},
        "parameters": architecture.parameters,
    }


def completed(document: Mapping[str, Any]) -> Document:
    """The card that a document describes. One of an older version is of two stages and, before version 3, of MNIST.

    Raises
    ------
    CheckpointError
        A field is missing, unknown or wrong.
    """
    version = document.get("format_version")
    if type(version) is not int or version not in READABLE_VERSIONS:
        wanted = f"{', '.join(map(str, READABLE_VERSIONS[:-1]))} or {READABLE_VERSIONS[-1]}"
        raise _refusal("format_version", f"must be {wanted}, not {version!r}")
    try:
        given = document if version == FORMAT_VERSION else _newer(dict(document), version)
        if isinstance(given.get("stages"), list | tuple):
            given = {**given, "stages": [_stage(stage) for stage in given["stages"]]}
        # As JSON: there a list is a tuple, and a text a member of an enumeration.
        return Document.model_validate_json(json.dumps(given))
    except ValidationError as error:
        raise _first(error) from error
    except ArchitectureError as error:
        raise _refusal("stages", f"make no network ({error})") from error


def _newer(document: dict[str, Any], version: int) -> dict[str, Any]:
    """A document of an older version as one of this version. What is missing or wrong stays so."""
    for unknown in {"temperature", "calibration"} & document.keys():
        raise _refusal(unknown, "is unknown")
    document |= {"format_version": FORMAT_VERSION, "temperature": None, "calibration": None}
    if version == 4:
        return document
    architecture = _two_stages(document.pop("architecture", None), version)
    given = document.get("input")
    polarity = given.get("polarity", "") if isinstance(given, dict) else ""
    stages = [asdict(stage) for stage in architecture.stages]
    newer = {**document, **described(architecture, (0.0,), polarity), "stages": stages}
    newer |= {"parameters": document.get("parameters"), "imported": None}
    if version == 1:
        newer["training"] = None
    if version < 3:
        probe = dict(document["probe"]) if isinstance(document.get("probe"), dict) else {}
        newer |= {
            "classes": numbered(architecture.classes),
            "preprocessing": Preprocessing.MNIST,
            "polarity": Polarity.AUTO,
            "warnings": OPTIONAL_WARNINGS,
            "dataset": {"name": MNIST, "licence": MNIST_LICENCE, "files": document.get("dataset"), "notes": ()},
            "probe": {"predicted" if name == "digit" else name: value for name, value in probe.items()},
        }
        training = newer.get("training")
        if isinstance(training, dict) and isinstance(training.get("augmentations"), dict):
            newer["training"] = {**training, "augmentations": {**training["augmentations"], "mirror": False}}
    return newer


def _stage(spelled: Any) -> Any:
    """A stage, where a pool that is true or false is one of 2×2 cells, which takes the largest, or none."""
    if isinstance(spelled, dict) and isinstance(spelled.get("pool"), bool):
        return {**spelled, "pool": asdict(Pool()) if spelled["pool"] else None}
    return spelled


def _two_stages(spelled: Any, version: int) -> Architecture:
    """The network of section 2.1, as cards before version 4 spell it; before version 3 without its ten classes."""
    names = {"wiring": str, "conv1_filters": int, "conv2_filters": int, "conv1_kernel": int, "conv2_kernel": int}
    types = {**names, "conv2_bias": bool, **({"classes": int} if version > 2 else {})}
    if not isinstance(spelled, dict) or {name: type(value) for name, value in spelled.items()} != types:
        told = ", ".join(f"{name} ({kind.__name__})" for name, kind in types.items())
        raise _refusal("architecture", f"must hold {told}, and nothing else")
    if spelled["wiring"] not in [*Wiring]:
        raise _refusal("architecture", f"wiring must be {' or '.join(Wiring)}, not {spelled['wiring']!r}")
    try:
        return two_stages(
            Wiring(spelled["wiring"]),
            spelled["conv1_filters"],
            spelled["conv2_filters"],
            (spelled["conv1_kernel"], spelled["conv2_kernel"]),
            spelled["conv2_bias"],
            spelled.get("classes", 10),
        )
    except ArchitectureError as error:
        raise _refusal("architecture", f"makes no network ({error})") from error


def _first(error: ValidationError) -> CheckpointError:
    """The first complaint, by field."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(map(str, first["loc"])) or "card"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return _refusal(field, "is unknown")
    said, shown = complaint(first), repr(first["input"])
    return _refusal(field, said if first["type"] == "missing" or len(shown) > 40 else f"{said}, not {shown}")
