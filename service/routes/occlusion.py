"""``POST /explain/occlusion``."""

from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from PIL import Image

from models.occlusion import Regions, occlude
from service import documentation, overlays
from service.catalogue import CatalogueDependency
from service.negotiation import Format
from service.routes.asking import Question, answer
from service.schemas import CriticalRegion, OcclusionMap, OcclusionQuery
from service.uploads import MAX_BODY

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)


@router.post(**documentation.question("/explain/occlusion", "?region=7"), response_model=OcclusionMap)
async def explain_occlusion(
    request: Request, query: Annotated[OcclusionQuery, Query()], catalogue: CatalogueDependency
) -> Response:
    """Which regions of the picture does the answer rest on?

    Each region is hidden in turn. The PNG shows the drops over the digit, with the critical regions outlined: those
    without which another digit is read.
    """
    return await answer(request, query, catalogue, partial(_think, query))


def _think(query: OcclusionQuery, question: Question) -> OcclusionMap | Image.Image:
    regions = Regions(query.region, query.stride)
    result = occlude(
        question.checkpoint.network, question.image, query.target, regions, fill=query.fill, score=query.score
    )
    if question.form is Format.PNG:
        return overlays.occlusion(question.image, result, fill=query.fill, scale=question.scale, theme=question.theme)
    critical = [
        CriticalRegion(row=row, column=column, box=regions.box(row, column), digit=int(result.prediction[row, column]))
        for row, column in np.argwhere(result.critical).tolist()
    ]
    return OcclusionMap(
        predicted=result.predicted,
        target=result.target,
        score=result.score,
        baseline=result.baseline,
        region=regions.region,
        stride=regions.step,
        fill=query.fill,
        grid=regions.grid,
        drop=result.drop.tolist(),
        prediction=result.prediction.tolist(),
        critical=critical,
        input=question.receipt,
        model=question.reference,
    )
