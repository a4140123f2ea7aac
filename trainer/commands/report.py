"""``python -m trainer report``."""

from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.trainer.commands.options import STUDIES, ModelsOption, OutOption, chosen
from konkyo.trainer.commands.terminal import print_written
from konkyo.trainer.report import report as put_together


def report(models_directory: ModelsOption = DIRECTORY, out: OutOption = STUDIES) -> None:
    """Put what was measured together on one page, with its figures: README.md in the studies' folder."""
    page = put_together(chosen(models_directory, None), models_directory, out)
    path = out / "README.md"
    with replacing(path) as fresh:
        fresh.write_text(page, encoding="utf-8")
    print_written(path)
