"""A question about one image, asked in one call."""

from collections.abc import Callable
from typing import Any

from konkyo.models.hiding.regions import Hiding
from konkyo.models.network import Array, Network
from konkyo.models.question import FiltersQuestion, OcclusionQuestion, ProcessQuestion, Question, ShapleyQuestion


def _asked(question: type[Question[Any]]) -> Callable[..., Any]:
    def ask(network: Network, image: Array, *classes: Any, hiding: Hiding | None = None, **options: Any) -> Any:
        if hiding is not None:
            regions = hiding.regions
            options |= {"region": regions.region, "stride": regions.stride, "fill": hiding.fill}
        return question(network, *classes, **options).answer(image)

    return ask


explain_filters = _asked(FiltersQuestion)
explain_process = _asked(ProcessQuestion)
explain_occlusion = _asked(OcclusionQuestion)
explain_shapley = _asked(ShapleyQuestion)
