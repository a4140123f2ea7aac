"""What a study is, and how one is made: its parts, kept as they are finished, and what they add up to.

A study looks at images with a network. Started again, it takes what is finished from where it is kept. What is kept
belongs to one network, some images, the settings of the study and the version of Konkyo.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from re import sub
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from konkyo import __version__
from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer import document
from konkyo.trainer.data import Labelled

Arrays = dict[str, NDArray[Any]]
Compute = Callable[[], Arrays]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Asked:
    """What is studied.

    Attributes
    ----------
    checkpoint
        Computed with in float64.
    labelled
        The images, from the first one of a data set on.
    runs
        Where trainings and finished parts are kept.
    """

    checkpoint: Checkpoint
    labelled: Labelled
    runs: Path


@dataclass(frozen=True)
class Study(Generic[Found]):
    """A study of one network on images. Its figure is drawn by the module of ``figures`` that is called like it.

    Attributes
    ----------
    name
        Of the command and of the files.
    heading, about
        Of the report's section, and of the command.
    parts
        The parts by their names, each with what computes it.
    gather
        What all parts, in their order, add up to.
    summary
        What was found, for the study's JSON.
    told
        The summary in Markdown, for its page and the terminal.
    row
        The summary as a row of the report's table: what stands in each column.
    answer
        All networks' summaries in one sentence.
    caption
        Of the figure.
    settings
        What the parts depend on besides the network and the images.
    images
        How many images are looked at where nobody says it; None for all.
    part
        Of the data set: the images that test, or those that train.
    save
        Writes what was found elsewhere than into the study's JSON, and says where to.
    load
        The summary of what ``save`` wrote.
    """

    name: str
    heading: str
    about: str
    parts: Callable[[Asked], Mapping[str, Compute]]
    gather: Callable[[Asked, Sequence[Arrays]], Found]
    summary: Callable[[Asked, Found], dict[str, Any]]
    told: Callable[[Mapping[str, Any]], Iterator[str]]
    row: Callable[[Mapping[str, Any]], Mapping[str, str]]
    answer: Callable[[Sequence[Mapping[str, Any]]], str]
    caption: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    images: int | None = None
    part: str = "t10k"
    save: Callable[[Path, Asked, Found], Path] | None = None
    load: Callable[[Path, Checkpoint], dict[str, Any] | None] | None = None

    def measure(self, asked: Asked, begin: Callable[[int], Callable[[int], None]]) -> Found:
        """Compute what is not kept; ``begin`` is told the number of parts, and gives what is told how many are done."""
        parts = self.parts(asked)
        kept, advance, done = Parts(asked.runs / "studies", identity(self, asked)), begin(len(parts)), []
        for name, compute in parts.items():
            done.append(kept.get(slug(name), compute))
            advance(1)
        return self.gather(asked, done)

    def entry(self, asked: Asked, found: Found) -> dict[str, Any]:
        """The study's JSON."""
        model = {"name": asked.checkpoint.name, "sha256": asked.checkpoint.sha256}
        return {"study": self.name, "model": model, **self.summary(asked, found)}

    def write(self, models: Path, out: Path, asked: Asked, found: Found) -> tuple[Path, Path]:
        """Write what was found, and the figure; gives both files."""
        folder = out / asked.checkpoint.name
        if self.save is None:
            written = folder / f"{self.name}.json"
            document.write(written, self.entry(asked, found))
        else:
            written = self.save(models, asked, found)
        figure = folder / f"{self.name}.png"
        import_module(f"konkyo.trainer.figures.{self.name}").draw(figure, asked, found)
        return written, figure

    def read(self, models: Path, out: Path, checkpoint: Checkpoint) -> Mapping[str, Any] | None:
        """What was written of this very checkpoint; None if there is nothing."""
        if self.load is not None:
            return self.load(models, checkpoint)
        path = out / checkpoint.name / f"{self.name}.json"
        found = document.read(path) if path.exists() else None
        return found if found is not None and found["model"]["sha256"] == checkpoint.sha256 else None


def chunks(labelled: Labelled, size: int) -> Iterator[tuple[int, Labelled]]:
    """The images in parts of a size, each with the number of its first one."""
    for start in range(0, len(labelled), size):
        yield start, labelled[start : start + size]


def joined(parts: Sequence[Arrays]) -> Arrays:
    """All parts' arrays, one after another."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Parts:
    """A folder of finished parts that belongs to exactly one piece of work: another identity has another folder."""

    def __init__(self, directory: Path, identity: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self.directory = directory / digest[:16]

    def get(self, key: str, compute: Compute) -> Arrays:
        """The part of that name, computed if it is not there, or cannot be read."""
        path = self.directory / f"{key}.safetensors"
        try:
            return load_file(path)
        except (OSError, SafetensorError):
            pass
        # safetensors writes the memory as it lies: a view would come back in another order.
        part = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        with replacing(path) as fresh:
            save_file(part, fresh)
        return part


def slug(name: str) -> str:
    """A name as part of a file's."""
    return sub(r"[^a-z0-9]+", "-", name.lower())


def identity(study: Study[Any], asked: Asked) -> dict[str, Any]:
    """All that the parts of a study depend on."""
    return {
        "version": __version__,
        "study": study.name,
        "settings": study.settings,
        "checkpoint": asked.checkpoint.sha256,
        "images": asked.labelled.sha256,
    }
