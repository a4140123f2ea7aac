"""``python -m trainer study filters``."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from konkyo.models.classes import Names
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, USAGE_SUFFIX
from konkyo.models.usage import Distinct, PlacedPair, Usage
from konkyo.trainer.commands.options import (
    DATA,
    STUDIES,
    DataOption,
    ModelsOption,
    NamesOption,
    OutOption,
)
from konkyo.trainer.commands.studies import asked
from konkyo.trainer.commands.terminal import console, counting, print_written
from konkyo.trainer.studies.filters import study


def filters(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: Annotated[
        int | None, typer.Option("--images", min=1, help="Only the first training images.", show_default="all")
    ] = None,
) -> None:
    """Count which filter pair contributes most, in 1,000 correctly predicted training images a class (3.2, Fig. 4).

    Writes NAME.usage.json beside the checkpoint, which the service serves and measures typicality by, and a figure.
    """
    from konkyo.trainer.figures import filters as figure

    for checkpoint, digits in asked(names, models_directory, data_directory, images, "train"):
        with counting(checkpoint.name, len(digits)) as advance:
            found = study(checkpoint, digits, advance)
        console.print(_table(checkpoint.name, checkpoint.network.classes, found.usage))
        console.print(_verdict(found.usage.distinct, len(found.usage.classes)), highlight=False)
        usage_file.save(models_directory, checkpoint, found.usage)
        path = out / checkpoint.name / "filters.png"
        figure.draw(path, checkpoint.name, checkpoint.network, found.usage, found.maps)
        print_written(models_directory / f"{checkpoint.name}{USAGE_SUFFIX}", path)


def _table(name: str, classes: Names, usage: Usage) -> Table:
    caption = (
        "pairs: map that enters the last stage × filter of the last stage, from 0; %: images in which the pair "
        "contributes most; mean contribution"
    )
    table = Table("class", title=name, caption=caption)
    for column in ("images", "first", "%", "mean", "second", "%", "mean"):
        table.add_column(column, justify="right")
    for label, one in zip(classes, usage.classes, strict=True):
        second = _place(one.second) if one.second else ("–", "", "")
        table.add_row(escape(label), f"{one.images:,}", *_place(one.first), *second)
    return table


def _place(pair: PlacedPair) -> tuple[str, str, str]:
    return f"{pair.map}×{pair.filter}", f"{pair.share:.1%}", f"{pair.mean:.2f}"


def _verdict(distinct: Distinct, classes: int) -> str:
    """What the paper says of its network: with second place, no two classes use the same combination of pairs."""
    verdict = f"By first place alone, the {classes} classes use {distinct.first} different pairs. With second place, "
    if distinct.unordered == classes:
        return verdict + f"all {classes} combinations are different, as in the paper."
    verdict += f"{distinct.unordered} of the {classes} combinations are different (the paper: all)"
    return f"{verdict}; with first told apart from second, {distinct.ordered}."
