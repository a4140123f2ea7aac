"""One page of everything that was measured, in Markdown: cards, search and studies, with their figures.

It measures nothing: every number is read from the files that the other commands wrote, and each section names the
command that prints its numbers. What was not measured yet, or of another checkpoint, is said and left out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from konkyo.models.files import usage_file
from konkyo.models.files.card import MNIST
from konkyo.models.files.checkpoint import SEARCH_FILE, Checkpoint
from konkyo.trainer.report_networks import networks, worth
from konkyo.trainer.studies import consistency, document, faithfulness, grounds, occlusion, shapley
from konkyo.trainer.studies.filters import told
from konkyo.trainer.studies.smallest import folds_told, search_told
from konkyo.trainer.studies.study import Study

STUDIES: tuple[Study[Any], ...] = tuple(
    module.STUDY for module in (occlusion, faithfulness, shapley, grounds, consistency)
)


def report(checkpoints: Sequence[Checkpoint], models: Path, studies: Path) -> str:
    """The page; its links to figures are relative to ``studies``.

    Parameters
    ----------
    checkpoints
        What it is about.
    models
        Where the search's file and the checkpoints' usage are.
    studies
        Where the studies wrote.
    """
    lines = [
        "# What was measured",
        "",
        "`python -m trainer report` put this page together from the files that the commands beside each section wrote.",
        "",
        *networks(checkpoints),
        *worth(studies),
        *_smallest(models, studies),
    ]
    lines += ["## Which filter pairs a class uses", ""]
    for checkpoint in checkpoints:
        lines += [*_head("filters", checkpoint), *_filters(checkpoint, models, studies), ""]
    for study in STUDIES:
        lines += [f"## {study.heading}", ""]
        for checkpoint in checkpoints:
            lines += [*_head(study.name, checkpoint), *_section(study, checkpoint, studies), ""]
    return "\n".join(lines).rstrip() + "\n"


def _head(study: str, checkpoint: Checkpoint) -> Iterator[str]:
    dataset = checkpoint.card.dataset
    data = "" if dataset is None or dataset.name == MNIST else f" --data FOLDER_OF_{dataset.name.upper()}"
    yield from (
        f"### `{checkpoint.name}`",
        "",
        f"`python -m trainer study {study} --model {checkpoint.name}{data}`",
        "",
    )


def _smallest(models: Path, studies: Path) -> Iterator[str]:
    yield from ("## The smallest network", "", "`python -m trainer study smallest`", "")
    if not (models / SEARCH_FILE).exists():
        yield from ("Not searched yet.", "")
        return
    if (studies / "search.png").exists():
        yield from ("![Accuracy against parameters](search.png)", "")
    yield from search_told(document.read(models / SEARCH_FILE))
    if (studies / "smallest.json").exists():
        yield from ("### By cross-validation", "", "![Accuracy in each fold](smallest.png)", "")
        yield from folds_told(document.read(studies / "smallest.json"))


def _filters(checkpoint: Checkpoint, models: Path, studies: Path) -> Iterator[str]:
    usage = usage_file.load(models, checkpoint)
    if usage is None:
        yield "Not measured yet."
        return
    yield from _figure(checkpoint, studies, "filters", "The pairs that each class uses")
    yield from told(checkpoint.network.classes, usage)


def _section(study: Study[Any], checkpoint: Checkpoint, studies: Path) -> Iterator[str]:
    """A study's JSON in words, if it is of this very checkpoint."""
    path = studies / checkpoint.name / f"{study.name}.json"
    found = document.read(path) if path.exists() else {"model": {"sha256": None}}
    if found["model"]["sha256"] != checkpoint.sha256:
        yield "Not measured yet, or of another checkpoint."
        return
    yield from _figure(checkpoint, studies, study.name, study.caption)
    yield from study.told(found)


def _figure(checkpoint: Checkpoint, studies: Path, study: str, words: str) -> Iterator[str]:
    if (studies / checkpoint.name / f"{study}.png").exists():
        yield from (f"![{words}]({checkpoint.name}/{study}.png)", "")
