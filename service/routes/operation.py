"""One declaration of each operation on an image: its path, its question, its answer."""

import inspect
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import create_model

from konkyo.models.question import Question
from konkyo.service.http import openapi
from konkyo.service.http.answer import HTML
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import Answer, ModelReference
from konkyo.service.routes.asking import Operation, Report, service_of
from konkyo.service.routes.queries import DocumentQuery, ImageQuery, query_of


class PlainRoute(APIRoute):
    """A route that calls its function without FastAPI's injection, which would take a tenth of a request's time."""

    def get_route_handler(self) -> Any:
        """The function itself; FastAPI describes it as any other."""
        return self.endpoint


def operation(
    path: str,
    asks: type[Question[Any]],
    answer: type[Answer],
    *,
    json_only: Iterable[str] = (),
    one_picture: tuple[str, str] | None = None,
    document: bool = False,
    report: Report | None = None,
    about: str = "",
    example: str = "",
    note: str = "",
    name: str = "explain",
) -> APIRouter:
    """The route of an operation: what it does and takes is what its question says.

    Parameters
    ----------
    path
        Its last part is the name of the example.
    asks
        The question. Its options are the query parameters.
    answer
        The fields of the answer in JSON, without ``input`` and ``model``, which all end with.
    json_only, one_picture
        As in ``query_of``.
    document
        Whether the answer also comes as a document.
    report
        What the result adds to the report of the image.
    about
        What only HTTP has, said behind the question's description.
    example, note
        The query of the example, and a remark on its answer.
    name
        Part of the identifier in the OpenAPI document, which is a method's name in a client.
    """
    query = query_of(asks, DocumentQuery if document else ImageQuery, json_only, one_picture)
    asked = Operation(query, report) if report else Operation(query)
    ends: dict[str, Any] = {"input": (PreprocessingReport, ...), "model": (ModelReference, ...)}
    whole = create_model(answer.__name__, __base__=answer, __doc__=answer.__doc__, **ends)
    summary, _, said = inspect.cleandoc(asks.__doc__ or "").partition("\n\n")
    router = APIRouter(tags=["questions"], route_class=PlainRoute)

    async def explain(request: Request) -> Response:
        return await service_of(request).answer(request, asked)

    router.add_api_route(
        path,
        explain,
        methods=["POST"],
        name=name,
        summary=summary,
        description=f"{said} {about}".strip(),
        response_model=whole,
        **openapi.operation(query, path.rpartition("/")[2], path + example, note, HTML if document else None),
    )
    return router
