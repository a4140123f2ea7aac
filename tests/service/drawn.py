"""Results made up for drawing, whose numbers are known; and what a drawn picture shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, ParamSpec
from xml.etree import ElementTree

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.filters.contributions import Account, FilterExplanation
from konkyo.models.filters.process import Process
from konkyo.models.filters.usage import ClassUsage, Usage
from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation, Score
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network, Trace
from konkyo.service.drawing.primitives.canvas import CAPITAL, Box, Canvas
from konkyo.service.drawing.primitives.colours import Pixels
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Form, Style
from tests.helpers.shapes import IMAGE, THREE, network_of

EMPTY = np.zeros((28, 28))
P = ParamSpec("P")
SVG = "{http://www.w3.org/2000/svg}"
ANCHORS = {None: 0.0, "middle": 0.5, "end": 1.0}


def account_of(totals: object, filter_bias: float = 0.0, class_bias: float = 0.0) -> Account:
    """Each map is its total in five equal cells of its middle row, nothing elsewhere."""
    values = np.array(totals, float)
    maps = np.zeros((*values.shape, 5, 5))
    maps[:, :, 2, :] = values[:, :, None] / 5
    biases = np.full(values.shape[1], filter_bias / values.shape[1])
    return Account(maps, values, biases, class_bias, float(values.sum() + filter_bias + class_bias))


def ledger_of(
    account: Account,
    architecture: Architecture = THREE,
    *,
    target: int = 5,
    versus: int | None = None,
    image: Array = IMAGE,
) -> FilterExplanation:
    """The last class is predicted."""
    return FilterExplanation(
        network=network_of(architecture),
        image=image,
        logits=np.arange(architecture.classes) / 10,
        target=target,
        versus=versus,
        account=account,
        totals=np.zeros((10, *account.contributions.shape)),
        typicality=None,
    )


def occlusion_of(
    regions: Regions = Regions(),
    drops: dict[tuple[int, int], float] | None = None,
    predictions: dict[tuple[int, int], int] | None = None,
    whole: float = 12.5,
    network: Network | None = None,
    image: Array = EMPTY,
) -> OcclusionExplanation:
    """Drops and predictions by region; everywhere else no drop, and 5 is predicted."""
    drop, prediction = np.zeros(regions.grid), np.full(regions.grid, 5)
    for place, value in (drops or {}).items():
        drop[place] = value
    for place, digit in (predictions or {}).items():
        prediction[place] = digit
    five = np.array(5)
    found = Occlusion(
        hiding=Hiding(regions, 0.0),
        score=Score.LOGIT,
        target=five,
        predicted=five,
        logits=np.eye(10)[5],
        whole=np.array(whole),
        drop=drop,
        prediction=prediction,
    )
    return OcclusionExplanation(
        network=network or network_of(THREE),
        image=image,
        logits=found.logits,
        target=5,
        versus=None,
        occlusion=found,
        pairs=None,
        contributions=None,
        faithfulness=None,
    )


def drops_of(
    heat: Array, totals: Array, architecture: Architecture = THREE, *, image: Array = EMPTY, target: int = 5
) -> OcclusionExplanation:
    """``heat`` is that of each pixel: the drops of regions of one pixel."""
    result = occlusion_of(Regions(1, side=architecture.side), network=network_of(architecture), image=image)
    return replace(
        result,
        logits=np.eye(architecture.classes)[min(5, architecture.classes - 1)],
        target=target,
        pairs=heat,
        contributions=totals,
    )


def scaled(result: Process, size: float) -> Process:
    """Every value, the weights of the head and the contributions times ``size``."""
    given = result.trace
    parts = ([values * size for values in some] for some in (given.convolutions, given.layers, given.hidden))
    convolutions, layers, hidden = map(tuple, parts)
    ledger = replace(
        result.ledger, weights=result.ledger.weights * size, contributions=result.ledger.contributions * size
    )
    account = replace(result.account, contributions=result.account.contributions * size)
    trace = Trace(given.stages, convolutions, layers, hidden, given.logits * size)
    return replace(result, trace=trace, logits=result.logits * size, ledger=ledger, account=account)


def study_of(architecture: Architecture, shares: dict[int, float] | None = None) -> Usage:
    """200 images a class; the pair of first place goes from class to class, by a share that can be given."""
    rng, pairs, classes = np.random.default_rng(2), int(np.prod(architecture.pairs)), []
    for number in range(architecture.classes):
        firsts, most = np.zeros(pairs, np.intp), round(200 * (shares or {}).get(number, 0.6))
        firsts[number % pairs] = most
        firsts[(number + 1) % pairs] += 200 - most
        mean = rng.normal(0, 3, architecture.pairs)
        classes.append(ClassUsage(200, firsts.reshape(mean.shape), mean, mean * 0, None))
    return Usage(2000, 200, tuple(classes), None)


def painted(draw: Callable[P, Canvas]) -> Callable[P, Pixels]:
    """What draws a picture, as what gives the indices of its pixels."""

    def pixels(*arguments: P.args, **named: P.kwargs) -> Pixels:
        canvas = draw(*arguments, **named)
        assert isinstance(canvas, Raster)
        return canvas.pixels

    return pixels


def region(pixels: Pixels, box: Box) -> Pixels:
    """What a box shows, at scale 1."""
    left, top, right, bottom = box
    return pixels[top:bottom, left:right]


def enlarged(cells: Pixels, box: Box) -> Pixels:
    """An array of cells as a box shows it, without smoothing."""
    return cells.repeat(box.height // len(cells), 0).repeat(box.width // cells.shape[1], 1)


class Line(NamedTuple):
    """A line of text, as an SVG has it."""

    x: float
    baseline: float
    text: str
    size: int
    align: float

    @property
    def box(self) -> Box:
        """Around its digits and capitals, in logical units."""
        left = self.x - self.align * width(self.text, self.size)
        right = left + width(self.text, self.size)
        return Box(int(left), int(self.baseline - CAPITAL * self.size), int(right), int(self.baseline))


def parsed(svg: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - it is our own


def lines_of(svg: bytes) -> list[Line]:
    """All that is written in a picture."""
    return [
        Line(
            float(text.get("x", "")),
            float(text.get("y", "")),
            text.text or "",
            int(text.get("font-size", "")),
            ANCHORS[text.get("text-anchor")],
        )
        for text in parsed(svg).iter(f"{SVG}text")
    ]


def texts_of(draw: Callable[..., Canvas], *arguments: object) -> list[str]:
    """The texts of what ``draw`` makes of the arguments and a style."""
    return [line.text for line in lines_of(draw(*arguments, Style(form=Form.SVG)).encode())]
