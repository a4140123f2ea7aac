"""``POST /explain/occlusion``."""

from functools import partial
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response
from PIL import Image

from models.contributions import contributions
from models.errors import ParameterError
from models.faithfulness import receipt
from models.grounds import Grounds, find_grounds
from models.network import Array, softmax
from models.occlusion import Occlusion, occlude
from models.pairs import pair_drops, pair_heatmaps
from models.regions import Regions
from models.sufficient import sufficient_region
from models.verification import verify
from service import documentation, overlays
from service.doors import KeyRequired
from service.negotiation import Format
from service.routes.asking import DeskDependency, Question
from service.schemas import (
    AnswerGrounds,
    CriticalRegion,
    GroundsProof,
    Mode,
    OcclusionMap,
    OcclusionQuery,
    Reading,
    SufficientRegion,
)
from service.uploads import MAX_BODY

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY, dependencies=[KeyRequired])


@router.post(
    **documentation.question("/explain/occlusion", "?region=7"),
    summary="Which regions of the picture does the answer rest on?",
    response_model=OcclusionMap,
)
async def explain_occlusion(query: Annotated[OcclusionQuery, Query()], desk: DeskDependency) -> Response:
    """Each region is hidden in turn, and the grounds of the answer are found: few regions that are read so alone, and
    without which the picture no longer is. The PNG shows these; with `mode=independent` the drops over the digit, with
    the critical regions outlined: those without which another digit is read; with `mode=cumulative` the ink that is
    enough, and with `pairs=true` what each filter pair saw.
    """
    return await desk.answer(query, partial(_think, query))


def _think(query: OcclusionQuery, question: Question) -> OcclusionMap | Image.Image:
    network, image = question.checkpoint.precise, question.image
    regions = Regions(query.region, query.stride)
    if question.form is Format.PNG and query.pairs and query.mode is Mode.CUMULATIVE:
        raise ParameterError("pairs", "has a picture of its own; ask for mode=cumulative without it, or for JSON")
    result = occlude(network, image, query.target, regions, query.fill, query.score)
    if query.mode is Mode.CUMULATIVE and result.target != result.predicted:
        raise ParameterError("target", f"must be what is read, {result.predicted}, with mode=cumulative, or absent")
    if question.form is Format.PNG:
        return _draw(query, question, result)

    answered = _map(question, result)
    order = result.order
    if query.mode is Mode.GROUNDS:
        grounds = find_grounds(network, image, query.target, regions, query.fill)
        answered.grounds, order = _grounds(grounds), grounds.order
    if query.mode is Mode.CUMULATIVE:
        enough = sufficient_region(network, image, regions, query.fill)
        answered.sufficient = SufficientRegion(
            kept=enough.kept.astype(int).tolist(), regions=enough.count, probability=enough.probability
        )
    if query.verify:
        answered.verification = verify(network, image, regions, query.fill)
    if query.pairs:
        answered.pairs = pair_drops(network, image, int(result.target), regions, query.fill).tolist()
    if query.receipt:
        answered.receipt = receipt(network, image, regions, order, int(result.target), query.fill)
    return answered


def _draw(query: OcclusionQuery, question: Question, result: Occlusion) -> Image.Image:
    network, image, regions = question.checkpoint.precise, question.image, result.regions
    predicted, target = int(result.predicted), int(result.target)
    scale, theme = question.scale, question.theme
    if query.mode is Mode.CUMULATIVE:
        enough = sufficient_region(network, image, regions, query.fill)
        rows, columns = regions.grid
        return overlays.sufficient(
            image,
            enough.kept,
            digit=predicted,
            regions=enough.count,
            grid_regions=rows * columns,
            probability=enough.probability,
            scale=scale,
            theme=theme,
        )
    if query.pairs:
        drops = pair_drops(network, image, target, regions, query.fill)
        return overlays.pairs(
            image,
            pair_heatmaps(drops, regions),
            network,
            totals=contributions(network, image).contributions[target],
            predicted=predicted,
            target=target,
            region=regions.region,
            stride=regions.step,
            fill=query.fill,
            scale=scale,
            theme=theme,
        )
    if query.mode is Mode.GROUNDS:
        grounds = find_grounds(network, image, query.target, regions, query.fill)
        whole = softmax(network.logits(image))
        return overlays.grounds(image, grounds, whole, regions=regions, fill=query.fill, scale=scale, theme=theme)
    return overlays.occlusion(image, result, scale=scale, theme=theme)


def _grounds(grounds: Grounds) -> AnswerGrounds:
    proof = grounds.proof
    return AnswerGrounds(
        turn=grounds.turn.tolist(),
        regions=len(grounds.order),
        evidence=grounds.evidence,
        proof=proof
        and GroundsProof(regions=proof.regions, alone=_reading(proof.alone), without=_reading(proof.without)),
    )


def _reading(probabilities: Array) -> Reading:
    return Reading(digit=int(probabilities.argmax()), probability=float(probabilities.max()))


def _map(question: Question, result: Occlusion) -> OcclusionMap:
    regions = result.regions
    critical = [
        CriticalRegion(row=row, column=column, box=regions.box(row, column), digit=int(result.prediction[row, column]))
        for row, column in np.argwhere(result.critical).tolist()
    ]
    return OcclusionMap(
        predicted=int(result.predicted),
        target=int(result.target),
        score=result.score,
        baseline=float(result.baseline),
        region=regions.region,
        stride=regions.step,
        fill=result.fill,
        grid=regions.grid,
        drop=result.drop.tolist(),
        prediction=result.prediction.tolist(),
        critical=critical,
        input=question.receipt,
        model=question.reference,
    )
