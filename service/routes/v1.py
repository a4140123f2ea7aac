"""``POST /v1/models/{name}:explain``: the one explanation that KServe's client asks for."""

from functools import partial

from fastapi import APIRouter, Response

from konkyo.service.handling import openapi
from konkyo.service.http.no_query import NoQuery
from konkyo.service.http.security import KeyRequired
from konkyo.service.inference.answer import explain_answer
from konkyo.service.inference.inference import MAX_BODY, InferenceDependency
from konkyo.service.inference.messages import ExplainRequest, ExplainResponse
from konkyo.service.inference.question import explain_question

router = APIRouter(prefix="/v1", tags=["inference"], dependencies=[KeyRequired, NoQuery])


@router.post(
    "/models/{name}:explain",
    max_body_size=MAX_BODY,
    response_model=ExplainResponse,
    summary="Explain many images, as KServe's first protocol has it.",
    **openapi.protocol_operation(ExplainRequest),
)
async def explain(name: str, inference: InferenceDependency) -> Response:
    """The same outputs as those of `/v2/models/{name}/infer`, image by image."""
    checkpoint = inference.checkpoint(name)
    parse = partial(explain_question, network=checkpoint.network)
    return await inference.respond(checkpoint, parse, explain_answer)
