"""``python -m trainer study grounds``."""

from functools import partial

from rich.markup import escape
from rich.table import Table

from konkyo.models.classes import Names
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.trainer.commands.options import (
    DATA,
    RUNS,
    STUDIES,
    DataOption,
    ImagesOption,
    ModelsOption,
    NamesOption,
    OutOption,
    RunsOption,
)
from konkyo.trainer.commands.studies import asked, keep
from konkyo.trainer.commands.terminal import console, counting, interruptible
from konkyo.trainer.studies.grounds import GroundsStudy, auroc, document, parts, study


def grounds(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: ImagesOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Prove the grounds of every test image: how many regions suffice for its class, and how few change it.

    Stop it at any time: the same command goes on where it was, and ends with the same numbers.
    """
    from konkyo.trainer.figures import grounds as figure

    for checkpoint, digits in asked(names, models_directory, data_directory, images):
        with interruptible("part"), counting(checkpoint.name, parts(digits)) as advance:
            found = study(checkpoint, digits, runs, advance)
        console.print(_table(checkpoint.name, checkpoint.network.classes, found))
        console.print(_warning(found), highlight=False)
        draw = partial(figure.draw, name=checkpoint.name, classes=checkpoint.network.classes, found=found)
        keep(out / checkpoint.name, "grounds", document(checkpoint, found), draw)


def _table(name: str, classes: Names, found: GroundsStudy) -> Table:
    caption = (
        "suffice: regions with which the class stays however the others are hidden; empty: none are needed; smallest: "
        "no fewer suffice, which is proven; change: the fewest regions whose hiding changes the class. Means. "
        "A name: the predicted class"
    )
    table = Table("", title=f"{name}, {len(found):,} images of 4×4 regions", caption=caption)
    for column in ("images", "suffice", "empty", "smallest", "over\nbudget", "change", "one does"):
        table.add_column(column, justify="right")
    for title, group in found.groups(len(classes)):
        if not len(group):
            continue
        numbers = group.document()
        sufficient, contrast, outcomes = numbers["sufficient"], numbers["contrast"], numbers["outcomes"]
        table.add_row(
            escape(classes[int(title)]) if title.isdecimal() else title,
            f"{len(group):,}",
            _number(sufficient["mean"], ".2f"),
            _number(sufficient["share_empty"], ".1%"),
            f"{outcomes['smallest'] / len(group):.1%}",
            f"{outcomes['over budget']}",
            _number(contrast["mean"], ".2f"),
            _number(contrast["share_single"], ".1%"),
            end_section=title in {"all", "wrong"},
        )
    return table


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else f"{value:{form}}"


def _warning(found: GroundsStudy) -> str:
    wrong = ~found.right[found.answered]
    areas = {name: auroc(values, wrong) for name, values in found.warnings().items()}
    listed = ", ".join(f"{name} {_number(area, '.3f')}" for name, area in areas.items())
    return f"As a warning of a wrong prediction, area under the ROC curve: {listed}."
