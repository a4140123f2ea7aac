"""One page of everything that was measured, in Markdown: cards, search and studies, with their figures.

It measures nothing: every number is read from the files that the other commands wrote, and each section names the
command that prints its numbers. What was not measured yet, or of other weights, is said and left out.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from konkyo.models.files.card import MNIST, AccuracyCard
from konkyo.models.files.checkpoint import SEARCH_FILE, Checkpoint
from konkyo.trainer import document
from konkyo.trainer.document import table
from konkyo.trainer.studies import (
    calibration,
    consistency,
    depth,
    faithfulness,
    filters,
    grounds,
    occlusion,
    recipe,
    shapley,
    smallest,
)
from konkyo.trainer.studies.study import Study
from konkyo.trainer.studies.trained import TrainingStudy

STUDIES: tuple[Study[Any], ...] = tuple(
    module.STUDY for module in (filters, calibration, occlusion, faithfulness, shapley, grounds, consistency)
)
TRAINING_STUDIES: tuple[TrainingStudy[Any], ...] = (recipe.STUDY, smallest.STUDY, depth.STUDY)


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
        *_networks(checkpoints),
        *_worth(studies),
        *_smallest(models, studies),
        *_depth(studies),
    ]
    for study in STUDIES:
        lines += [f"## {study.heading}", ""]
        for checkpoint in checkpoints:
            lines += _section(study, checkpoint, models, studies)
        lines += _missing(study, checkpoints, models, studies)
    return "\n".join(lines).rstrip() + "\n"


def _smallest(models: Path, studies: Path) -> Iterator[str]:
    yield from ("## The smallest network", "", "`python -m trainer study smallest`", "")
    if not (models / SEARCH_FILE).exists():
        yield from ("Not searched yet.", "")
        return
    if (studies / "search.png").exists():
        yield from ("![Accuracy against parameters](search.png)", "")
    yield from smallest.search_told(document.read(models / SEARCH_FILE))
    if (studies / "smallest.json").exists():
        yield from ("### By cross-validation", "", "![Accuracy in each fold](smallest.png)", "")
        yield from smallest.folds_told(document.read(studies / "smallest.json"))


def _depth(studies: Path) -> Iterator[str]:
    yield from ("## What depth buys and what it costs", "", "`python -m trainer study depth`", "")
    if not (studies / depth.FILE).exists():
        yield from ("Not measured yet.", "")
        return
    if (studies / "depth.png").exists():
        yield from ("![Accuracy against parameters, for one to three stages](depth.png)", "")
    yield from depth.told(document.read(studies / depth.FILE))


def _section(study: Study[Any], checkpoint: Checkpoint, models: Path, studies: Path) -> Iterator[str]:
    """The command, the figure and the numbers of a study, if it is of this very checkpoint."""
    name, dataset = checkpoint.name, checkpoint.card.dataset
    found = study.read(models, studies, checkpoint)
    if found is None:
        return
    data = "" if dataset is None or dataset.name == MNIST else f" --data FOLDER_OF_{dataset.name.upper()}"
    yield from (f"### `{name}`", "", f"`python -m trainer study {study.name} --model {name}{data}`", "")
    if (studies / name / f"{study.name}.png").exists():
        yield from (f"![{study.caption}]({name}/{study.name}.png)", "")
    yield from (*study.told(found), "")


def _missing(study: Study[Any], checkpoints: Sequence[Checkpoint], models: Path, studies: Path) -> Iterator[str]:
    """Which networks the study says nothing of."""
    left = [one for one in checkpoints if study.read(models, studies, one) is None]
    without = [f"`{one.name}`" for one in left if one.card.dataset is None]
    waiting = [f"`{one.name}`" for one in left if one.card.dataset is not None]
    if waiting:
        command = f"`python -m trainer study {study.name}`"
        yield from (f"Not measured yet, or of other weights: {', '.join(waiting)} ({command}).", "")
    if without:
        yield from (f"Not measured, for want of a data set: {', '.join(without)}.", "")


def _networks(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """The section of what the cards say."""
    yield from (
        "## The networks",
        "",
        "`python -m trainer train` (the recipe and the seeds are in each card). The seed that is shipped has the "
        "highest accuracy on the held-out images and their augmented copies together: the column that chose it. The "
        "test images take no part in any choice, nor in whether a network is published. A seed is the best of as many "
        "random starts as its column says, by training loss: spreads compare where these are equal. The first ± is "
        "half of the 95 % interval over test images: what others would give for this network. sd is over the seeds, on "
        "the same test images.",
        "",
    )
    if any(one.card.training is None and one.card.imported is None for one in checkpoints):
        yield from ("Networks with cards of version 1 were published where test accuracy was at least 98 %.", "")
    head = (
        "network",
        "parameters",
        "seeds",
        "starts a seed",
        "steps",
        "chose: held-out with copies",
        "held-out",
        "test, shipped",
        "test, all seeds (mean ± sd)",
    )
    yield from table(head, [_network_row(checkpoint) for checkpoint in checkpoints])


def _network_row(checkpoint: Checkpoint) -> tuple[str, ...]:
    card = checkpoint.card
    # An imported network has no recipe and no runs, and accuracy only if it was measured.
    training, accuracy = card.recipe, card.accuracy
    tests = [run.test for run in card.runs]
    chosen_by = [
        f"{run.chosen_by:.2%}" for run in card.runs if card.selection is not None and run.seed == card.selection.seed
    ]
    return (
        f"`{checkpoint.name}`",
        f"{card.parameters:,}",
        f"{len(tests) or '–'}",
        # Cards of version 1 call them starts.
        f"{training.get('restarts', training.get('starts', 1))}" if training else "–",
        f"{training['steps']:,}" if training else "–",
        *(chosen_by or ["–"]),
        "–" if accuracy is None or accuracy.validation is None else f"{accuracy.validation:.2%}",
        "not measured" if accuracy is None else f"{100 * accuracy.test:.2f} ± {_chance(accuracy):.2f} %",
        f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f} %" if len(tests) > 1 else "–",
    )


def _chance(accuracy: AccuracyCard) -> float:
    """Half of the 95 % interval over images, in points: of a share of so many, by the normal distribution."""
    return 196 * sqrt(accuracy.test * (1 - accuracy.test) / accuracy.test_images)


def _worth(studies: Path) -> Iterator[str]:
    """The section of the recipe's parts, and of what was tried beside them."""
    yield from ("## What each part of the recipe is worth", "")
    found = recipe.load(studies)
    if found is None:
        yield from ("Not measured yet.", "")
    else:
        seeds = len(found.variants[0].judged)
        yield from (f"`python -m trainer study recipe --seeds {seeds}`", "", *recipe.told(found))
