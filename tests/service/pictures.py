"""The stored pictures: those of the gallery as they are asked for, and what it does not show, drawn of a network.

``python -m tests.service.pictures`` makes those anew that have changed, and says which: look at each of them. Those of
the gallery are made by ``tools.gallery``.

They are drawn with the font that Pillow brings, so they are the same on every machine with the Pillow of
constraints.txt. Another FreeType may draw the edges of letters otherwise: ``difference`` allows for it.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.architecture import Architecture
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.usage import Usage
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.occlusion import Score
from konkyo.models.hiding.regions import FillKind, Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.models.result import predict
from konkyo.service import drawing
from konkyo.service.app import create_app
from konkyo.service.drawing.primitives.canvas import Canvas
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.settings import Settings
from support.folders import DATA
from support.pictures import DIGITS, decode, encode, pixels
from tests.helpers.asked import explain_filters, explain_occlusion, explain_process, explain_shapley
from tests.helpers.shapes import (
    COLOUR,
    KERAS,
    MANY_CLASSES,
    ONE,
    ONE_STAGE,
    PAIRED_TWICE,
    THREE_STAGES,
    TORCH,
    image_of,
    network_of,
)
from tests.service.drawn import Line, lines_of, study_of
from tools import gallery

FOLDER = DATA / "pictures"
PAIRED, SUMMED, LENET, VGG = "paired-3x3", "summed-3x3", "lenet-6x16", "tiny-vgg"
DARK, TWICE, LARGE_DARK = Style(theme=Theme.DARK), Style(2), Style(2, Theme.DARK)
LONG = ("a tabby cat on a sofa", "giraffe", "a bus of the school district", "sport car")
# At most so many levels of 255 off the letters, where numbers may be rounded otherwise: two steps of a colour scale.
LEVELS = 8
# On letters, in the mean over squares of so many pixels. Another digit makes 11 or more, edges that are a shade lighter
# or darker at most 6.4.
SQUARE, MOST = 9, 8.0
IMAGES = re.compile(rb'href="data:[^"]*"')
Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One that is drawn here.

    Attributes
    ----------
    draw
        Of a network and an image.
    network
        The name of one that is shipped, or a shape, with random weights.
    image
        A digit of docs/digits; without one a bus for Tiny VGG, else random pixels; −1 is an empty image.
    classes
        Other names of its classes.
    """

    draw: Callable[[Network, Array, Style], Canvas]
    network: str | Architecture
    image: int | None = None
    style: Style = Style()
    classes: tuple[str, ...] = ()

    def drawn(self, style: Style) -> bytes:
        """The file, drawn now."""
        network = _network(self.network)
        if self.classes:
            network = Network(network.architecture, network.weights, self.classes)
        return self.draw(network, self._image(network), style).encode()

    def _image(self, network: Network) -> Array:
        if self.image == -1:
            return np.zeros(network.architecture.image_shape)
        if self.image is not None:
            return pixels(self.image) / 255
        if self.network == VGG:
            bus = Image.open(DATA / "networks" / "tiny-vgg" / "bus_1.jpeg").convert("RGB")
            return np.asarray(bus, float).transpose(2, 0, 1) / 255
        return image_of(network.architecture)


@dataclass(frozen=True)
class Asked:
    """One of the gallery, as the service answers."""

    shown: gallery.Picture

    @property
    def style(self) -> Style:
        query = dict(parse_qsl(self.shown.question.partition("?")[2]))
        form = Form(self.shown.form)
        scale = 2 if form is Form.PNG else 1
        return Style(scale, Theme(query.get("theme", "light")), form, Language(query.get("language", "en")))

    def drawn(self, style: Style) -> bytes:
        """The answer in this style."""
        path, _, query = self.shown.question.partition("?")
        asked = {**dict(parse_qsl(query)), "format": style.form, **asdict(style)}
        asked = {name: str(value) for name, value in asked.items() if name != "form"}
        if self.shown.digit is None:
            answer = _service().get(path, params=asked)
        else:
            file = {"file": (DIGITS / f"{self.shown.digit}.png").read_bytes()}
            answer = _service().post(path, params=asked, files=file)
        assert answer.status_code == 200, answer.text
        return answer.content


