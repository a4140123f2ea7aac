"""``python -m trainer study faithfulness``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.models.network import Array
from konkyo.trainer.commands.options import (
    DATA,
    RUNS,
    STUDIES,
    DataOption,
    ModelsOption,
    NamesOption,
    OutOption,
    RunsOption,
)
from konkyo.trainer.commands.studies import asked
from konkyo.trainer.commands.terminal import console, counting, interruptible, print_written
from konkyo.trainer.studies.comparison import BESIDE, CRITERIA, Measured, best, ranks
from konkyo.trainer.studies.document import write
from konkyo.trainer.studies.estimate import Estimate
from konkyo.trainer.studies.explanations import DEFAULT, EXPLANATIONS, OPTIMISED, OURS, SANE, Explanation
from konkyo.trainer.studies.faithfulness import document, parts, sanity, study
from konkyo.trainer.studies.sanity import layers_of

IMAGES = 200
# Heads that fit into 80 columns.
_SHORT = {
    "deletion": "del.",
    "insertion": "ins.",
    "background": "bg",
    "blurred": "blur",
    "infidelity": "infid.",
    "sensitivity": "sens.",
    "agreement": "agree",
}


def faithfulness(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[int, typer.Option(min=2, help="The first so many test images.")] = IMAGES,
    runs: RunsOption = RUNS,
    captum: Annotated[bool, typer.Option(help="Captum's explanations as well; `make test` installs Captum.")] = True,
) -> None:
    """Measure which explanation is faithful, ours and those of others, by five criteria.

    Stop it at any time: the same command goes on where it was, and ends with the same numbers.
    """
    from konkyo.trainer.figures import faithfulness as figure

    others, left_out = _captum() if captum else ([], "Captum's explanations were left out as asked (--no-captum)")
    if left_out is not None:
        console.print(escape(left_out), highlight=False)
    explanations = [*EXPLANATIONS, *others]
    sane = [explanation for explanation in explanations if explanation.name in SANE]
    for checkpoint, digits in asked(names, models_directory, data_directory, images):
        with interruptible("part"):
            with counting(f"{checkpoint.name}, curves", parts(digits, explanations)) as advance:
                measured = study(checkpoint, digits, runs, advance, explanations)
            with counting(f"{checkpoint.name}, random weights", len(sane)) as advance:
                checked = sanity(checkpoint, digits, runs, advance, sane)
        found = document(checkpoint, measured, checked, left_out)
        console.print(_table(checkpoint.name, measured))
        console.print(_sanity_table(list(layers_of(checkpoint.network.architecture)), checked))
        for line in _verdict(measured):
            console.print(line, highlight=False)
        written = out / checkpoint.name / "faithfulness.json", out / checkpoint.name / "faithfulness.png"
        write(written[0], found)
        figure.draw(written[1], checkpoint.name, measured)
        print_written(*written)


def _captum() -> tuple[list[Explanation], str | None]:
    """Captum's explanations, or none and why."""
    try:
        from konkyo.trainer.studies.captum_methods import CAPTUM_METHODS
        from konkyo.trainer.studies.perturbations import PERTURBATIONS
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing not in {"captum", "torch"}:
            raise
        return [], f"Captum's explanations are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
    return [*CAPTUM_METHODS, *PERTURBATIONS], None


def _table(name: str, measured: Sequence[Measured]) -> Table:
    """The least sum of ranks over the criteria first."""
    caption = (
        "Means. Deletion and insertion: area under the curve of the probability, with pixels replaced by the "
        "background (bg) or by the blurred image. Less is better, but for insertion and agreement. Bold: the service's "
        "default."
    )
    title = f"{name}, {len(measured[0].areas):,} images"
    table = Table("", title=title, caption=caption, box=SIMPLE, padding=(0, 1))
    for column in (*CRITERIA, *BESIDE):
        table.add_column("\n".join(_SHORT[word] for word in column.split(", ")), justify="right", no_wrap=True)
    by_criterion = ranks(measured)
    sums = [sum(by_criterion[criterion][number] for criterion in CRITERIA) for number in range(len(measured))]
    for number in sorted(range(len(measured)), key=lambda number: sums[number]):
        one = measured[number]
        style = "bold" if one.name == DEFAULT else "" if one.kind == OURS else "dim"
        means = (f"{one.values(column).mean():.3f}" for column in (*CRITERIA, *BESIDE))
        table.add_row(one.name, *means, style=style)
    return table


def _estimate(values: Array) -> str:
    """As physicists write it: 0.143(12) is 0.143 ± 0.012."""
    estimate = Estimate.of(values)
    return f"{estimate.mean:.3f}({1000 * estimate.interval:02.0f})"


def _sanity_table(layers: Sequence[str], checked: Mapping[str, Array]) -> Table:
    caption = "mean rank correlation over the ink with the explanation of the trained network; in brackets as above"
    table = Table("", title="weights drawn anew, from the top", caption=caption)
    for count in range(len(layers)):
        table.add_column("\n".join(layers[: count + 1]), justify="right")
    for name, values in checked.items():
        table.add_row(name, *(_estimate(values[:, stage].mean(0)) for stage in range(len(layers))))
    return table


def _verdict(measured: Sequence[Measured]) -> Iterator[str]:
    """Of the default and of the best of ours: what they are better than by every criterion."""
    judged = [one for one in measured if one.kind != OPTIMISED]
    for one in judged:
        if one.name in {DEFAULT, best(measured).name}:
            others = [other.name for other in judged if one.beats_everywhere(other)]
            yield f"{one.name} is better by all {len(CRITERIA)} criteria than: {'; '.join(others) or 'none'}"
