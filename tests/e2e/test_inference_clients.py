"""The client that people have, Triton's, in JSON and in bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient import http

from support.server import running_service
from tests.helpers.folders import NETWORKS
from tests.helpers.served import ARCHITECTURES, publish, samples
from tests.helpers.tensors import SEVENS

NAME = "paired-3x3"
KEY = {"X-API-Key": "sesame"}
GREY = (SEVENS / 255).astype(np.float32)


@pytest.fixture
def client(guarded: str) -> Iterator[Any]:
    with http.InferenceServerClient(guarded) as client:
        yield client


def images(values: Any, in_bytes: bool = True) -> Any:
    from tritonclient.http import InferInput

    tensor = InferInput("images", list(values.shape), "UINT8" if values.dtype == np.uint8 else "FP32")
    tensor.set_data_from_numpy(values, binary_data=in_bytes)
    return tensor


def test_it_finds_the_service_alive_and_ready(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(NAME, headers=dict(KEY))
    assert not client.is_model_ready("nobody", headers=dict(KEY))
    assert client.get_server_metadata(headers=dict(KEY))["extensions"] == ["binary_tensor_data"]
    metadata = client.get_model_metadata(NAME, headers=dict(KEY))
    assert client.is_model_ready(NAME, metadata["versions"][0], headers=dict(KEY))


@pytest.mark.parametrize("sent_in_bytes", [True, False])
@pytest.mark.parametrize("wanted_in_bytes", [True, False])
@pytest.mark.parametrize("values", [SEVENS, GREY], ids=["UINT8", "FP32"])
def test_explanations_travel_as_tensors(client: Any, values: Any, sent_in_bytes: bool, wanted_in_bytes: bool) -> None:
    from tritonclient.http import InferRequestedOutput

    names = ("logits", "contributions", "occlusion", "shapley")
    answer = client.infer(
        NAME,
        [images(values, sent_in_bytes)],
        outputs=[InferRequestedOutput(name, binary_data=wanted_in_bytes) for name in names],
        request_id="42",
        parameters={"target": 3},
        headers=dict(KEY),  # it writes into them
    )
    assert answer.get_response()["id"] == "42"
    assert answer.as_numpy("logits").argmax(-1).tolist() == [7, 3]
    assert [answer.as_numpy(name).shape for name in names] == [(2, 10), (2, 3, 3), (2, 14, 14), (2, 7, 7)]


def test_it_says_what_was_wrong(client: Any) -> None:
    from tritonclient.utils import InferenceServerException

    for name, values, headers, message in (
        ("nobody", SEVENS, dict(KEY), rf"^\[404\] there is no such model; there are {NETWORKS}$"),
        (NAME, SEVENS, {}, r"^\[401\] this service needs a key, in the header X-API-Key$"),
        (NAME, GREY * 255, dict(KEY), r"must be from 0 to 1, and finite; send 0 to 255 as UINT8$"),
    ):
        with pytest.raises(InferenceServerException, match=message):
            client.infer(name, [images(values)], headers=headers)


def test_a_client_finds_the_shapes_of_any_network_in_its_metadata(tmp_path: Path) -> None:
    """With these alone it builds its request, and knows what comes."""
    shapes = {name: ARCHITECTURES[name] for name in ("colour", "deep", "kernels")}
    publish(tmp_path, shapes)
    settings = {"KONKYO_MODELS": str(tmp_path), "KONKYO_DEFAULT_MODEL": "deep"}
    with running_service(**settings) as address, http.InferenceServerClient(address) as client:
        for name, shape in shapes.items():
            pictures = np.stack([samples(shape, seed) for seed in (1, 2)])
            metadata = client.get_model_metadata(name)
            [taken] = metadata["inputs"]
            assert taken["shape"] == [-1, *pictures.shape[1:]]
            asked = [http.InferRequestedOutput(output["name"]) for output in metadata["outputs"]]
            assert len(asked) == 6
            answer = client.infer(name, [images(pictures)], outputs=asked)
            for output in metadata["outputs"]:
                found = answer.as_numpy(output["name"])
                assert found.shape == (2, *output["shape"][1:])
                assert np.isfinite(found).all()
            # Without a list it gets all but one.
            usual = client.infer(name, [images(pictures)])
            lacking = [one["name"] for one in metadata["outputs"] if usual.as_numpy(one["name"]) is None]
            assert lacking == ["interactions"]
            assert np.array_equal(answer.as_numpy("probabilities").argmax(-1), answer.as_numpy("logits").argmax(-1))
