"""``python -m trainer report``."""

from models.checkpoint import DIRECTORY
from trainer.commands.options import STUDIES, ModelsOption, OutOption, chosen
from trainer.commands.terminal import print_written
from trainer.report import report as put_together


def report(models_directory: ModelsOption = DIRECTORY, out: OutOption = STUDIES) -> None:
    """Put what was measured together on one page, with its figures: README.md in the studies' folder."""
    page = put_together(chosen(models_directory, None), models_directory, out)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "README.md"
    path.write_text(page, encoding="utf-8")
    print_written(path)
