"""A question about one image, asked in one call."""

from typing import Any

from konkyo.models.hiding.regions import Hiding
from konkyo.models.network import Array, Network
from konkyo.models.question import FiltersQuestion, OcclusionQuestion, ProcessQuestion, ShapleyQuestion


def explain_filters(network: Network, image: Array, *classes: int | None, **options: Any) -> Any:
    """The contributions to a class."""
    return FiltersQuestion(network, *classes, **options).answer(image)


def explain_process(network: Network, image: Array, *classes: int | None, **options: Any) -> Any:
    """All layers."""
    return ProcessQuestion(network, *classes, **options).answer(image)


def explain_occlusion(
    network: Network,
    image: Array,
    target: int | None = None,
    versus: int | None = None,
    hiding: Hiding = Hiding(),
    score: Any = "logit",
    **options: Any,
) -> Any:
    """The drops of a class as regions are hidden."""
    asked = OcclusionQuestion(
        network,
        target,
        versus,
        region=hiding.regions.region,
        stride=hiding.regions.stride,
        fill=hiding.fill,
        score=score,
        **options,
    )
    return asked.answer(image)


def explain_shapley(
    network: Network,
    image: Array,
    target: int | None = None,
    versus: int | None = None,
    region: int | None = None,
    fill: Any = 0.0,
    **options: Any,
) -> Any:
    """The Shapley values of the regions."""
    return ShapleyQuestion(network, target, versus, region=region, fill=fill, **options).answer(image)
