import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import DIRECTORY, load
from tests.helpers.operations import check_problem
from tests.helpers.oracles import linear_piece
from tests.helpers.pictures import pixels, sample

MODELS = {"paired-3x3": (3, 3), "summed-3x3": (3, 3), "lenet-6x16": (6, 16)}


def ask(client: TestClient, **parameters: str | int) -> Any:
    answer = client.post("/explain/filters", params=parameters, files={"file": sample(5)})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("model", MODELS)
def test_contributions_are_those_of_the_dense_linear_piece(client: TestClient, model: str) -> None:
    body = ask(client, model=model)
    image = pixels(5) / 255
    piece = linear_piece(load(DIRECTORY / f"{model}.safetensors").network, image)
    rows, columns = MODELS[model]
    expected = [[piece.pair(image, i, j)[5] for j in range(columns)] for i in range(rows)]
    assert np.allclose(body["contributions"], expected, atol=1e-10)
    assert body["predicted"] == body["target"] == 5
    assert body["label"] == "5"
    assert "versus" not in body


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("versus", [None, 3])
def test_the_ledger_adds_up(client: TestClient, model: str, versus: int | None) -> None:
    parameters = {} if versus is None else {"versus": versus}
    body = ask(client, model=model, target=8, **parameters)
    logits = client.post("/predict", params={"model": model}, files={"file": sample(5)}).json()["logits"]
    assert ("versus" in body, body.get("versus")) == (versus is not None, versus)
    whole = np.sum(body["contributions"]) + np.sum(body["filter_bias"]) + body["class_bias"]
    expected = logits[8] - (0 if versus is None else logits[versus])
    assert body["logit"] == pytest.approx(expected, abs=1e-10)
    assert whole + body["residual"] == pytest.approx(expected, abs=1e-10)
    assert abs(body["residual"]) < 1e-10


def test_ranking_and_shares(client: TestClient) -> None:
    body = ask(client)
    contributions = np.array(body["contributions"])
    ranking = body["ranking"]
    values = [pair["contribution"] for pair in ranking]
    assert values == sorted(contributions.ravel(), reverse=True)
    for pair in ranking:
        assert pair["contribution"] == contributions[pair["map"], pair["filter"]]
        assert pair["share"] == pytest.approx(pair["contribution"] / np.abs(contributions).sum())


@pytest.mark.parametrize("model", MODELS)
def test_typicality_is_the_place_among_the_studied_pictures(client: TestClient, model: str) -> None:
    """From the numbers of the study's file, which says how they were made."""
    study = json.loads((DIRECTORY / f"{model}.usage.json").read_text())
    covariance = np.array(study["covariance"])
    covariance += 0.001 * covariance.diagonal().mean() * np.eye(len(covariance))
    for target in (5, 3):
        body = ask(client, model=model, target=target)
        apart = (np.array(body["contributions"]) - study["classes"][target]["mean"]).ravel()
        distance = float(np.sqrt(apart @ np.linalg.solve(covariance, apart)))
        assert body["typicality"]["distance"] == pytest.approx(distance, rel=1e-6)
        further = np.array(study["classes"][target]["distances"]) > distance
        assert body["typicality"]["percentile"] == pytest.approx(further.mean() * 100, abs=1)
        # A class to compare with changes the ledger, and not how the target is used.
        assert ask(client, model=model, target=target, versus=8)["typicality"] == body["typicality"]


def test_a_network_that_was_not_studied_has_no_typicality(unstudied: TestClient) -> None:
    assert ask(unstudied)["typicality"] is None
    process = unstudied.post("/explain/process", files={"file": sample(5)})
    assert process.json()["typicality"] is None
    picture = unstudied.post("/explain/filters", params={"format": "png"}, files={"file": sample(5)})
    assert picture.status_code == 200


def test_maps_on_request(client: TestClient) -> None:
    none, totals, full = (ask(client, maps=detail) for detail in ("none", "totals", "full"))
    assert "totals" not in none
    assert "maps" not in none
    assert "maps" not in totals
    assert np.shape(totals["totals"]) == (10, 3, 3)
    assert totals["totals"][5] == none["contributions"]
    assert full["totals"] == totals["totals"]
    assert np.shape(full["maps"]) == (3, 3, 5, 5)
    assert np.allclose(np.sum(full["maps"], axis=(2, 3)), none["contributions"], atol=1e-10)


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"target": 10}, "target: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"target": -1}, "target: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"target": "five"}, "target: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"versus": 10}, "versus: must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ({"target": 3, "versus": 3}, "versus: must differ from the target; both are 3"),
        ({"versus": 5}, "versus: must differ from the target; both are 5"),
        ({"maps": "all"}, "maps: must be 'none', 'totals' or 'full'"),
        ({"region": 2}, "query: holds a parameter that this operation does not have; /docs shows those it has"),
    ],
)
def test_refusals(client: TestClient, parameters: dict[str, int | str], detail: str) -> None:
    answer = client.post("/explain/filters", params=parameters, files={"file": sample(5)})
    check_problem(answer, 422, "invalid-parameter", detail)
