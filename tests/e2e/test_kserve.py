"""KServe's own client, where it is installed: ``make peers``."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from tests.helpers.tensors import SEVENS

NAME = "paired-3x3"
KEY = {"X-API-Key": "sesame"}
GREY = (SEVENS / 255).astype(np.float32)


@pytest.fixture
def kserve() -> Any:
    return pytest.importorskip("kserve", reason="kserve is not installed", exc_type=ImportError)


def ask(kserve: Any, protocol: str, question: Any) -> Any:
    async def scenario() -> Any:
        async with kserve.InferenceRESTClient(kserve.RESTConfig(protocol=protocol)) as client:
            return await question(client)

    return asyncio.run(scenario())


def test_it_finds_the_service_alive_and_ready(kserve: Any, guarded: str) -> None:
    url = f"http://{guarded}"
    assert ask(kserve, "v2", lambda client: client.is_server_live(url)) is True
    assert ask(kserve, "v2", lambda client: client.is_server_ready(url)) is True
    assert ask(kserve, "v2", lambda client: client.is_model_ready(url, NAME, headers=dict(KEY))) is True
    assert ask(kserve, "v2", lambda client: client.is_model_ready(url, "nobody", headers=dict(KEY))) is False


@pytest.mark.parametrize("in_bytes", [True, False])
def test_explanations_travel_as_tensors(kserve: Any, guarded: str, in_bytes: bool) -> None:
    tensor = kserve.InferInput("images", list(SEVENS.shape), "UINT8")
    tensor.set_data_from_numpy(SEVENS, binary_data=in_bytes)
    from kserve.protocol.infer_type import RequestedOutput

    outputs = [RequestedOutput(name, {"binary_data": in_bytes}) for name in ("logits", "shapley")]
    request = kserve.InferRequest(NAME, [tensor], request_id="42", request_outputs=outputs, parameters={"target": 3})
    answer = ask(kserve, "v2", lambda client: client.infer(f"http://{guarded}", request, NAME, headers=dict(KEY)))
    assert answer.id == "42"
    logits, shapley = answer.outputs
    assert logits.as_numpy().argmax(-1).tolist() == [7, 3]
    assert shapley.as_numpy().shape == (2, 7, 7)


def test_the_one_explanation_that_it_can_ask_for(kserve: Any, guarded: str) -> None:
    data = {"instances": GREY.tolist(), "outputs": ["shapley"]}
    answer = ask(kserve, "v1", lambda client: client.explain(f"http://{guarded}", NAME, data, headers=dict(KEY)))
    assert answer["predictions"] == [7, 3]
    assert np.shape([one["shapley"] for one in answer["explanations"]]) == (2, 7, 7)


def test_it_says_what_was_wrong(kserve: Any, guarded: str) -> None:
    with pytest.raises(
        httpx.HTTPStatusError, match=r"^this service needs a key, in the header X-API-Key, '401 Unauthorized'"
    ):
        ask(kserve, "v1", lambda client: client.explain(f"http://{guarded}", NAME, {"instances": []}))
