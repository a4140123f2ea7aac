"""What a study is, and how one is made: its parts, kept as they are finished, and what they add up to.

A study looks at images with a network. Started again, it takes what is finished from where it is kept. The identity of
that is made of all that it depends on, found and not listed: the network, the images, the constants and the code of the
study and of all modules of ours that it imports, and the versions of libraries.
"""

import ast
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from re import sub
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array
from konkyo.trainer import document
from konkyo.trainer.data import Digits

Arrays = dict[str, NDArray[Any]]
Compute = Callable[[], Arrays]
Found = TypeVar("Found")

# Libraries that numbers may depend on, where they are installed.
LIBRARIES = "numpy", "scipy", "torch", "captum", "scikit-learn"


@dataclass(frozen=True)
class Asked:
    """What is studied.

    Attributes
    ----------
    checkpoint
        Computed with in float64.
    digits
        The images, from the first one of a data set on.
    runs
        Where trainings and finished parts are kept.
    """

    checkpoint: Checkpoint
    digits: Digits
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
        The summary in Markdown, for the report and the terminal.
    caption
        Of the figure.
    images
        How many images are looked at where nobody says it; None for all.
    part
        Of the data set: the images that test, or those that train.
    save
        Writes what was found elsewhere than into the study's JSON, and says where to.
    load
        The summary of what ``save`` wrote.
    of_ranks
        Whether no number changes when all logits are divided: what was written before the checkpoint was calibrated
        is true of it.
    """

    name: str
    heading: str
    about: str
    parts: Callable[[Asked], Mapping[str, Compute]]
    gather: Callable[[Asked, Sequence[Arrays]], Found]
    summary: Callable[[Asked, Found], dict[str, Any]]
    told: Callable[[Mapping[str, Any]], Iterator[str]]
    caption: str
    images: int | None = None
    part: str = "t10k"
    save: Callable[[Path, Asked, Found], Path] | None = None
    load: Callable[[Path, Checkpoint], dict[str, Any] | None] | None = None
    of_ranks: bool = False

    def measure(self, asked: Asked, begin: Callable[[int], Callable[[], None]]) -> Found:
        """Compute what is not kept; ``begin`` is told the number of parts, and gives what is called after each."""
        parts = self.parts(asked)
        kept, advance, done = Parts(asked.runs / "studies", identity(self, asked)), begin(len(parts)), []
        for name, compute in parts.items():
            done.append(kept.get(slug(name), compute))
            advance()
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
        found = document.read(path) if path.exists() else {"model": {"sha256": None}}
        calibration = checkpoint.card.calibration
        before = calibration.made_of if self.of_ranks and calibration is not None else None
        sha256 = found["model"]["sha256"]
        return found if sha256 is not None and sha256 in (checkpoint.sha256, before) else None


def chunks(digits: Digits, size: int) -> Iterator[tuple[int, Digits]]:
    """The images in parts of a size, each with the number of its first one."""
    for start in range(0, len(digits), size):
        yield start, digits[start : start + size]


def sums_of_regions(values: Array, region: int) -> Array:
    """(R, R): the sum over each region of values (side, side)."""
    starts = Regions(region, side=len(values)).starts
    # One by one: sums of equal pixels are equal to the bit, and ranks depend on it.
    return np.array([[values[y : y + region, x : x + region].sum() for x in starts] for y in starts])


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
        "study": study.name,
        "checkpoint": asked.checkpoint.sha256,
        "images": asked.digits.sha256,
        **dependencies(study.parts.__module__),
    }


def dependencies(module: str) -> dict[str, Any]:
    """What a module's results depend on: constants and code of all modules of ours that it imports, and libraries."""
    modules = imported(module)
    return {
        "constants": {name: constants(name) for name in modules},
        "code": {name: _code(_source(name)) for name in modules},
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def constants(module: str) -> dict[str, Any]:
    """The constants of a module as they are now: what is written in capitals, as far as it is data."""
    try:
        found = vars(import_module(module))
    except ModuleNotFoundError:  # a library is not installed, and what needs it is left out
        return {}
    plain = ((name, _plain(value)) for name, value in found.items() if name.strip("_").isupper())
    return {name: value for name, value in plain if value is not None}


@lru_cache
def imported(module: str) -> tuple[str, ...]:
    """The modules of ours that a module imports, itself and those that these import included, also within functions."""
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name in found or not name.startswith("konkyo."):
            continue
        found.add(name)
        for node in ast.walk(ast.parse(_source(name))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("konkyo."):
                waiting.append(node.module)
                # `from konkyo.models.files import probe` imports a module too.
                waiting += [each for one in node.names if _is_module(each := f"{node.module}.{one.name}")]
    return tuple(sorted(name for name in found if ".figures." not in name))


@lru_cache
def _source(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None  # noqa: S101 - it is imported
    assert spec.origin is not None  # noqa: S101
    return Path(spec.origin).read_text(encoding="utf-8")


@lru_cache
def _is_module(name: str) -> bool:
    package, _, child = name.rpartition(".")
    # It is not imported, which may need torch.
    spec = find_spec(package)
    folders = (spec and spec.submodule_search_locations) or ()
    return any((Path(folder) / f"{child}.py").exists() for folder in folders)


@lru_cache
def _code(source: str) -> str:
    """A hash of code that comments, docstrings and layout do not change."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@lru_cache
def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _plain(value: Any) -> Any:
    """The value as JSON has it; None where it is no data."""
    if isinstance(value, str | int | float | bool):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value)) if not any(map(callable, vars(value).values())) else None
    if isinstance(value, Mapping):
        parts = {str(key): _plain(entry) for key, entry in value.items()}
        return None if None in parts.values() else parts
    if isinstance(value, list | tuple | range | set | frozenset):
        entries = [_plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
        return None if None in entries else entries
    return None
