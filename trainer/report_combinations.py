"""The report's sections on Shapley values and on grounds, from what the studies wrote."""

from collections.abc import Iterator
from typing import Any

from konkyo.trainer.markdown import table


def shapley(found: dict[str, Any]) -> Iterator[str]:
    """How wrong the approximations are with the most evaluations that they were asked with."""
    yield (
        f"Against the exact values of {found['images']} test images (seed {found['seed']}), which take "
        f"{found['exact']['ms']:.1f} ms for all classes. Error: the mean absolute error over the regions with ink "
        "by the mean absolute value, with half of its 95 % interval. Time is that of the processor, for one image and "
        "one class. Told the players: without the regions that hold no ink."
    )
    yield ""
    rows = []
    for name, one in found["baselines"].items():
        (error, half), (rank, _) = one["error"][-1], one["rank_correlation"][-1]
        numbers = f"{error:.1%} ± {100 * half:.1f}", f"{rank:.3f}", f"{one['ms'][-1]:,.0f}"
        rows.append((name, f"{one['evaluations'][-1]:,.0f}", *numbers, *_enough(one)))
    head = (
        "Captum's",
        "evaluations",
        "error",
        "rank correlation",
        "ms",
        "evaluations for 2 %",
        "their ms",
        "their error",
    )
    yield from table(head, rows)
    for line in found["left_out"]:
        yield from (line + ".", "")
    checked = [one["checked"] for one in found["baselines"].values() if one["checked"]]
    if checked:
        yield (
            "~: follows from the last point, since the error falls with the root of the evaluations; their time and "
            f"error were measured on {checked[0]['images']} of the images. In brackets, what was expected for these."
        )


def _enough(one: dict[str, Any]) -> tuple[str, str, str]:
    enough, checked = one["enough"], one["checked"]
    if enough is None:
        return ("–" if one["converges"] or len(one["error"]) == 1 else "never"), "", ""
    evaluations = f"{'' if enough['within_measured'] else '~'}{enough['evaluations']:,}"
    if checked is None:
        return evaluations, "", ""
    return evaluations, f"{checked['ms']:,.0f}", f"{checked['error']:.1%} ({checked['expected']:.1%})"


def grounds(found: dict[str, Any]) -> Iterator[str]:
    """The sizes of both sets, and what the second warns of."""
    fewest, softmax = (found["auroc_of_wrong"][name] for name in ("fewest regions", "softmax probability"))
    if fewest is not None and softmax is not None:
        verdict = "worse" if fewest < softmax else "no worse"
        yield (
            f"As a warning of a wrong prediction, the fewest regions are {verdict} than the softmax probability: the "
            f"area under the ROC curve is {fewest:.3f} against {softmax:.3f}."
        )
        yield ""
    rows = []
    for name, one in found["groups"].items():
        sufficient, contrast, outcomes = one["sufficient"], one["contrast"], one["outcomes"]
        if sufficient["mean"] is None or contrast["mean"] is None:
            continue
        rows.append(
            (
                name if name == "all" else f"predicted {name}",
                f"{one['images']:,}",
                f"{sufficient['mean']:.2f}",
                f"{sufficient['most']}",
                f"{sufficient['share_empty']:.1%}",
                f"{outcomes['smallest'] / one['images']:.1%}",
                f"{outcomes['over budget']}",
                f"{contrast['mean']:.2f}",
                f"{contrast['most']}",
                f"{contrast['share_single']:.1%}",
            )
        )
    head = "", "images", "suffice, mean", "most", "none needed", "proven smallest", "over budget"
    yield from table((*head, "fewest that change it, mean", "most", "a single one does"), rows)


def consistency(found: dict[str, Any]) -> Iterator[str]:
    """How much the maps and the proofs of all seeds agree."""
    sets = found["sufficient_sets"]
    shapley_map = found["maps"]["Shapley 4×4"]
    yield (
        f"{len(found['seeds'])} networks of different seeds. They predict {found['predicted_alike']:,} of "
        f"{found['images']:,} test images alike, and explain these. Two networks’ Shapley maps have a rank correlation "
        f"of {shapley_map['between_networks'][0]:.2f}; their proven sufficient sets have a Jaccard index of "
        f"{sets['overlap'][0]:.2f}, random sets of the same sizes {sets['overlap_by_chance'][0]:.2f}. The set that "
        f"proves the class of one network proves that of another in {sets['hold_for_another_network'][0]:.0%} of cases."
    )
    yield ""
    rows = [(name, *(f"{mean:.3f} ± {half:.3f}" for mean, half in one.values())) for name, one in found["maps"].items()]
    yield from table(("rank correlation over regions with ink", "between two networks", "of a map with the ink"), rows)
