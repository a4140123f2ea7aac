"""The section of the report on faithful explanations."""

from collections.abc import Iterator
from typing import Any

from konkyo.trainer.markdown import table
from konkyo.trainer.studies.comparison import BESIDE, CRITERIA
from konkyo.trainer.studies.explanations import OPTIMISED, OURS


def faithfulness(found: dict[str, Any]) -> Iterator[str]:
    """Which rankings hold by every criterion, and a table of all."""
    explanations: dict[str, dict[str, Any]] = found["explanations"]
    yield (
        f"The first {found['images']:,} test images; sensitivity of the first 50. Deletion and insertion: area under "
        "the curve of the probability; `background` replaces pixels by 0, `blurred` by the blurred image. Infidelity: "
        "hides random squares. Less is better, but for insertion and agreement, which is the rank correlation with "
        "exact Shapley values. Means ± half of the 95 % interval; in brackets the rank. The greedy order is made for "
        "the first two columns: it shows what they can reach, and is in no comparison."
    )
    yield ""
    yield "Better by all five criteria, beyond the 95 % interval of the difference on the same images:"
    yield ""
    for name, one in explanations.items():
        others = [
            other for other in one["better_everywhere_than"] if explanations[other]["kind"] not in {OPTIMISED, "plain"}
        ]
        if one["kind"] != OPTIMISED and others:
            yield f"- {name}: than {', '.join(others)}"
    yield ""
    rows = []
    for name, one in sorted(explanations.items(), key=lambda entry: sum(entry[1]["ranks"][each] for each in CRITERIA)):
        label = f"**{name}**" if one["kind"] == OURS else name
        rows.append((label, *(_cell(one, column) for column in (*CRITERIA, *BESIDE))))
    yield from table(("ours are bold", *CRITERIA, *BESIDE), rows)
    if found["left_out"] is not None:
        yield found["left_out"]


def _cell(one: dict[str, Any], column: str) -> str:
    if ", " in column:
        curve, base = column.split(", ")
        mean, half = one["probability"][base][curve]
    else:
        mean, half = one[column]
    return f"{mean:.3f} ± {half:.3f} ({one['ranks'][column]})"