@cache
def _service() -> TestClient:
    return TestClient(create_app(Settings()))


@cache
def _network(network: str | Architecture) -> Network:
    return load(DIRECTORY / f"{network}.safetensors").precise if isinstance(network, str) else network_of(network)


def _study(name: str) -> Usage | None:
    return usage_file.load(DIRECTORY, load(DIRECTORY / f"{name}.safetensors"))


def by(explain: Callable[..., Any], draw: Callable[..., Canvas], **options: Any) -> Any:
    """The picture of an explanation with these options."""
    return lambda network, image, style: draw(explain(network, image, **options), style)


prediction = partial(by, predict, drawing.prediction)
shapley = partial(by, explain_shapley, drawing.shapley)
interactions = partial(by, explain_shapley, drawing.interactions, interactions=True)
proof = partial(by, grounds, drawing.grounds)
process = partial(by, explain_process, drawing.process)


def ledger(target: int | None = None, versus: int | None = None, study: str = "") -> Any:
    return lambda network, image, style: drawing.ledger(
        explain_filters(network, image, target, versus, usage=_study(study) if study else None), style
    )


def occlusion(regions: Regions | None = None, fill: float | FillKind = 0.0, **options: Any) -> Any:
    def draw(network: Network, image: Array, style: Style) -> Canvas:
        hiding = Hiding(regions or Regions(2, side=network.architecture.side), fill)
        result = explain_occlusion(network, image, hiding=hiding, **options)
        return (drawing.pair_drops if "pairs" in options else drawing.occlusion)(result, style)

    return draw


def usage(study: Callable[[Network], Usage | None]) -> Any:
    return lambda network, _, style: drawing.usage("some-net", network, study(network), style)


PICTURES: dict[str, Picture | Asked] = {
    **{f"gallery/{one.name}": Asked(one) for some in gallery.sections().values() for one in some},
    "prediction-many-classes": Picture(prediction(), MANY_CLASSES),
    "prediction-long-names": Picture(prediction(), COLOUR, None, Style(), LONG),
    "ledger-few-colours": Picture(ledger(1), COLOUR, None, DARK, LONG),
    "ledger-one-stage": Picture(ledger(), ONE_STAGE, 3),
    "ledger-one-pair": Picture(ledger(), ONE, 3),
    "ledger-three-stages": Picture(ledger(versus=1), THREE_STAGES, 3),
    "ledger-empty": Picture(ledger(), PAIRED, -1),
    "occlusion-overlapping": Picture(occlusion(Regions(12, 5), score=Score.PROBABILITY), PAIRED, 8),
    "occlusion-large": Picture(occlusion(Regions(14, 7), FillKind.BLUR), LENET, 4),
    "occlusion-long-names": Picture(occlusion(Regions(6, 2), target=2), PAIRED, 1, Style(), (*"01", *LONG, *"6789")),
    "occlusion-empty": Picture(occlusion(), PAIRED, -1),
    "pair-drops-ranked-dark": Picture(occlusion(Regions(4, 2), versus=8, pairs=True), LENET, 3, DARK),
    "pair-drops-colour": Picture(occlusion(Regions(4, side=16), pairs=True), COLOUR),
    "shapley-versus-dark": Picture(shapley(versus=7, fill=FillKind.BLUR), PAIRED, 9, DARK),
    "shapley-hidden-layer": Picture(shapley(region=7), TORCH, 5),
    "shapley-colour-dark": Picture(shapley(fill=FillKind.BACKGROUND), VGG, None, DARK),
    "shapley-long-names": Picture(shapley(region=4), COLOUR, None, TWICE, LONG),
    "interactions-dark-twice": Picture(interactions(region=7, versus=3), SUMMED, 8, LARGE_DARK),
    "interactions-colour": Picture(interactions(), VGG),
    "grounds-tried": Picture(proof(hide=((2, 2), (3, 2), (4, 4))), PAIRED, 9, DARK),
    "grounds-many": Picture(proof(region=7), LENET, 8, TWICE),
    "grounds-empty": Picture(proof(), PAIRED, -1),
    "process-versus": Picture(process(target=3, versus=8), SUMMED, 5),
    "process-many-maps": Picture(process(), KERAS, 3),
    "process-hidden-layer": Picture(process(), TORCH, 3),
    "process-colour": Picture(process(), VGG),
    "process-long-names": Picture(process(), PAIRED_TWICE, 3, Style(), LONG),
    "usage-ranked": Picture(usage(lambda network: study_of(network.architecture)), KERAS),
    "usage-colour": Picture(usage(lambda network: study_of(network.architecture)), COLOUR, None, Style(), LONG),
    "usage-not-studied": Picture(usage(lambda _: None), THREE_STAGES),
}


