"""What stands in the place of hidden pixels."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.regions import FillKind
from konkyo.models.hiding.shapley import explain_shapley
from tests.helpers.any_network import torch_layers
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode
from tests.helpers.served import ARCHITECTURES, upload

PATHS = ("/explain/occlusion", "/explain/shapley", "/explain/grounds")


def ask(shapes: TestClient, path: str, name: str, **parameters: Any) -> Any:
    answer = shapes.post(path, params={"model": name, **parameters}, files=upload(ARCHITECTURES[name])[1])
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", ["colour", "deep"])
def test_the_background_is_the_median_of_each_channels_border(shapes: TestClient, name: str) -> None:
    architecture = ARCHITECTURES[name]
    body = ask(shapes, "/explain/occlusion", name, fill="background", region=8, target=1)
    assert body["fill"] == "background"
    shape = 1, architecture.channels, architecture.side, architecture.side
    image = upload(architecture)[0].reshape(shape)
    border = np.ones(shape[2:], bool)
    border[1:-1, 1:-1] = False
    hidden = image.copy()
    hidden[0, :, 8:16, 16:24] = np.median(image[0][:, border], axis=1)[:, None, None]
    network = shapes.app.state.service.catalogue.get(name).precise  # type: ignore[attr-defined]
    whole, without = (torch_layers(network, one)[-1].numpy()[0, 1] for one in (image, hidden))
    assert whole != pytest.approx(without, abs=1e-3)
    assert body["whole"] == pytest.approx(whole, abs=1e-11)
    assert body["drop"][1][2] == pytest.approx(whole - without, abs=1e-11)


@pytest.mark.parametrize("fill", FillKind)
@pytest.mark.parametrize("name", ["colour", "deep"])
def test_every_combination_has_it_too(shapes: TestClient, name: str, fill: FillKind) -> None:
    image, network = upload(ARCHITECTURES[name])[0], shapes.app.state.service.catalogue.get(name).precise  # type: ignore[attr-defined]
    body = ask(shapes, "/explain/shapley", name, fill=fill.value, region=8)
    result = explain_shapley(network, image, region=8, fill=fill)
    assert body["fill"] == fill.value
    np.testing.assert_allclose(body["values"], result.values, rtol=0, atol=1e-11)
    assert body["empty"]["logit"] == pytest.approx(result.found.empty_logit, abs=1e-11)
    proof = ask(shapes, "/explain/grounds", name, fill=fill.value, region=8)
    found = grounds(network, image, 8, fill)
    assert proof["fill"] == fill.value
    assert proof["sufficient"]["regions"] == [list(place) for place in found.sufficient.regions]
    assert proof["sufficient"]["margin"] == pytest.approx(found.sufficient.margin, abs=1e-11)


@pytest.mark.parametrize("fill", ["background", "blur", "0.5"])
@pytest.mark.parametrize("path", PATHS)
def test_the_picture_is_another(shapes: TestClient, path: str, fill: str) -> None:
    parameters: dict[str, str | int] = {"model": "deep", "format": "png", "region": 8}
    upload_of = upload(ARCHITECTURES["deep"])[1]
    plain, other = (
        decode(shapes.post(path, params={**parameters, **more}, files=upload_of).content)
        for more in ({}, {"fill": fill})
    )
    assert plain.shape != other.shape or (plain != other).any()


@pytest.mark.parametrize("fill", ["-0.1", "1.1", "nan", "inf", "median", "", "0.5,0.5,0.5"])
@pytest.mark.parametrize("path", PATHS)
def test_other_fills_are_refused(shapes: TestClient, path: str, fill: str) -> None:
    answer = shapes.post(path, params={"fill": fill}, files=upload(ARCHITECTURES["deep"])[1])
    check_problem(answer, 422, "invalid-parameter", "fill: must be a number from 0 to 1, background or blur")
