"""What a study that trains networks is, and what it works with.

Started again, it takes what was trained from where it is kept. The identity of that is made of the shape, the recipe,
the images, and of the code, constants and libraries that training depends on (``study.dependencies``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from konkyo.models.architecture import Architecture
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.study import Parts, dependencies, slug
from konkyo.trainer.training.recipe import Recipe

if TYPE_CHECKING:
    from konkyo.trainer.training.run import Reached, Wanted

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class TrainingStudy(Generic[Settings]):
    """A study that trains networks on a data set.

    Attributes
    ----------
    name, about
        Of the command.
    settings
        A dataclass. Each field is an option of the command, as its annotation says.
    make
        Trains, writes what was found, and says it.
    """

    name: str
    about: str
    settings: type[Settings]
    make: Callable[[Settings, "Work"], None]


@dataclass(frozen=True)
class Work:
    """What a study that trains works with.

    Attributes
    ----------
    data
        Gives a part of the data set.
    models, out, runs
        Where the service looks, where studies go, and where unfinished work is kept.
    train
        Trains runs to their ends, and gives each with what it has reached.
    tell
        Says lines of Markdown.
    written
        Says which files were written.
    """

    data: Callable[[str], Digits]
    models: Path
    out: Path
    runs: Path
    train: "Callable[[Sequence[Wanted], Digits], Iterator[tuple[Wanted, Reached]]]"
    tell: Callable[[Iterable[str]], None]
    written: Callable[..., None]

    def trained(
        self, wanted: Mapping[str, Architecture], recipe: Recipe, seeds: int, digits: Digits
    ) -> "dict[str, list[Reached]]":
        """Train each network from so many seeds, by their titles. What was trained before is taken from its file."""
        # They need torch, and the names of the studies are asked for without it.
        from konkyo.trainer.training.network import groups
        from konkyo.trainer.training.run import Wanted

        jobs, titles = [], []
        depends = dependencies("konkyo.trainer.training.run")
        for title, architecture in wanted.items():
            for group in groups(1, seeds):
                job = Wanted(title, architecture, recipe, group, Path())
                kept = Parts(self.runs / "studies", {**depends, **job.identity(digits.sha256)})
                jobs.append(replace(job, state_file=kept.directory / f"{slug(title)}.pt"))
                titles.append(title)
        found: dict[str, list[Reached]] = {title: [] for title in wanted}
        for title, (_, reached) in zip(titles, self.train(jobs, digits), strict=True):
            found[title].append(reached)
        return found