def path_of(name: str) -> Path:
    picture = PICTURES[name]
    return gallery.PICTURES / picture.shown.file if isinstance(picture, Asked) else FOLDER / f"{name}.png"


def lines_in(name: str) -> list[Line]:
    """A picture's lines of text."""
    picture = PICTURES[name]
    return lines_of(picture.drawn(replace(picture.style, form=Form.SVG)))


def letters_in(lines: list[Line], shape: tuple[int, ...], scale: int) -> NDArray[np.bool_]:
    """Where letters may be in a picture of this shape."""
    letters = np.zeros(shape[:2], bool)
    for line in lines:
        left, top, right, bottom = (edge * scale for edge in line.box.grow(line.size // 3 + 1))
        letters[max(top, 0) : bottom, max(left, 0) : right] = True
    return letters


def changed(name: str) -> str:
    """In what a picture is not the stored one; empty where it is."""
    picture, stored = PICTURES[name], path_of(name).read_bytes()
    drawn = picture.drawn(picture.style)
    if picture.style.form is Form.SVG:
        # The numbers in images may differ by a colour step.
        return "" if IMAGES.sub(b"", drawn) == IMAGES.sub(b"", stored) else "its text or its paths are others"
    colours = decode(drawn)
    return difference(colours, decode(stored), letters_in(lines_in(name), colours.shape, picture.style.scale))


def difference(colours: Rgb, stored: Rgb, letters: NDArray[np.bool_]) -> str:
    """In what a picture is not the stored one; empty where it is."""
    if colours.shape != stored.shape:
        return f"it is {colours.shape[1]}×{colours.shape[0]}, and the stored one {stored.shape[1]}×{stored.shape[0]}"
    apart = np.abs(colours.astype(int) - stored).max(-1)
    if (wrong := np.argwhere((apart > LEVELS) & ~letters)).size:
        return f"{len(wrong)} pixels have another colour, the first at x = {wrong[0][1]}, y = {wrong[0][0]}"
    mean = _mean(apart)
    worst = np.unravel_index(mean.argmax(), apart.shape)
    if mean[worst] > MOST:
        return f"the letters around x = {worst[1]}, y = {worst[0]} are others"
    return ""


def _mean(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Over the square around each pixel."""
    reach = SQUARE // 2
    sums = np.pad(values, ((reach + 1, reach), (reach + 1, reach))).cumsum(0).cumsum(1)
    whole = sums[SQUARE:, SQUARE:] - sums[:-SQUARE, SQUARE:] - sums[SQUARE:, :-SQUARE] + sums[:-SQUARE, :-SQUARE]
    return np.asarray(whole / SQUARE**2)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.stem not in PICTURES:
            path.unlink()
            print("removed", path.name)  # noqa: T201
    for name, picture in PICTURES.items():
        path = path_of(name)
        if path.parent == FOLDER and not (path.exists() and changed(name) == ""):
            path.write_bytes(encode(Image.open(BytesIO(picture.drawn(picture.style))), optimize=True))
            print("made", path.name)  # noqa: T201


if __name__ == "__main__":
    main()
