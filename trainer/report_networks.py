"""The report's sections about training: the cards, and what each part of the recipe is worth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev

from konkyo.models.checkpoint import Checkpoint
from konkyo.trainer.markdown import table
from konkyo.trainer.studies import recipe


def networks(checkpoints: Sequence[Checkpoint]) -> Iterator[str]:
    """The section of what the cards say."""
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
    yield from table(head, [_network_row(checkpoint) for checkpoint in checkpoints])


def _network_row(checkpoint: Checkpoint) -> tuple[str, ...]:
    card = checkpoint.card
    training, selection, accuracy = card["recipe"], card["selection"], card["accuracy"]
    tests = [run["test"] for run in selection["runs"]]
    # The card of imported weights knows no recipe and no runs.
    chosen_by = [f"{run['chosen_by']:.2%}" for run in selection["runs"] if run["seed"] == selection["seed"]]
    return (
        f"`{checkpoint.name}`",
        f"{card['parameters']:,}",
        f"{len(tests) or '–'}",
        # Cards of version 1 call them starts.
        f"{training.get('restarts', training.get('starts', 1))}" if training else "–",
        f"{training['steps']:,}" if training else "–",
        *(chosen_by or ["–"]),
        f"{accuracy['validation']:.2%}",
        f"{accuracy['test']:.2%}",
        f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f} %" if len(tests) > 1 else "–",
    )


def worth(studies: Path) -> Iterator[str]:
    """The section of the recipe's parts, and of what was tried beside them."""
    yield from ("## What each part of the recipe is worth", "")
    ablation, tried = recipe.load(studies, recipe.ABLATION), recipe.load(studies)
    if ablation is None and tried is None:
        yield from ("Not measured yet.", "")
    if ablation is not None:
        yield from ("`python -m trainer study recipe`", "", *_experiments(ablation))
    if tried is not None:
        yield from ("### Tried while the recipe was sought", "", *_experiments(tried))


def _experiments(found: recipe.Experiments) -> Iterator[str]:
    yield from (
        f"{found.how} Compared by accuracy on the held-out images: the difference from the base is the mean over the "
        "seeds, ± half of its 95 % interval; bold where it is larger than that. Test images took no part.",
        "",
    )
    copies = any(one.with_copies for one in found.variants)
    head = (
        "variant",
        "steps",
        "seeds",
        "validation (mean ± sd)",
        "difference",
        *(("with augmented copies", "difference") if copies else ()),
        "test (mean ± sd)",
        "empty image: certainty",
    )
    for network in dict.fromkeys(one.network for one in found.variants):
        rows = [_recipe_row(found, one, copies) for one in found.variants if one.network == network]
        yield from (f"#### `{network}`", "")
        yield from table(head, rows)
    if found.notes:
        yield from (*(f"- {note}" for note in found.notes), "")


def _recipe_row(found: recipe.Experiments, one: recipe.Variant, copies: bool) -> tuple[str, ...]:
    accuracy = f"{100 * mean(one.with_copies):.2f} %" if one.with_copies else "–"
    return (
        one.name,
        f"{one.steps:,}",
        f"{len(one.validation)}",
        f"{100 * mean(one.validation):.2f} ± {100 * stdev(one.validation):.2f} %",
        _difference(found.gain(one)),
        *((accuracy, _difference(found.gain(one, with_copies=True))) if copies else ()),
        f"{100 * mean(one.test):.2f} ± {100 * stdev(one.test):.2f} %",
        f"{mean(one.empty):.0%}",
    )


def _difference(gain: tuple[float, float] | None) -> str:
    if gain is None:
        return "–"
    difference = f"{100 * gain[0]:+.2f} ± {100 * gain[1]:.2f}".replace("-", "−")
    return f"**{difference}**" if abs(gain[0]) > gain[1] else difference
