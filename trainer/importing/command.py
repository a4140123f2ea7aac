"""``konkyo import``, also ``python -m trainer import``. It needs no torch, but for ``.pt`` files."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from konkyo.models.architecture import SIDES, parse_stages, written_stages
from konkyo.models.classes import Names, wrong_names
from konkyo.models.errors import KonkyoError
from konkyo.models.files import reading
from konkyo.models.files.card import ImportCard, Polarity, Preprocessing
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer import data
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.network_file import ImportOptions, read
from konkyo.trainer.importing.pixels import Asked, Pixels, asked, others
from konkyo.trainer.importing.publishing import check_name, check_place, preparation, publish
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.logits import told

# Test images on which other ranges are tried.
_TRIED = 1000
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def import_network(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="ONNX, or a state dict as safetensors or .pt.", metavar="FILE", show_default=False)
    ],
    data_directory: Annotated[
        Path | None,
        typer.Option("--data", help="A data set to measure the network on: IDX files, or a folder a class."),
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="Names of the classes, a line each.", show_default="numbers")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the checkpoint.", show_default="the file's")] = None,
    out: Annotated[
        Path,
        typer.Option(
            envvar="KONKYO_MODELS",
            help="Where the checkpoint and its card go; made where it is missing.",
            show_default="this folder",
        ),
    ] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a network of this name.")] = False,
    pixel_range: Annotated[
        str | None,
        typer.Option("--range", help="As what a pixel's least and greatest value enter: 0,1 or 0,255 or =-1,1."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option(help="What was subtracted from pixels in 0…1: a number, or one for each channel.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="What they were divided by then.")] = None,
    stages: Annotated[
        str | None, typer.Option(help="Of a state dict: filters, kernel, padding, such as 16k5p2,32k5p2; n: no pool.")
    ] = None,
    side: Annotated[
        int | None, typer.Option(min=SIDES[0], max=SIDES[-1], help="Of the images, if the file leaves it open.")
    ] = None,
    preprocessing: Annotated[
        Preprocessing | None,
        typer.Option(help="mnist: drawings are cropped, scaled and centred as MNIST's.", show_default="resize"),
    ] = None,
    polarity: Annotated[
        Polarity | None,
        typer.Option(help="Of the ink; auto: each picture's border says it.", show_default="light-on-dark"),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Divide the logits by the temperature that the training images of --data want."
        ),
    ] = False,
) -> None:
    """Bring a network that was trained elsewhere: check it, fold it into stages and a head, and write its card."""
    try:
        named = name or _slug(file.stem)
        check_name(named, "--name")
        said = [_numbers(name, text) for name, text in (("--range", pixel_range), ("--mean", mean), ("--std", std))]
        pixels = asked(Asked.COMMAND, *said)
        if calibrate and data_directory is None:
            raise NetworkFileError("--calibrate needs --data, the data set whose training images say the temperature")
        check_place(out, named, overwrite, file)
        listed = None if classes is None else _classes(classes)
        options = ImportOptions(None if stages is None else parse_stages(stages), side, pixels, listed)
        imported = read(file, options)
        shape = imported.network.architecture
        test = training = None
        if data_directory is not None:
            training = data.read(data_directory, "train", shape.side, shape.channels == 3) if calibrate else None
            test = data.read(data_directory, "t10k", shape.side, shape.channels == 3)
            if listed is None and len(test.about.classes) == shape.classes:
                imported = imported.called(test.about.classes)
        published = publish(imported, named, out, preparation(preprocessing, polarity, test), test, training)
    except (KonkyoError, OSError) as error:
        message = str(error)
        if isinstance(error, OSError):
            place = error.filename or file
            message = f"{place} cannot be read or written: {error.strerror or error}; name another place"
        typer.echo(f"error: {message}", err=True)
        raise typer.Exit(1) from error
    _tell(published, imported.card)
    if test is not None and pixels is not None:
        _tell_others(file, options, pixels, test[:_TRIED])
    if context.obj is not _SERVED:
        typer.echo(f"written: {out / published.name}.safetensors and .json")
        typer.echo(f"serve it: konkyo serve --models {shlex.quote(str(out))} --default-model {published.name}")


# What the context of the command holds where ``konkyo serve`` runs it: the checkpoint is gone with the service.
_SERVED = "served"
# The options that say how a network is read, and whether each takes a value.
OPTIONS = {
    name: not getattr(option, "is_flag", False)
    for option in typer.main.get_command(app).params
    for name in option.opts
    if name.startswith("--") and name not in ("--help", "--out", "--overwrite")
}


def described() -> str:
    """FILE and the options that say how it is read, as a part of another command's help."""
    with typer.Context(typer.main.get_command(app)) as context:
        lines = [one.get_help_record(context) for one in context.command.params if one.opts[0] in OPTIONS]
        text = context.make_formatter()
        with text.section("FILE: ONNX or a state dict, which is imported and served alone, with these options"):
            text.write_dl([line for line in lines if line])
    return text.getvalue()


