"""``python -m trainer study faithfulness``."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from models.checkpoint import DIRECTORY
from models.network import Array
from trainer.commands.options import (
    DATA,
    RUNS,
    STUDIES,
    DataOption,
    ModelsOption,
    NamesOption,
    OutOption,
    RunsOption,
    chosen,
    mnist,
)
from trainer.commands.terminal import console, counting, interruptible, print_written
from trainer.studies.curves import BASES, CURVES
from trainer.studies.document import write
from trainer.studies.explanations import DEFAULT, EXPLANATIONS, OURS, SANE, Explanation
from trainer.studies.faithfulness import Estimate, Measured, best, document, parts, sanity, study, unbeaten
from trainer.studies.sanity import LAYERS

IMAGES = 1000


def faithfulness(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[int, typer.Option(min=2, help="The first so many test images.")] = IMAGES,
    runs: RunsOption = RUNS,
    rivals: Annotated[bool, typer.Option(help="Captum's explanations as well; `make test` installs Captum.")] = True,
) -> None:
    """Measure which explanation is faithful: deletion and insertion curves of ours, and of Captum's.

    Stop it at any time: the same command goes on where it was, and ends with the same numbers.
    """
    from trainer.figures import faithfulness as figure

    others, left_out = _rivals() if rivals else ([], "Captum's explanations were left out as asked (--no-rivals)")
    if left_out is not None:
        console.print(escape(left_out), highlight=False)
    explanations = [*EXPLANATIONS, *others]
    sane = [explanation for explanation in EXPLANATIONS if explanation.name in SANE]
    checkpoints, digits = chosen(models_directory, names), mnist(data_directory, "t10k")[:images]
    for checkpoint in checkpoints:
        with interruptible("part"):
            with counting(f"{checkpoint.name}, curves", parts(digits, explanations)) as advance:
                measured = study(checkpoint, digits, runs, advance, explanations)
            with counting(f"{checkpoint.name}, random weights", len(sane)) as advance:
                checked = sanity(checkpoint, digits, runs, advance, sane)
        found = document(checkpoint, measured, checked, left_out)
        console.print(_table(checkpoint.name, measured))
        console.print(_sanity_table(checked))
        for line in _verdict(measured):
            console.print(line, highlight=False)
        written = out / checkpoint.name / "faithfulness.json", out / checkpoint.name / "faithfulness.png"
        write(written[0], found)
        figure.draw(written[1], checkpoint.name, measured)
        print_written(*written)


def _rivals() -> tuple[list[Explanation], str | None]:
    """Captum's explanations, or none and why."""
    try:
        from trainer.studies.rivals import RIVALS
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing not in {"captum", "torch"}:
            raise
        return [], f"Captum's explanations are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
    return RIVALS, None


def _table(name: str, measured: Sequence[Measured]) -> Table:
    """The widest gap between insertion and deletion over the ink first."""
    caption = (
        "Area under the curve of the probability; in brackets half of its 95 % interval, in the last digits. "
        "Deletion: lower is better; insertion: higher is better. all: of 784 pixels; ink: of those that hold ink. "
        "Bold: the service's default."
    )
    table = Table("", title=f"{name}, {len(measured[0].areas):,} images", caption=caption)
    for base, curve in product(BASES, CURVES):
        table.add_column(f"{curve}\n{base}", justify="right", no_wrap=True)
    for one in sorted(measured, key=lambda one: -one.gap):
        style = "bold" if one.name == DEFAULT else "" if one.kind == OURS else "dim"
        table.add_row(one.name, *(_cell(one, base, curve) for base, curve in product(BASES, CURVES)), style=style)
    return table


def _cell(one: Measured, base: str, curve: str) -> str:
    return _estimate(one.area("probability", base, curve))


def _estimate(values: Array) -> str:
    """As physicists write it: 0.143(12) is 0.143 ± 0.012."""
    estimate = Estimate.of(values)
    return f"{estimate.mean:.3f}({1000 * estimate.interval:02.0f})"


def _sanity_table(checked: Mapping[str, Array]) -> Table:
    caption = "mean rank correlation over the ink with the explanation of the trained network; in brackets as above"
    table = Table("", title="weights drawn anew, from the top", caption=caption)
    for count in range(len(LAYERS)):
        table.add_column("\n".join(LAYERS[: count + 1]), justify="right")
    for name, values in checked.items():
        table.add_row(name, *(_estimate(values[:, stage].mean(0)) for stage in range(len(LAYERS))))
    return table


def _verdict(measured: Sequence[Measured]) -> Iterator[str]:
    """Of the default and of the best of ours: what they are not better than."""
    for name in dict.fromkeys((DEFAULT, best(measured).name)):
        yield f"{name}{', the default,' if name == DEFAULT else ''} against Captum's explanations and plain orders:"
        for base, curves in unbeaten(measured, name).items():
            for curve, others in curves.items():
                yield f"  {curve}, {base}: " + (f"not better than {'; '.join(others)}" if others else "better than all")
