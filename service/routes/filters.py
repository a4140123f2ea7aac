"""``POST /explain/filters``."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from PIL import Image

from models.contributions import contributions
from service import documentation, overlays
from service.doors import KeyRequired
from service.negotiation import Format
from service.routes.asking import DeskDependency, Question
from service.schemas import FilterContributions, FiltersQuery, MapDetail
from service.uploads import MAX_BODY

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY, dependencies=[KeyRequired])


@router.post(
    **documentation.question("/explain/filters"),
    summary="How much did each filter pair add to the class's score?",
    response_model=FilterContributions,
)
async def explain_filters(query: Annotated[FiltersQuery, Query()], desk: DeskDependency) -> Response:
    """Exact: the contributions and the biases add up to the logit. Filters are numbered from 0. The PNG shows the pair
    that adds most framed red, the second blue.
    """
    return await desk.answer(query, partial(_think, query))


def _think(query: FiltersQuery, question: Question) -> FilterContributions | Image.Image:
    ledger = contributions(question.checkpoint.precise, question.image)
    predicted = int(ledger.logits.argmax())
    target = predicted if query.target is None else query.target
    account = ledger.account(target, query.versus)
    typicality = question.usage.typicality(ledger.contributions)[target] if question.usage else None
    if question.form is Format.PNG:
        return overlays.ledger(
            question.image,
            question.checkpoint.network,
            account,
            predicted=predicted,
            target=target,
            versus=query.versus,
            typicality=typicality,
            scale=question.scale,
            theme=question.theme,
        )
    result = FilterContributions(
        predicted=predicted,
        target=target,
        versus=query.versus,
        logit=account.logit,
        class_bias=account.class_bias,
        filter_bias=account.filter_bias.tolist(),
        contributions=account.contributions.tolist(),
        ranking=account.ranking(),
        residual=account.residual,
        typicality=typicality,
        input=question.receipt,
        model=question.reference,
    )
    if query.maps is not MapDetail.NONE:
        result.totals = ledger.contributions.tolist()
    if query.maps is MapDetail.FULL:
        result.maps = account.maps.tolist()
    return result