def run(arguments: Sequence[str], program: str, *, served: bool = False) -> int:
    """Run the command; the exit status. ``served``: for a service that takes the checkpoint with it when it ends."""
    status: object = 0
    try:
        app(list(arguments), prog_name=program, obj=_SERVED if served else None)
    except SystemExit as ended:
        status = ended.code
    return status if isinstance(status, int) else 0


def _slug(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64] or "imported"


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
        if not all(abs(number) < 1e6 for number in numbers):
            raise ValueError
    except ValueError as error:
        raise NetworkFileError(f"{option} must be numbers, separated by commas, not {text[:40]!r}") from error
    return numbers


def _classes(path: Path) -> Names:
    try:
        text = reading.text(path)
    except ValueError as error:
        raise NetworkFileError(f"{path} cannot be read as UTF-8 text; the name of a class on each line fits") from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if wrong := wrong_names(names):
        raise NetworkFileError(f"{path}: the names, a line each, {wrong}")
    return names


def _tell_others(file: Path, options: ImportOptions, taken: Pixels, test: data.Labelled) -> None:
    """The accuracy under the other usual ranges: one that is higher says that the range is wrong."""
    for name, pixels in others(taken, 3 if test.images.ndim == 4 else 1).items():
        try:
            network = read(file, replace(options, pixels=pixels)).network
        except NetworkFileError:  # the graph says its range itself
            return
        typer.echo(f"with {name} it would be {evaluate(network, test).accuracy:.2%} of {len(test):,} test images")


def _tell(published: Checkpoint, card: ImportCard) -> None:
    shape = published.network.architecture
    colour = "grey" if shape.channels == 1 else "colour"
    hidden = f", hidden {', '.join(map(str, shape.hidden))}" if shape.hidden else ""
    typer.echo(
        f"{published.name}: {written_stages(shape.stages)}{hidden}; {shape.classes} classes; {colour} images of "
        f"{shape.side}×{shape.side}; {shape.parameters:,} parameters"
    )
    typer.echo(f"pixels enter as {Pixels(card.mean, card.std, card.range_by).written}: {card.range_by}")
    for note in card.folded:
        typer.echo(f"folded: {note}")
    if card.difference is not None:
        typer.echo(
            f"probabilities differ by at most {card.difference:.1e} from ONNX's evaluator, on {card.compared} random "
            "images"
        )
    elif card.format == "ONNX":
        typer.echo(
            "nothing was checked: in this range one class has all of the probability in each of the random images; "
            "look whether --range is right"
        )
    accuracy = published.card.accuracy
    typer.echo(
        "accuracy: not measured; --data names a data set"
        if accuracy is None
        else f"accuracy: {accuracy.test:.2%} of {accuracy.test_images:,} test images"
    )
    if published.card.calibration is not None:
        typer.echo(told(published.card))
