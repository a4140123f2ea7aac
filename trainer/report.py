"""One page of everything that was measured, in Markdown: cards, search and studies, with their figures.

It measures nothing: every number is read from the files that the other commands wrote, and each section names the
command that prints its numbers. What was not measured yet, or of another checkpoint, is said and left out.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from models import usage_file
from models.checkpoint import SEARCH_FILE, Checkpoint
from models.usage import ClassUsage, PlacedPair
from trainer.studies import recipe

# Explanations in the report's table: the best of all that were measured, whatever their kind.
LISTED = 12


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
        *_recipe(studies),
        *_search(models, studies),
    ]
    for title, study, section in (
        ("Which filter pairs a class uses", "filters", _filters),
        ("What hiding a region does", "occlusion", _occlusion),
        ("Which explanation is faithful", "faithfulness", _faithfulness),
    ):
        lines += [f"## {title}", ""]
        for checkpoint in checkpoints:
            command = f"`python -m trainer study {study} --model {checkpoint.name}`"
            lines += [f"### `{checkpoint.name}`", "", command, "", *section(checkpoint, models, studies), ""]
    return "\n".join(lines).rstrip() + "\n"


def _networks(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    yield from (
        "## The networks",
        "",
        "`python -m trainer train` (the recipe and the seeds are in each card). The seed that is shipped has the "
        "highest accuracy on the held-out images and their augmented copies together: the column that chose it. The "
        "test images take no part in any choice, nor in whether a network is published. A seed is the best of as many "
        "random starts as its column says, by training loss: spreads compare where these are equal.",
        "",
    )
    if any(checkpoint.card["format_version"] == 1 for checkpoint in checkpoints):
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
    yield from _table(head, [_network_row(checkpoint) for checkpoint in checkpoints])


def _network_row(checkpoint: Checkpoint) -> tuple[str, ...]:
    card = checkpoint.card
    training, selection, accuracy = card["recipe"], card["selection"], card["accuracy"]
    tests = [run["test"] for run in selection["runs"]]
    [chosen_by] = [run["chosen_by"] for run in selection["runs"] if run["seed"] == selection["seed"]]
    return (
        f"`{checkpoint.name}`",
        f"{card['parameters']:,}",
        f"{len(tests)}",
        # Cards of version 1 call them starts.
        f"{training.get('restarts', training.get('starts', 1))}",
        f"{training['steps']:,}",
        f"{chosen_by:.2%}",
        f"{accuracy['validation']:.2%}",
        f"{accuracy['test']:.2%}",
        f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f} %" if len(tests) > 1 else "–",
    )


def _recipe(studies: Path) -> Iterator[str]:
    yield from ("## What each part of the recipe is worth", "")
    found = recipe.load(studies)
    if found is None:
        yield from ("Not measured yet.", "")
        return
    yield from (
        f"{found.how} Compared by accuracy on the held-out images: the difference from the base is the mean over the "
        "seeds, ± half of its 95 % interval; bold where it is larger than that. Test images took no part.",
        "",
    )
    head = "variant", "steps", "seeds", "validation (mean ± sd)", "difference", "test (mean)", "empty image: certainty"
    for network in dict.fromkeys(one.network for one in found.variants):
        rows = [_recipe_row(found, one) for one in found.variants if one.network == network]
        yield from (f"### `{network}`", "")
        yield from _table(head, rows)
    yield from (*(f"- {note}" for note in found.notes), "")


def _recipe_row(found: recipe.Experiments, one: recipe.Variant) -> tuple[str, ...]:
    difference, gain = "–", found.gain(one)
    if gain is not None:
        difference = f"{100 * gain[0]:+.2f} ± {100 * gain[1]:.2f}".replace("-", "−")
        difference = f"**{difference}**" if abs(gain[0]) > gain[1] else difference
    return (
        one.name,
        f"{one.steps:,}",
        f"{len(one.validation)}",
        f"{100 * mean(one.validation):.2f} ± {100 * stdev(one.validation):.2f} %",
        difference,
        f"{mean(one.test):.2%}",
        f"{mean(one.empty):.0%}",
    )


def _search(models: Path, studies: Path) -> Iterator[str]:
    yield from ("## The smallest network", "", "`python -m trainer search`", "")
    if not (models / SEARCH_FILE).exists():
        yield from ("Not searched yet.", "")
        return
    found = json.loads((models / SEARCH_FILE).read_text(encoding="utf-8"))
    lenet = found["lenet_parameters"]
    for one in found["smallest"]:
        yield (
            f"- {one['wiring']}: {one['conv1_filters']} and {one['conv2_filters']} filters, {one['parameters']:,} "
            f"parameters, {one['share_of_lenet']:.0%} of LeNet's {lenet:,}, are the fewest that validate at "
            f"{found['floor']:.1%} on average."
        )
    if not found["smallest"]:
        yield f"No network validated at {found['floor']:.1%} on average."
    yield ""
    if (studies / "search.png").exists():
        yield from ("![Accuracy against parameters](search.png)", "")
    rows = [
        (
            f"{one['wiring']} {one['conv1_filters']}×{one['conv2_filters']}",
            f"{one['parameters']:,}",
            f"{one['parameters'] / lenet:.0%}",
            *(
                f"{100 * one[part]['mean']:.2f} ± {100 * one[part]['deviation']:.2f} %"
                for part in ("validation", "test")
            ),
        )
        for one in found["networks"]
    ]
    yield from _table(("network", "parameters", "of LeNet's", "validation", "test"), rows)


def _filters(checkpoint: Checkpoint, models: Path, studies: Path) -> Iterator[str]:
    usage = usage_file.load(models, checkpoint)
    if usage is None:
        yield "Not measured yet."
        return
    distinct = usage.distinct
    yield (
        f"Of the ten classes' combinations of first and second place, {distinct.unordered} are different"
        + (", as in the paper" if distinct.unordered == len(usage.classes) else "; in the paper, all are")
        + f". With first told apart from second, {distinct.ordered} are."
    )
    yield ""
    yield from _figure(checkpoint, studies, "filters", "The pairs that each class uses")
    rows = [_usage_row(digit, one) for digit, one in enumerate(usage.classes)]
    yield from _table(("class", "images", "first", "of images", "mean", "second", "of images", "mean"), rows)


def _usage_row(digit: int, one: ClassUsage) -> tuple[str, ...]:
    def place(pair: PlacedPair | None) -> tuple[str, str, str]:
        if pair is None:
            return "–", "", ""
        return f"conv1[{pair.conv1}]×conv2[{pair.conv2}]", f"{pair.share:.1%}", f"{pair.mean:.2f}"

    return str(digit), f"{one.images:,}", *place(one.first), *place(one.second)


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
    yield from _table(head, rows)


def _faithfulness(checkpoint: Checkpoint, _: Path, studies: Path) -> Iterator[str]:
    found = _read(checkpoint, studies, "faithfulness")
    if found is None:
        yield "Not measured yet, or of another checkpoint."
        return
    yield from _figure(checkpoint, studies, "faithfulness", "Deletion and insertion")

    def areas(one: dict[str, Any]) -> list[tuple[float, float]]:
        return [(*one["probability"]["ink"][curve],) for curve in ("deletion", "insertion")]

    def gap(one: dict[str, Any]) -> float:
        (deletion, _), (insertion, _) = areas(one)
        return insertion - deletion

    best = sorted(found["explanations"].items(), key=lambda entry: -gap(entry[1]))[:LISTED]
    rows = [
        (
            f"**{name}**" if name == found["default"] else name,
            one["kind"],
            *(f"{centre:.3f} ± {half:.3f}" for centre, half in areas(one)),
        )
        for name, one in best
    ]
    measured = len(found["explanations"])
    yield (
        f"The {len(best)} with the widest gap between insertion and deletion, of {measured} that were measured. Areas "
        f"under the curve of the probability over the ink of {found['images']:,} images, mean ± half of the 95 % "
        "interval. Bold: the service's default."
    )
    yield ""
    yield from _table(("explanation", "kind", "deletion (lower is better)", "insertion (higher)"), rows)


def _figure(checkpoint: Checkpoint, studies: Path, study: str, words: str) -> Iterator[str]:
    if (studies / checkpoint.name / f"{study}.png").exists():
        yield from (f"![{words}]({checkpoint.name}/{study}.png)", "")


def _read(checkpoint: Checkpoint, studies: Path, study: str) -> dict[str, Any] | None:
    """A study's JSON; None where there is none, or of another checkpoint of that name."""
    path = studies / checkpoint.name / f"{study}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found["model"]["sha256"] == checkpoint.sha256 else None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right; an empty line after it."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'--:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
