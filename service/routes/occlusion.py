"""``POST /explain/occlusion``."""

from typing import ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, BaseModel, Field

from konkyo.models.filters.usage import Usage
from konkyo.models.hiding.occlusion import Faithfulness, OcclusionExplanation, Score
from konkyo.models.network import Network
from konkyo.models.question import OcclusionQuestion
from konkyo.service.http import openapi
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import Class, ClassAnswer, Matrix, ModelReference
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ClassQuery, Fill, FillAnswer, Region

router = APIRouter(tags=["questions"], route_class=PlainRoute)


class OcclusionQuery(ClassQuery):
    """Parameters of `POST /explain/occlusion`."""

    JSON_ONLY: ClassVar[frozenset[str]] = frozenset({"faithfulness"})

    region: Region | None = Field(
        None,
        description="Side of a region in pixels, from 1 to half the image's side; if absent, as the model's `explains` "
        "says: 2 for images of up to 32 pixels a side, else 4.",
    )
    stride: Region | None = Field(None, description="1…region; the region's side, if absent.")
    fill: Fill = 0.0
    score: Score = Field(Score.LOGIT, description="What is compared before and after hiding.")
    pairs: bool = Field(False, description="Add the drop of each filter pair's contribution. Not for a probability.")
    faithfulness: bool = Field(False, description="Measure the explanation against random orders. Not for pictures.")

    def question(self, network: Network, usage: Usage | None) -> OcclusionQuestion:
        """The question about a network."""
        return OcclusionQuestion(
            network=network,
            usage=usage,
            target=self.target,
            versus=self.versus,
            region=self.region,
            stride=self.stride,
            fill=self.fill,
            score=self.score,
            pairs=self.pairs,
            faithfulness=self.faithfulness,
        )


class CriticalRegion(BaseModel):
    """A region whose hiding changes the prediction."""

    row: int = Field(ge=0)
    column: int = Field(ge=0)
    box: tuple[int, int, int, int] = Field(description="(left, top, right, bottom) in pixels, the last two excluded.")
    predicted: Class = Field(description="The predicted class with it hidden.")
    label: str = Field(description="Its name.")


class OcclusionAnswer(ClassAnswer):
    """The effect of hiding each region by itself."""

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
    score: Score
    whole: float = Field(description="The score of the whole image; with `versus`, the difference of the two scores.")
    region: Region
    stride: Region
    fill: FillAnswer
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    drop: Matrix = Field(
        description="[row][column]: whole − the score with the region hidden; a positive drop supports the target."
    )
    prediction: list[list[Class]] = Field(description="[row][column]: the predicted class with the region hidden.")
    critical: list[CriticalRegion] = Field(description="The regions whose hiding changes the prediction.")
    pairs: list[list[Matrix]] | MISSING = Field(MISSING, description="[row][column][map][filter], with `pairs=true`.")
    faithfulness: Faithfulness | MISSING = Field(MISSING, description="With `faithfulness=true`.")
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/occlusion",
    summary="Which regions of the image change the answer when they are hidden?",
    response_model=OcclusionAnswer,
    **openapi.operation(OcclusionQuery, "occlusion", "/explain/occlusion?region=7"),
)
async def explain(request: Request) -> Response:
    """Each region is hidden by itself, and the image is predicted again. The picture is a heatmap of the drops. It
    outlines the critical regions, whose hiding changes the prediction. With `pairs=true` it has a heatmap for each
    filter pair.
    """
    return await service_of(request).answer(request, _OPERATION)


_OPERATION = Operation[OcclusionQuery, OcclusionExplanation](OcclusionQuery)
