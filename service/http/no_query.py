"""Operations without parameters in the query."""

from fastapi import Depends, Request

from konkyo.models.errors import ParameterError
from konkyo.service.http.problem import UNKNOWN_PARAMETER


async def _no_query(request: Request) -> None:
    if request.query_params:
        raise ParameterError("query", UNKNOWN_PARAMETER)


NoQuery = Depends(_no_query)
