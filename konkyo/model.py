"""A network with what is known of its images: from a checkpoint, or from a module of PyTorch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE, written_stages
from konkyo.models.errors import CheckpointError
from konkyo.models.files import checkpoint as checkpoints
from konkyo.models.files import usage_file
from konkyo.models.files.card import OPTIONAL_WARNINGS, Card, ImportCard, Polarity, Preprocessing
from konkyo.models.files.checkpoint import DIRECTORY, SUFFIX, Checkpoint
from konkyo.models.filters.usage import Usage
from konkyo.models.hiding.cost import Explains, explains
from konkyo.models.network import Network
from konkyo.models.preparation.expected import Expected

if TYPE_CHECKING:
    import torch

    from konkyo.trainer.importing.network_file import Imported


@dataclass(frozen=True, repr=False)
class Model:
    """A network that can be asked.

    Attributes
    ----------
    name
        For people.
    network
        Its weights, in float64: explanations are differences, in which float32 would lose digits.
    expected
        What it expects of images.
    card
        The model card; None if it is of no checkpoint.
    usage
        The study of how its classes use its filters, from which typicality follows; None if there is none.
    imported
        What it was read from, and how, if it is of ``from_torch`` or of an ONNX file and not saved yet.
    """

    name: str
    network: Network
    expected: Expected
    card: Card | None = None
    usage: Usage | None = None
    imported: ImportCard | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the logits."""
        return self.network.classes

    @property
    def explains(self) -> tuple[Explains, ...]:
        """What can be asked of it, with which regions, and why not the rest."""
        return explains(self.network.architecture)

    def __repr__(self) -> str:
        """One line; of an imported network with the range in which pixels enter it."""
        shape = self.network.architecture
        parts = f"{len(self.classes)} classes, {shape.parameters:,} parameters"
        imported = self.imported or (self.card and self.card.imported)
        if imported:
            from konkyo.trainer.importing.pixels import Pixels

            parts += f", pixels enter as {Pixels(imported.mean, imported.std, imported.range_by).written}"
        return f"Model({self.name!r}: {self.expected.images}, stages {written_stages(shape.stages)}, {parts})"

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the checkpoint of a network of ``from_torch`` or of an ONNX file, and return where it is.

        ``konkyo serve --models FOLDER``, ``konkyo explain --model FILE`` and ``konkyo.load(FILE)`` take it.

        Parameters
        ----------
        path
            ``folder/mine`` writes ``mine.safetensors`` and its card ``mine.json`` in that folder.
        overwrite
            Whether a checkpoint that is there is replaced.

        Raises
        ------
        NetworkFileError
            It is of a checkpoint already, which can be copied; the name is none of a checkpoint; or something is there.
        """
        from konkyo.trainer.errors import NetworkFileError
        from konkyo.trainer.importing.network_file import Imported
        from konkyo.trainer.importing.publishing import Preparation, check_name, check_place, publish

        folder, name = Path(path).parent, Path(path).name.removesuffix(SUFFIX)
        if self.imported is None:
            raise NetworkFileError(f"{self.name} is not of from_torch or ONNX; its file and its card can be copied")
        check_name(name, "the name")
        check_place(folder, name, overwrite)
        kept = self.expected
        prepared = Preparation(kept.preprocessing, kept.polarity, kept.warnings)
        publish(Imported(self.network.astype(np.float32), self.imported), name, folder, prepared)
        return folder / f"{name}{SUFFIX}"


def load(
    name: str | PathLike[str],
    *,
    range: tuple[float, float] | None = None,  # noqa: A002
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    side: int | None = None,
    classes: Sequence[str] | None = None,
    preprocessing: Literal["resize", "mnist"] = "resize",
) -> Model:
    """A network that comes with Konkyo, by name, or one of yours, by the path of its checkpoint or of an ONNX file.

    Parameters
    ----------
    name
        Such as ``paired-3x3``, or ``runs/mine.safetensors``, with its card beside it. ``konkyo train`` and ``konkyo
        import`` write such files. In the folder that the environment variable ``KONKYO_MODELS`` names, if any, a file
        is found by its name as well.
    range, mean, std, side, classes, preprocessing
        Of an ONNX file, as in ``from_torch``; the range must be said where the graph does not tell it.

    Raises
    ------
    CheckpointError
        There is no such checkpoint, or it is damaged. The message says which names there are.
    NetworkFileError
        The ONNX file holds no network that can be read, or leaves the range open.

    Examples
    --------
    >>> import konkyo
    >>> konkyo.load("paired-3x3")
    Model('paired-3x3': grey images of 28×28, stages 3k5,3k3q, 10 classes, 2,368 parameters)
    """
    path = Path(name)
    if path.suffix == ".onnx":
        from konkyo.trainer.importing.network_file import ImportOptions, read
        from konkyo.trainer.importing.pixels import Asked, asked

        pixels = asked(Asked.PYTHON, range, _numbers(mean), _numbers(std))
        options = ImportOptions(None, side, pixels, None if classes is None else tuple(classes), Asked.PYTHON)
        return _of_imported(read(path, options), path.stem, preprocessing)
    if path.suffix != SUFFIX:
        # Those of one's own go before those that come with Konkyo.
        folders = [DIRECTORY, Path(os.environ.get("KONKYO_MODELS", DIRECTORY))]
        known = {one.stem: one for folder in folders for one in sorted(folder.glob(f"*{SUFFIX}"))}
        if str(name) not in known:
            raise CheckpointError(
                str(name),
                "name",
                f"must be one of {', '.join(sorted(known))}, or the path of a file *{SUFFIX}; `konkyo import` makes "
                "one of ONNX or a state dict, and `konkyo.from_torch` takes a module",
            )
        path = known[str(name)]
    return of_checkpoint(checkpoints.load(path), path.parent)


def of_checkpoint(checkpoint: Checkpoint, directory: Path | None = None) -> Model:
    """The model of a checkpoint; with its study, if that is in a directory."""
    usage = None if directory is None else usage_file.load(directory, checkpoint)
    return Model(checkpoint.name, checkpoint.precise, Expected.by(checkpoint), checkpoint.card, usage)


def of_network(network: Network, name: str = "network") -> Model:
    """A network of which nothing else is known; its precision stays."""
    shape = network.architecture
    expected = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, (), shape.side, shape.channels)
    return Model(name, network, expected)


def from_torch(
    module: "torch.nn.Module",
    side: int = IMAGE_SIDE,
    *,
    classes: Sequence[str] | None = None,
    range: tuple[float, float] | None = None,  # noqa: A002
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    preprocessing: Literal["resize", "mnist"] = "resize",
    name: str | None = None,
) -> Model:
    """Read a module of PyTorch: convolutions, activations and pools, then affine layers (docs/own-network.md).

    Its ``forward`` must be a chain of layers, as that of ``torch.nn.Sequential`` is; sums such as ``x + f(x)`` and
    functions such as ``F.relu`` may stand in it, too. Batch normalisation, dropout and a softmax at the end are
    understood. What was read is run on random images beside the module, and refused if a probability differs by more
    than a thousandth. The module is not changed.

    Parameters
    ----------
    module
        It takes images (N, 1, side, side), or (N, 3, side, side) in colour.
    side
        Of its images, 8 to 224.
    classes
        The names of its classes, in the order of its outputs; by default numbers.
    range
        As what a pixel's least and greatest value enter the module, such as (0, 1). It must be said, unless the module
        subtracts and divides itself.
    mean, std
        In its place, what was subtracted from pixels in [0, 1] before they entered the module, and by what they were
        divided: one number or one for each channel. What is named becomes part of the weights: images are given in
        [0, 1].
    preprocessing
        How pictures become its images: ``resize``, or ``mnist`` for handwriting, which is cropped, scaled and centred
        as MNIST's digits are. Dark ink is warned of then.
    name
        For people; by default that of the module's class.

    Raises
    ------
    NetworkFileError
        It is no such network, or nothing says in which range pixels enter it. The message names the layer, and what
        would be right.

    Examples
    --------
    >>> import konkyo, torch
    >>> from torch import nn
    >>> module = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 12 * 12, 10))
    >>> konkyo.from_torch(module, range=(0, 1))
    Model('Sequential': grey images of 28×28, stages 4k5, 10 classes, 5,874 parameters, pixels enter as 0…1)
    """
    from konkyo.trainer.importing.from_torch.module import read
    from konkyo.trainer.importing.pixels import Asked, asked

    pixels = asked(Asked.PYTHON, range, _numbers(mean), _numbers(std))
    imported = read(module, side, pixels, None if classes is None else tuple(classes))
    return _of_imported(imported, name or type(module).__name__, preprocessing)


def _of_imported(imported: "Imported", name: str, preprocessing: str) -> Model:
    drawn = Preprocessing(preprocessing) is Preprocessing.MNIST
    network, shape = imported.network, imported.network.architecture
    expected = Expected(
        Preprocessing(preprocessing),
        Polarity.AUTO if drawn else Polarity.LIGHT_ON_DARK,
        OPTIONAL_WARNINGS if drawn else (),
        shape.side,
        shape.channels,
    )
    return Model(name, network.astype(np.float64), expected, imported=imported.card)


def _numbers(values: float | Sequence[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(np.atleast_1d(np.asarray(values, np.float64)).tolist())
