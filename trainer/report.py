"""One page of everything that was measured, in Markdown: cards, search and studies, with their figures.

It measures nothing: every number is read from the files that the other commands wrote, and each section names the
command that prints its numbers. What was not measured yet, or of another checkpoint, is said and left out.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from konkyo.models.architecture import written_stages
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import SEARCH_FILE, Checkpoint
from konkyo.models.usage import ClassUsage, PlacedPair
from konkyo.trainer.markdown import table
from konkyo.trainer.report_combinations import consistency, grounds, shapley
from konkyo.trainer.report_faithfulness import faithfulness
from konkyo.trainer.report_networks import networks, worth
from konkyo.trainer.search import stages_of
from konkyo.trainer.studies import document
from konkyo.trainer.studies.smallest import verdict


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
        *_search(models, studies),
        *_smallest(studies),
    ]
    for title, study, section in (
        ("Which filter pairs a class uses", "filters", _filters),
        ("What hiding a region does", "occlusion", _occlusion),
        ("Which explanation is faithful", "faithfulness", _faithfulness),
        ("How wrong approximated Shapley values are", "shapley", _shapley),
        ("On how many regions a prediction rests", "grounds", _grounds),
        ("Whether other seeds have the same reasons", "consistency", _consistency),
    ):
        lines += [f"## {title}", ""]
        for checkpoint in checkpoints:
            command = f"`python -m trainer study {study} --model {checkpoint.name}`"
            lines += [f"### `{checkpoint.name}`", "", command, "", *section(checkpoint, models, studies), ""]
    return "\n".join(lines).rstrip() + "\n"


def _search(models: Path, studies: Path) -> Iterator[str]:
    yield from ("## The smallest network", "", "`python -m trainer search`", "")
    if not (models / SEARCH_FILE).exists():
        yield from ("Not searched yet.", "")
        return
    found = document.read(models / SEARCH_FILE)
    lenet = found["lenet_parameters"]
    for one in found["smallest"]:
        yield (
            f"- {one['stages'][-1]['wiring']}: {written_stages(stages_of(one))}, {one['parameters']:,} "
            f"parameters, {one['share_of_lenet']:.0%} of LeNet's {lenet:,}, are the fewest that validate at "
            f"{found['minimum_accuracy']:.1%} on average."
        )
    if not found["smallest"]:
        yield f"No network validated at {found['minimum_accuracy']:.1%} on average."
    yield ""
    if (studies / "search.png").exists():
        yield from ("![Accuracy against parameters](search.png)", "")
    rows = [
        (
            f"`{written_stages(stages_of(one))}`",
            f"{one['parameters']:,}",
            f"{one['parameters'] / lenet:.0%}",
            *(
                f"{100 * one[part]['mean']:.2f} ± {100 * one[part]['deviation']:.2f} %"
                for part in ("validation", "test")
            ),
        )
        for one in found["networks"]
    ]
    yield from table(("network", "parameters", "of LeNet's", "validation", "test"), rows)


def _smallest(studies: Path) -> Iterator[str]:
    path = studies / "smallest.json"
    if not path.exists():
        return
    found = document.read(path)
    folds = len(found["networks"][0]["folds"])
    yield from ("### By cross-validation", "", "`python -m trainer study smallest`", "")
    yield (
        f"The networks near the border once more: {folds} folds of the {found['images']:,} training images, each with "
        f"{found['seeds']} seeds, {found['steps']:,} steps. Mean ± half of the 95 % interval, by "
        "Student's t over the folds."
    )
    yield ""
    yield from (f"- {line}" for line in verdict(found))
    yield ""
    yield from ("![Accuracy in each fold](smallest.png)", "")
    rows = [
        (
            f"`{one['stages']}`",
            f"{one['parameters']:,}",
            f"{one['share_of_lenet']:.0%}",
            f"{100 * one['accuracy'][0]:.2f} ± {100 * one['accuracy'][1]:.2f} %",
        )
        for one in found["networks"]
    ]
    yield from table(("network", "parameters", "of LeNet's", "accuracy"), rows)


def _filters(checkpoint: Checkpoint, models: Path, studies: Path) -> Iterator[str]:
    usage = usage_file.load(models, checkpoint)
    if usage is None:
        yield "Not measured yet."
        return
    distinct = usage.distinct
    classes = len(usage.classes)
    yield (
        f"Of the {classes} classes' combinations of first and second place, {distinct.unordered} are different"
        + (", as in the paper" if distinct.unordered == classes else "; in the paper, all are")
        + f". With first told apart from second, {distinct.ordered} are."
    )
    yield ""
    yield from _figure(checkpoint, studies, "filters", "The pairs that each class uses")
    rows = [_usage_row(name, one) for name, one in zip(checkpoint.network.classes, usage.classes, strict=True)]
    yield from table(("class", "images", "first", "of images", "mean", "second", "of images", "mean"), rows)


def _usage_row(name: str, one: ClassUsage) -> tuple[str, ...]:
    def place(pair: PlacedPair | None) -> tuple[str, str, str]:
        if pair is None:
            return "–", "", ""
        return f"map {pair.map} × filter {pair.filter}", f"{pair.share:.1%}", f"{pair.mean:.2f}"

    return name, f"{one.images:,}", *place(one.first), *place(one.second)


def _occlusion(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    found = _read(checkpoint, studies, "occlusion")
    if found is None:
        yield "Not measured yet, or of another checkpoint."
        return
    yield from _figure(checkpoint, studies, "occlusion", "What hiding a region does, on average")
    rows = [
        (
            f"{region}×{region}",
            f"{one['grid'][0] * one['grid'][1]}",
            f"{one['critical']['mean']:.2f}",
            f"{one['answer_changes']['share_of_images']:.1%}",
            f"{one['answer_changes']['share_of_hidings']:.2%}",
        )
        for region, one in found["regions"].items()
    ]
    head = "region", "regions", "critical, mean", "images whose answer changes", "hidings that change it"
    yield from table(head, rows)


def _faithfulness(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    found = _read(checkpoint, studies, "faithfulness")
    if found is None:
        yield "Not measured yet, or of another checkpoint."
        return
    yield from _figure(checkpoint, studies, "faithfulness", "Deletion and insertion, and ranks by every criterion")
    yield from faithfulness(found)


def _shapley(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    yield from _combinations(checkpoint, studies, "shapley", "Shapley values, exact and sampled", shapley)


def _grounds(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    yield from _combinations(checkpoint, studies, "grounds", "On how many regions a prediction rests", grounds)


def _consistency(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    yield from _combinations(checkpoint, studies, "consistency", "Maps and proofs of all seeds", consistency)


def _combinations(
    checkpoint: Checkpoint, studies: Path, study: str, words: str, section: Callable[[dict[str, Any]], Iterator[str]]
) -> Iterator[str]:
    found = _read(checkpoint, studies, study)
    if found is None:
        yield "Not measured yet, or of another checkpoint."
        return
    yield from _figure(checkpoint, studies, study, words)
    yield from section(found)


def _figure(checkpoint: Checkpoint, studies: Path, study: str, words: str) -> Iterator[str]:
    if (studies / checkpoint.name / f"{study}.png").exists():
        yield from (f"![{words}]({checkpoint.name}/{study}.png)", "")


def _read(checkpoint: Checkpoint, studies: Path, study: str) -> dict[str, Any] | None:
    """A study's JSON; None where there is none, or of another checkpoint of that name."""
    path = studies / checkpoint.name / f"{study}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = document.read(path)
    return found if found["model"]["sha256"] == checkpoint.sha256 else None
