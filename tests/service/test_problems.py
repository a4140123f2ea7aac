import inspect
from typing import Annotated, Literal

import pytest
from fastapi import FastAPI, Query
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict

from konkyo.models.errors import ArchitectureError, CheckpointError, ImageError, KonkyoError
from konkyo.service import errors
from konkyo.service.http import problems
from konkyo.service.http.problems import WrongParameter
from tests.helpers.operations import check_problem
from tests.helpers.pictures import sample


def tree(root: type[KonkyoError]) -> set[type[KonkyoError]]:
    leaves = {kind for child in root.__subclasses__() for kind in tree(child)}
    return leaves or {root}


# The first two stop the start or the trainer; no request can meet them. Nobody reads the answer to the third.
NO_PROBLEM = {ArchitectureError, CheckpointError, errors.GoneError}


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    online = {
        kind for kind in tree(KonkyoError) if kind.__module__ in ("konkyo.models.errors", "konkyo.service.errors")
    }
    assert online - NO_PROBLEM == set(problems.STATUSES)


def test_the_drawn_tree_is_the_tree() -> None:
    drawn = {line.split()[1] for line in (errors.__doc__ or "").splitlines() if line.strip().startswith(("├", "└"))}
    defined = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__}
    assert drawn == defined


def failing(error: Exception) -> TestClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/fail")
    async def fail() -> None:
        raise error

    return TestClient(app, raise_server_exceptions=False)


def test_an_image_error_is_a_problem() -> None:
    answer = failing(ImageError("an image must be finite")).get("/fail")
    check_problem(answer, 422, "unsuitable-image", "an image must be finite")


@pytest.mark.parametrize("error", [CheckpointError("secret", "secret", "secret"), ArchitectureError("secret")])
def test_an_error_that_no_request_should_meet_is_no_problem(error: KonkyoError) -> None:
    """It goes on to the middleware, which answers with a 500."""
    with pytest.raises(type(error)) as caught:
        problems.of_domain(error)
    assert caught.value is error


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("query", "fill", "float"), "fill"),
        (("query", "fill", "literal['mean']"), "fill"),
        (("query", "target"), "target"),
        (("query",), "query"),
    ],
)
def test_an_error_in_a_union_is_named_by_the_parameter(place: tuple[str, ...], name: str) -> None:
    """What follows the name in the place is the alternative that was tried."""
    item = {"loc": place, "type": "float_parsing", "msg": "Input should be a valid number"}
    wrong = problems._wrong_parameter(item)
    assert wrong == WrongParameter(parameter=name, message="must be a valid number")


class _UnionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    fill: float | Literal["mean"] = 0.0


def test_each_alternative_of_a_union_is_said_under_the_parameters_name() -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/union")
    async def union(query: Annotated[_UnionQuery, Query()]) -> float | str:
        return query.fill

    answer = TestClient(app).get("/union?fill=grey")
    assert [one["parameter"] for one in answer.json()["errors"]] == ["fill", "fill"]
    detail = "fill: must be a valid number, unable to parse string as a number; fill: must be 'mean'"
    check_problem(answer, 422, "invalid-parameter", detail)


WRONG = {
    "format": "gif",
    "scale": "9",
    "theme": "blue",
    "fit": "stretch",
    "polarity": "dark",
    "target": "ten",
    "versus": "ten",
    "region": "0",
    "stride": "0",
    "fill": "2",
    "score": "loss",
    "pairs": "maybe",
    "faithfulness": "maybe",
}


@pytest.mark.threat("validation as a weapon")
def test_at_most_ten_errors_are_named(client: TestClient) -> None:
    answer = client.post("/explain/occlusion", params=WRONG, files={"file": sample(7)})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:konkyo:problem:invalid-parameter")
    named = answer.json()["errors"]
    assert len(named) == 10
    assert len({one["parameter"] for one in named}) == 10
    assert {one["parameter"] for one in named} < set(WRONG)
    assert answer.json()["detail"] == "; ".join(f"{one['parameter']}: {one['message']}" for one in named)


@pytest.mark.threat("validation as a weapon")
def test_unknown_parameters_are_said_once(client: TestClient) -> None:
    answer = client.post("/predict?secret=1&hidden=2&scale=9", files={"file": sample(7)})
    unknown = "holds a parameter that this operation does not have; /docs shows those it has"
    assert answer.json()["errors"] == [
        {"parameter": "scale", "message": "must be less than or equal to 4"},
        {"parameter": "query", "message": unknown},
    ]
    assert "secret" not in answer.text


def test_unknown_paths(client: TestClient) -> None:
    detail = "there is nothing at this path; see /docs for what there is"
    check_problem(client.get("/nowhere"), 404, "not-found", detail)
    check_problem(client.get("/docs/static/..%2f..%2fapp.py"), 404, "not-found", detail)
