from html import unescape
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.hiding.regions import FillKind, filled
from konkyo.models.network import softmax
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode, encode, pixels, sample

BLANK = encode(np.zeros((28, 28), np.uint8))


def ask(client: TestClient, data: bytes, **parameters: Any) -> Any:
    answer = client.post("/explain/grounds", params=parameters, files={"file": data})
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize(("digit", "fill"), [(1, 0.0), (3, 0.0), (8, 0.4)])
def test_proof_and_contrast_by_brute_force(client: TestClient, digit: int, fill: float) -> None:
    """Regions of 9×9: at most 16, so that every hiding can be predicted."""
    body = ask(client, sample(digit), region=9, fill=fill)
    network, image = load(DIRECTORY / "paired-3x3.safetensors").precise, pixels(digit) / 255
    players = [tuple(place) for place in body["players"]]
    hidings = list(product((False, True), repeat=len(players)))
    masks = np.zeros((len(players), 28, 28), bool)
    for number, (row, column) in enumerate(players):
        masks[number, 9 * row : 9 * row + 9, 9 * column : 9 * column + 9] = True
    hidden = [masks[list(hiding)].any(0) if any(hiding) else np.zeros((28, 28), bool) for hiding in hidings]
    logits = network.logits(np.where(hidden, fill, image))
    others = np.delete(logits, digit, axis=1).max(1)
    margins: dict[tuple[bool, ...], float] = dict(zip(hidings, (logits[:, digit] - others).tolist(), strict=True))

    def least(kept: tuple[tuple[int, int], ...]) -> float:
        free = [player not in kept for player in players]
        allowed = (hiding for hiding in hidings if all(f or not h for h, f in zip(hiding, free, strict=True)))
        return min(margins[hiding] for hiding in allowed)

    proof = body["sufficient"]
    kept = tuple(tuple(place) for place in proof["regions"])
    assert proof["margin"] == pytest.approx(least(kept), abs=1e-9)
    assert proof["margin"] > 0
    assert proof["combinations"] == 2 ** (len(players) - len(kept))
    assert proof["status"] == "smallest"
    for size in range(len(kept)):
        assert all(least(one) <= 1e-9 for one in combinations(players, size))
    changing = [hiding for hiding, margin in margins.items() if margin < 0]
    fewest = min((sum(hiding) for hiding in changing), default=None)
    if fewest is None:
        assert body["contrast"] is None
        return
    contrast = tuple(tuple(place) for place in body["contrast"]["regions"])
    assert len(contrast) == fewest
    hiding = tuple(player in contrast for player in players)
    assert margins[hiding] < 0
    assert body["contrast"]["predicted"] == logits[hidings.index(hiding)].argmax()
    for (row, column), box in zip(contrast, body["contrast"]["boxes"], strict=True):
        assert box == [9 * column, 9 * row, min(9 * column + 9, 28), min(9 * row + 9, 28)]


def test_a_seven_of_the_documents(client: TestClient) -> None:
    body = ask(client, sample(7))
    assert (body["predicted"], body["label"], body["region"], body["fill"], body["grid"]) == (7, "7", 4, 0.0, [7, 7])
    players = np.argwhere(pixels(7).reshape(7, 4, 7, 4).max((1, 3)) > 0)
    assert body["players"] == players.tolist()
    proof = body["sufficient"]
    assert proof["combinations"] == 2 ** (len(players) - len(proof["regions"]))
    assert proof["boxes"] == [[4 * c, 4 * r, 4 * c + 4, 4 * r + 4] for r, c in proof["regions"]]
    hidden = pixels(7).copy()
    for left, top, right, bottom in body["contrast"]["boxes"]:
        hidden[top:bottom, left:right] = 0
    after = client.post("/predict", files={"file": encode(hidden)}).json()
    assert after["predicted"] == body["contrast"]["predicted"] != 7


def test_an_empty_image_has_nothing_to_hide(client: TestClient) -> None:
    body = ask(client, BLANK)
    assert body["players"] == []
    assert body["sufficient"]["regions"] == []
    assert body["sufficient"]["combinations"] == 1
    assert body["contrast"] is None
    assert body["empty"]["predicted"] == body["predicted"]


def test_grounds_have_no_target(client: TestClient) -> None:
    answer = client.post("/explain/grounds", params={"target": 3}, files={"file": sample(7)})
    assert answer.status_code == 422
    detail = "query: holds a parameter that this operation does not have; /docs shows those it has"
    assert answer.json()["detail"] == detail


@pytest.mark.parametrize("data", [sample(7), BLANK], ids=["7", "blank"])
def test_the_picture_is_drawn(client: TestClient, data: bytes) -> None:
    answer = client.post("/explain/grounds", params={"format": "png"}, files={"file": data})
    assert answer.headers["content-type"] == "image/png"
    assert decode(answer.content)[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("fill", ["0", "0.5", "blur"])
def test_regions_can_be_hidden_to_see_what_is_predicted_then(client: TestClient, fill: str) -> None:
    question = {"hide": "3.2-2.2-4.4", "fill": fill}
    body = client.post("/explain/grounds", params=question, files={"file": sample(9)}).json()
    network, image = load(DIRECTORY / "paired-3x3.safetensors").precise, pixels(9) / 255
    gone = np.asarray(filled(image, FillKind(fill) if fill == "blur" else float(fill)))
    shown = image.copy()
    for row, column in ((3, 2), (2, 2), (4, 4)):
        area = np.s_[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        shown[area] = gone[area]
    logits = network.logits(shown)
    found = body["hidden"]
    assert found["regions"] == [[2, 2], [3, 2], [4, 4]]
    assert found["boxes"] == [[8, 8, 12, 12], [8, 12, 12, 16], [16, 16, 20, 20]]
    assert (found["predicted"], found["label"]) == (logits.argmax(), str(logits.argmax()))
    assert found["probability"] == pytest.approx(softmax(logits).max(), abs=1e-12)
    pictures = [
        client.post("/explain/grounds", params={**some, "format": "svg"}, files={"file": sample(9)}).text
        for some in ({}, question)
    ]
    assert "Hidden here: it" not in pictures[0]
    assert "Hidden here: it" in pictures[1]
    assert f"With 3 regions hidden, {found['label']} is predicted, {found['probability']:.1%}." in unescape(pictures[1])
    assert "hidden" not in client.post("/explain/grounds", files={"file": sample(9)}).json()


@pytest.mark.parametrize(
    ("hide", "message"),
    [
        ("7.0", "hide: must be regions of the grid, which has 7 rows and 7 columns"),
        ("0.12", "hide: must be regions of the grid, which has 7 rows and 7 columns"),
    ],
)
def test_regions_that_there_are_not_cannot_be_hidden(client: TestClient, hide: str, message: str) -> None:
    answer = client.post("/explain/grounds", params={"hide": hide}, files={"file": sample(9)})
    check_problem(answer, 422, "invalid-parameter", message)


@pytest.mark.parametrize("hide", ["", "1", "1.2-", "a.b", "1.2,3.4", "-1.2"])
def test_regions_are_named_by_row_and_column(client: TestClient, hide: str) -> None:
    answer = client.post("/explain/grounds", params={"hide": hide}, files={"file": sample(9)})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "hide")
