"""Images, classes and options that no question takes: one message, whoever is asked."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.filters.contributions import class_maps, contributions
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.games import class_games, pair_games
from konkyo.models.hiding.occlusion import Score, occlude, pair_drops
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import pair_values, shapley_values
from konkyo.models.network import Network
from konkyo.models.result import predict
from tests.helpers.any_network import random_weights
from tests.helpers.asked import explain_filters, explain_occlusion, explain_process, explain_shapley
from tests.helpers.oracles import PAIRED, integer_image, random_network
from tests.helpers.refuse import refuses

NETWORK, IMAGE = random_network(PAIRED, 1), integer_image(1)
COLOUR, PHOTOGRAPH = random_weights(Architecture((Stage(2, 3),), 20, 3, classes=4), 1), np.zeros((3, 20, 20))
DEEP = random_weights(Architecture((Stage(3, 3), Stage(2, 3)), hidden=(8,)), 1)
BATCHES = (Network.logits, Network.trace, contributions, partial(class_maps, target=1), occlude)
SINGLE = (predict, explain_filters, explain_process, explain_occlusion, explain_shapley, class_games, grounds)


@pytest.mark.parametrize(
    ("network", "image", "message"),
    [
        (NETWORK, np.zeros(()), "an image must be 28×28; got an array of shape ()"),
        (NETWORK, np.zeros((28, 27)), "an image must be 28×28; got an array of shape (28, 27)"),
        (NETWORK, np.zeros((28, 28, 1)), "an image must be 28×28; got an array of shape (28, 28, 1)"),
        (COLOUR, PHOTOGRAPH[0], "an image must be 3×20×20; got an array of shape (20, 20)"),
        (COLOUR, PHOTOGRAPH[:, 1:], "an image must be 3×20×20; got an array of shape (3, 19, 20)"),
        (NETWORK, np.where(IMAGE > 0, np.nan, IMAGE), "an image must be finite: it holds NaN or infinity"),
        (COLOUR, PHOTOGRAPH - np.inf, "an image must be finite: it holds NaN or infinity"),
        *(
            (NETWORK, IMAGE.astype(kind), f"an image must hold floats in [0, 1], not {kind}; divide bytes by 255")
            for kind in ("uint8", "int64", "bool")
        ),
    ],
)
def test_another_image(network: Network, image: Any, message: str) -> None:
    single = image.ndim == len(network.architecture.image_shape)
    for ask in (*BATCHES, *(SINGLE if single else ())):
        with refuses(ImageError, message):
            ask(network, image)


def test_many_images_where_one_is_explained() -> None:
    for ask in SINGLE:
        with refuses(ImageError, "one image at a time; got an array of shape (1, 28, 28)"):
            ask(NETWORK, IMAGE[None])


ASKED: dict[str, Callable[..., object]] = {
    "account": contributions(NETWORK, IMAGE).account,
    "occlude": lambda target, versus=None: occlude(NETWORK, IMAGE, target, versus=versus),
    "pair_drops": partial(pair_drops, NETWORK, IMAGE, Hiding()),
    "values": shapley_values(NETWORK, IMAGE).of,
    "pair_games": partial(pair_games, NETWORK, IMAGE),
    "pair_values": partial(pair_values, NETWORK, IMAGE),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_another_class(ask: Callable[..., object]) -> None:
    for number in (-1, 10):
        with refuses(ParameterError, f"target: must be a class from 0 to 9, not {number}"):
            ask(number)
        with refuses(ParameterError, f"versus: must be a class from 0 to 9, not {number}"):
            ask(3, number)
    with refuses(ParameterError, "versus: must differ from the target; both are 4"):
        ask(4, 4)


PAIRS = "pairs: with hidden affine layers the head differs from hiding to hiding; ask without pairs"
STRIDE = "stride: must be from 1 to the region's 3, so that no pixel is skipped"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: class_maps(NETWORK, IMAGE, 10), "target: must be a class from 0 to 9, not 10"),
        (lambda: class_maps(COLOUR, PHOTOGRAPH, 4), "target: must be a class from 0 to 3, not 4"),
        (lambda: Regions(0), "region: must be from 1 to 14 pixels, not 0"),
        (lambda: Regions(15), "region: must be from 1 to 14 pixels, not 15"),
        (lambda: class_games(COLOUR, PHOTOGRAPH, 11), "region: must be from 1 to 10 pixels, not 11"),
        (
            lambda: occlude(COLOUR, PHOTOGRAPH),
            "region: these regions are of an image with a side of 28 pixels; the network's has 20",
        ),
        (lambda: Regions(3, 0), f"{STRIDE}, not 0"),
        (lambda: Regions(3, 4), f"{STRIDE}, not 4"),
        (lambda: Hiding(fill=-0.1), "fill: must be from 0 to 1, not -0.1"),
        (lambda: Hiding(fill=np.nan), "fill: must be from 0 to 1, not nan"),
        (lambda: class_games(NETWORK, IMAGE, fill=1.5), "fill: must be from 0 to 1, not 1.5"),
        (lambda: class_games(COLOUR, PHOTOGRAPH, 4, IMAGE), "fill: must be a number or an image of 3×20×20"),
        (
            lambda: explain_occlusion(NETWORK, IMAGE, score=Score.PROBABILITY, pairs=True),
            "pairs: contributions add up to the logit; ask for score=logit, or without pairs",
        ),
        (lambda: pair_games(DEEP, IMAGE, 0), PAIRS),
        (lambda: pair_drops(DEEP, IMAGE, Hiding(), 0), PAIRS),
        (lambda: explain_process(NETWORK, IMAGE, top=0), "top: must be from 1 to 256, not 0"),
        (lambda: explain_process(NETWORK, IMAGE, top=257), "top: must be from 1 to 256, not 257"),
    ],
)
def test_other_options(ask: Callable[[], object], message: str) -> None:
    with refuses(ParameterError, message):
        ask()
