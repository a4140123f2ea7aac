"""What was measured, in Markdown: an overview with a table a question, and a page for the detail of each.

It measures nothing: every number is read from the files that the other commands wrote, and each page names the command
that prints its numbers. What was not measured yet, or of other weights, is said and left out. A study that is finished
is a page that stands in the folder as it is, a record: the overview links it, with its first lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path
from re import sub
from statistics import mean, stdev
from typing import Any

from konkyo.models.files.card import MNIST, AccuracyCard
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer.document import between, table
from konkyo.trainer.studies import calibration, filters, grounds, occlusion
from konkyo.trainer.studies.study import Study

STUDIES: tuple[Study[Any], ...] = tuple(module.STUDY for module in (filters, calibration, occlusion, grounds))
# The page of all networks and all questions.
OVERVIEW = "README.md"
NETWORKS = "The networks"

# What was found of each network, by its name.
Found = Mapping[str, Mapping[str, Any]]


def report(checkpoints: Sequence[Checkpoint], models: Path, studies: Path) -> dict[str, str]:
    """The pages by the names of their files; links to figures and records are relative to ``studies``.

    Parameters
    ----------
    checkpoints
        What they are about.
    models
        Where the checkpoints' usage is.
    studies
        Where the studies wrote, and where records are.
    """
    found = {study.name: _found(study, checkpoints, models, studies) for study in STUDIES}
    measured = [study for study in STUDIES if found[study.name]]
    overview = [
        "# What was measured",
        "",
        "`konkyo report` put this page together from the files that the command above each table wrote.",
        "",
        f"- [{NETWORKS}](#{_anchor(NETWORKS)}): {len(checkpoints)}, which predict "
        f"{between([one.card.accuracy.test for one in checkpoints if one.card.accuracy], '.2%')} of the test images.",
    ]
    for study in measured:
        overview.append(f"- [{study.heading}]({study.name}.md): {study.answer([*found[study.name].values()])}")
    overview += _records(studies)
    overview += ["", f"## {NETWORKS}", "", *_networks(checkpoints)]
    for study in STUDIES:
        overview += _question(study, checkpoints, found[study.name])
    pages = {
        f"{study.name}.md": "\n".join(_detail(study, checkpoints, found[study.name], studies)) for study in measured
    }
    return {name: page.rstrip() + "\n" for name, page in {OVERVIEW: "\n".join(overview), **pages}.items()}


def _found(study: Study[Any], checkpoints: Sequence[Checkpoint], models: Path, studies: Path) -> Found:
    """What a study found of each checkpoint, where it is of this very one."""
    read = {one.name: study.read(models, studies, one) for one in checkpoints}
    return {name: found for name, found in read.items() if found is not None}


def _records(studies: Path) -> Iterator[str]:
    """A line for each page in the folder that no study of today writes: its title and its first paragraph."""
    ours = {OVERVIEW, *(f"{study.name}.md" for study in STUDIES)}
    for path in sorted(studies.glob("*.md")):
        if path.name not in ours:
            title, answer, *_ = path.read_text(encoding="utf-8").split("\n\n", 2)
            yield f"- [{title.removeprefix('# ')}]({path.name}): {answer}"


def _question(study: Study[Any], checkpoints: Sequence[Checkpoint], found: Found) -> Iterator[str]:
    """The table of a question, with a row a network, and which networks it says nothing of."""
    yield from (f"## {study.heading}", "", f"`konkyo study {study.name}`", "")
    if found:
        rows = {name: study.row(one) for name, one in found.items()}
        head = "network", *next(iter(rows.values()))
        page = f"{study.name}.md"
        yield from table(head, [(f"[`{name}`]({page}#{_anchor(name)})", *row.values()) for name, row in rows.items()])
    left = [one for one in checkpoints if one.name not in found]
    if waiting := [f"`{one.name}`" for one in left if one.card.dataset is not None]:
        yield from (f"Not measured yet, or of other weights: {', '.join(waiting)} (`konkyo study {study.name}`).", "")
    if without := [f"`{one.name}`" for one in left if one.card.dataset is None]:
        yield from (f"Not measured, for want of a data set: {', '.join(without)}.", "")


def _detail(study: Study[Any], checkpoints: Sequence[Checkpoint], found: Found, studies: Path) -> Iterator[str]:
    """A study's own page: of each network the command, the figure and the numbers."""
    yield from (f"# {study.heading}", "")
    for one in checkpoints:
        if one.name not in found:
            continue
        name, dataset = one.name, one.card.dataset
        data = "" if dataset is None or dataset.name == MNIST else f" --data FOLDER_OF_{dataset.name.upper()}"
        yield from (f"## `{name}`", "", f"`konkyo study {study.name} --model {name}{data}`", "")
        if (studies / name / f"{study.name}.png").exists():
            yield from (f"![{study.caption}]({name}/{study.name}.png)", "")
        yield from study.told(found[name])


def _anchor(heading: str) -> str:
    """What a link to a heading of the same name ends with."""
    return sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _networks(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """What the cards say."""
    yield from (
        "`konkyo train` (the recipe and the seeds are in each card). The seed that is shipped has the "
        "highest accuracy on the held-out images and their augmented copies together: the column that chose it. The "
        "test images take no part in any choice, nor in whether a network is published. A seed is the best of as many "
        "random starts as its column says, by training loss: spreads compare where these are equal. The first ± is "
        "half of the 95 % interval over test images: what others would give for this network. sd is over the seeds, on "
        "the same test images.",
        "",
    )
    if any(one.card.training is None and one.card.imported is None for one in checkpoints):
        yield from ("Networks with cards of version 1 were published where test accuracy was at least 98 %.", "")
    rows = [_network_row(checkpoint) for checkpoint in checkpoints]
    yield from table([*rows[0]], [[*row.values()] for row in rows])


def _network_row(checkpoint: Checkpoint) -> dict[str, str]:
    card = checkpoint.card
    # An imported network has no recipe and no runs, and accuracy only if it was measured.
    training, accuracy, selection = card.recipe, card.accuracy, card.selection
    tests = [run.test for run in card.runs]
    chose = [run.chosen_by for run in card.runs if selection is not None and run.seed == selection.seed]
    validated = None if accuracy is None else accuracy.validation
    return {
        "network": f"`{checkpoint.name}`",
        "parameters": f"{card.parameters:,}",
        "seeds": f"{len(tests) or '–'}",
        # Cards of version 1 call them starts.
        "starts a seed": f"{training.get('restarts', training.get('starts', 1))}" if training else "–",
        "steps": f"{training['steps']:,}" if training else "–",
        "chose: held-out with copies": f"{chose[0]:.2%}" if chose else "–",
        "held-out": "–" if validated is None else f"{validated:.2%}",
        "test, shipped": "not measured"
        if accuracy is None
        else f"{100 * accuracy.test:.2f} ± {_chance(accuracy):.2f} %",
        "test, all seeds (mean ± sd)": (
            f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f} %" if len(tests) > 1 else "–"
        ),
    }


def _chance(accuracy: AccuracyCard) -> float:
    """Half of the 95 % interval over images, in points: of a share of so many, by the normal distribution."""
    return 196 * sqrt(accuracy.test * (1 - accuracy.test) / accuracy.test_images)
