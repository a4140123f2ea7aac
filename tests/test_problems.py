import inspect

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from models.errors import ArchitectureError, CheckpointError, ImageError, KonkyoError
from service import errors
from service.app import create_app
from service.http import problems
from tests.test_routes_questions import check_problem


def tree(root: type[KonkyoError]) -> set[type[KonkyoError]]:
    leaves = {kind for child in root.__subclasses__() for kind in tree(child)}
    return leaves or {root}


# These stop the start or the trainer; no request can meet them.
NOT_ONLINE = {ArchitectureError, CheckpointError}


def test_every_error_that_a_request_can_meet_has_a_status() -> None:
    online = {kind for kind in tree(KonkyoError) if kind.__module__ in ("models.errors", "service.errors")}
    assert online - NOT_ONLINE == set(problems.STATUSES)


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
    answer = failing(ImageError("a picture must be finite")).get("/fail")
    check_problem(answer, 422, "unsuitable-picture", "a picture must be finite")


@pytest.mark.parametrize("error", [RuntimeError("secret"), CheckpointError("secret", "secret", "secret")])
def test_what_nobody_foresaw_says_nothing(error: Exception) -> None:
    answer = failing(error).get("/fail")
    check_problem(answer, 500, "internal", "something went wrong on our side; nothing is wrong with your request")
    assert "secret" not in answer.text


def test_unknown_paths(client: TestClient) -> None:
    detail = "there is nothing at this path; see /docs for what there is"
    check_problem(client.get("/nowhere"), 404, "not-found", detail)
    check_problem(client.get("/docs/static/..%2f..%2fapp.py"), 404, "not-found", detail)


def test_every_operation_documents_its_problems() -> None:
    paths = create_app().openapi()["paths"]
    for path in ("/predict", "/explain/filters", "/explain/occlusion", "/explain/process"):
        documented = paths[path]["post"]["responses"]
        assert set(documented) == {"200", "400", "401", "404", "406", "413", "415", "422", "503"}
        for status, response in documented.items():
            if status != "200":
                assert set(response["content"]) == {"application/problem+json"}
