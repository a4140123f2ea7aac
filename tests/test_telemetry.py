import hashlib
import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.pictures import sample

UUID = re.compile(r"[0-9a-f]{32}")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metric(client: TestClient, name: str) -> float:
    """The value of a line of /metrics; 0 where there is none yet."""
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f"{name} "):
            return float(line.removeprefix(f"{name} "))
    return 0.0


def test_one_line_for_each_request(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.post("/explain/filters", params={"model": "summed-3x3"}, files={"file": sample(7)})
    [line] = lines(capsys)
    assert UUID.fullmatch(line["request_id"])
    assert answer.headers["x-request-id"] == line["request_id"]
    assert line["image"] == hashlib.sha256(sample(7)).hexdigest()[:16]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/explain/filters", 200)
    assert (line["bytes"], line["model"], line["form"]) == (len(sample(7)), "summed-3x3", "json")
    assert line["milliseconds"] > 0


def test_a_refusal_names_its_problem_and_nothing_of_the_clients(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/predict?secret=1", files={"file": ("secret.png", b"secret")})
    client.get("/secret")
    answered = capsys.readouterr().out
    first, second = (json.loads(line) for line in answered.splitlines())
    assert (first["status"], first["problem"], first["route"]) == (422, "invalid-parameter", "/predict")
    assert (second["status"], second["problem"], second["route"]) == (404, "not-found", None)
    assert "secret" not in answered


def test_what_one_request_noted_is_not_in_the_next(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.post("/predict", files={"file": sample(7)})
    client.get("/healthz")
    _, second = lines(capsys)
    assert "image" not in second


def test_a_request_id_is_kept_only_if_it_is_one(client: TestClient) -> None:
    known = "0123456789ab4def8123456789abcdef"
    assert client.get("/healthz", headers={"X-Request-ID": known}).headers["x-request-id"] == known
    assert client.get("/healthz", headers={"X-Request-ID": "<script>"}).headers["x-request-id"] != "<script>"


def test_explanations_are_timed_by_method(client: TestClient) -> None:
    name = 'konkyo_explanation_seconds_count{form="png",path="/explain/occlusion"}'
    before = metric(client, name)
    for _ in range(3):
        client.post("/explain/occlusion", params={"format": "png"}, files={"file": sample(7)})
    assert metric(client, name) == before + 3


def test_refusals_are_counted_by_reason(client: TestClient) -> None:
    name = 'konkyo_rejected_total{reason="unsupported-picture"}'
    before = metric(client, name)
    client.post("/predict", files={"file": b"hello"})
    assert metric(client, name) == before + 1


def test_the_served_models_are_named(client: TestClient) -> None:
    for model in client.get("/models").json()["models"]:
        assert metric(client, f'konkyo_model_info{{name="{model["name"]}",sha256="{model["sha256"]}"}}') == 1
