"""``python -m trainer study occlusion``."""

from functools import partial

from rich.table import Table

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
from konkyo.trainer.studies.occlusion import RegionStudy, document, parts, study


def occlusion(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: ImagesOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Hide every region of every test image: what it costs, and how often the answer changes (section 4).

    Stop it at any time: the same command goes on where it was, and ends with the same numbers.
    """
    from konkyo.trainer.figures import occlusion as figure

    for checkpoint, digits in asked(names, models_directory, data_directory, images):
        with interruptible("part"), counting(checkpoint.name, parts(digits)) as advance:
            found = study(checkpoint, digits, runs, advance)
        console.print(_table(checkpoint.name, found))
        draw = partial(figure.draw, name=checkpoint.name, classes=checkpoint.network.classes, found=found)
        keep(out / checkpoint.name, "occlusion", document(checkpoint, found), draw)


def _table(name: str, found: list[RegionStudy]) -> Table:
    caption = (
        "critical: a region that changes the answer when it alone is hidden; hidings: of all regions of all images"
    )
    table = Table("region", title=f"{name}, {len(found[0].critical):,} images", caption=caption)
    for column in ("regions", "critical, mean", "median", "most", "images changed", "hidings changed"):
        table.add_column(column, justify="right")
    for one in found:
        critical = one.document()["critical"]
        table.add_row(
            f"{one.region}×{one.region}",
            str(one.drop[0].size),
            f"{critical['mean']:.2f}",
            f"{critical['median']:g}",
            str(critical["most"]),
            f"{one.images_changed:.1%}",
            f"{one.hidings_changed:.2%}",
        )
    return table
