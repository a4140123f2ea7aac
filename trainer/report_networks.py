"""The report's sections about training: the cards, and what each part of the recipe is worth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer.markdown import table
from konkyo.trainer.studies import recipe
from konkyo.trainer.studies.statistics import Estimate
from konkyo.trainer.studies.statistics import p_values as corrected


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
        "not measured" if accuracy is None else f"{accuracy.test:.2%}",
        f"{100 * mean(tests):.2f} ± {100 * stdev(tests):.2f} %" if len(tests) > 1 else "–",
    )


def worth(studies: Path) -> Iterator[str]:
    """The section of the recipe's parts, and of what was tried beside them."""
    yield from ("## What each part of the recipe is worth", "")
    found = recipe.load(studies)
    if found is None:
        yield from ("Not measured yet.", "")
    else:
        seeds = len(found.variants[0].judged)
        yield from (f"`python -m trainer study recipe --seeds {seeds}`", "", *_experiments(found))


def _experiments(found: recipe.Experiments) -> Iterator[str]:
    compared = [one for one in found.variants if found.differences(one) is not None]
    known = [found.differences(one) or [] for one in compared]
    p_values = dict(zip(((one.network, one.name) for one in compared), corrected(known), strict=True))
    chance = 100 * 1.96 * (0.98 * 0.02 / recipe.JUDGING) ** 0.5
    yield from (
        f"{found.how} The difference from the base, in points, is the mean over the seeds, ± half of its 95 % interval "
        "by Student's t: it says what other seeds would give, judged by the same images. p: that the mean difference "
        f"is 0, by Holm's correction for all {len(compared)} comparisons; bold below 0.05.",
        "",
        f"Other judging images would give other accuracies: at 98 %, that of one network on {recipe.JUDGING:,} images "
        f"has itself a 95 % interval of ±{chance:.2f} points. Certainty: the probability of the class that an empty "
        "image is predicted as, mean over the seeds.",
        "",
    )
    head = "variant", "steps", "seeds", "judged (mean ± sd)", "difference", "p", "empty image: certainty"
    for network in dict.fromkeys(one.network for one in found.variants):
        rows = [
            _recipe_row(found, one, p_values.get((one.network, one.name)))
            for one in found.variants
            if one.network == network
        ]
        yield from (f"#### `{network}`", "")
        yield from table(head, rows)


def _recipe_row(found: recipe.Experiments, one: recipe.Variant, p_value: float | None) -> tuple[str, ...]:
    differences = found.differences(one)
    told = ("–", "–")
    if differences is not None and p_value is not None:
        gain = Estimate.of(differences)
        difference = f"{100 * gain.mean:+.2f} ± {100 * gain.interval:.2f}".replace("-", "−")
        told = (f"**{difference}**" if p_value < 0.05 else difference, f"{p_value:.3f}")
    return (
        one.name,
        f"{one.steps:,}",
        f"{len(one.judged)}",
        f"{100 * mean(one.judged):.2f} ± {100 * stdev(one.judged):.2f} %",
        *told,
        f"{mean(one.empty):.0%}" if len(one.empty) == len(one.judged) else "–",
    )
