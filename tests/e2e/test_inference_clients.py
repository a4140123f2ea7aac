"""The client that people have, Triton's, in JSON and in bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.server import running_service
from tests.helpers.folders import NETWORKS
from tests.helpers.served import ARCHITECTURES, publish, samples
from tests.helpers.tensors import SEVENS

NAME = "paired-3x3"
KEY = {"X-API-Key": "sesame"}
UNKNOWN = f"there is no such model; there are {NETWORKS}"
NO_KEY = "this service needs a key, in the header X-API-Key"
GREY = (SEVENS / 255).astype(np.float32)


class TestTriton:
    @pytest.fixture
    def client(self, guarded: str) -> Iterator[Any]:
        http = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
        with http.InferenceServerClient(guarded) as client:
            yield client

    def images(self, values: Any, in_bytes: bool) -> Any:
        from tritonclient.http import InferInput

        tensor = InferInput("images", list(values.shape), "UINT8" if values.dtype == np.uint8 else "FP32")
        tensor.set_data_from_numpy(values, binary_data=in_bytes)
        return tensor

    def test_it_finds_the_service_alive_and_ready(self, client: Any) -> None:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(NAME, headers=dict(KEY))
        assert not client.is_model_ready("nobody", headers=dict(KEY))
        assert client.get_server_metadata(headers=dict(KEY))["extensions"] == ["binary_tensor_data"]
        metadata = client.get_model_metadata(NAME, headers=dict(KEY))
        assert metadata["outputs"][4] == {"name": "shapley", "datatype": "FP64", "shape": [-1, 7, 7]}
        assert client.is_model_ready(NAME, metadata["versions"][0], headers=dict(KEY))

    @pytest.mark.parametrize("sent_in_bytes", [True, False])
    @pytest.mark.parametrize("wanted_in_bytes", [True, False])
    @pytest.mark.parametrize("values", [SEVENS, GREY], ids=["UINT8", "FP32"])
    def test_explanations_travel_as_tensors(
        self, client: Any, values: Any, sent_in_bytes: bool, wanted_in_bytes: bool
    ) -> None:
        from tritonclient.http import InferRequestedOutput

        names = ("logits", "contributions", "occlusion", "shapley")
        outputs = [InferRequestedOutput(name, binary_data=wanted_in_bytes) for name in names]
        answer = client.infer(
            NAME,
            [self.images(values, sent_in_bytes)],
            outputs=outputs,
            request_id="42",
            parameters={"target": 3},
            headers=dict(KEY),  # it writes into them
        )
        assert answer.get_response()["id"] == "42"
        assert answer.as_numpy("logits").argmax(-1).tolist() == [7, 3]
        shapes = [answer.as_numpy(name).shape for name in names]
        assert shapes == [(2, 10), (2, 3, 3), (2, 14, 14), (2, 7, 7)]

    def test_without_outputs_it_gets_all_of_them(self, client: Any) -> None:
        answer = client.infer(NAME, [self.images(SEVENS, True)], headers=dict(KEY))
        assert answer.as_numpy("probabilities").sum(-1) == pytest.approx([1, 1])
        assert answer.as_numpy("shapley").shape == (2, 7, 7)

    def test_it_says_what_was_wrong(self, client: Any) -> None:
        from tritonclient.utils import InferenceServerException

        for arguments, headers, message in (
            (("nobody", [self.images(SEVENS, True)]), dict(KEY), rf"^\[404\] {UNKNOWN}$"),
            ((NAME, [self.images(SEVENS, True)]), {}, rf"^\[401\] {NO_KEY}$"),
            (
                (NAME, [self.images(GREY * 255, True)]),
                dict(KEY),
                r"must be from 0 to 1, and finite; send 0 to 255 as UINT8$",
            ),
        ):
            with pytest.raises(InferenceServerException, match=message):
                client.infer(*arguments, headers=headers)


def test_a_client_finds_the_shapes_of_any_network_in_its_metadata(tmp_path: Path) -> None:
    """With these alone it builds its request, and knows what comes."""
    http = pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
    shapes = {name: ARCHITECTURES[name] for name in ("colour", "deep", "kernels")}
    publish(tmp_path, shapes)
    settings = {"KONKYO_MODELS": str(tmp_path), "KONKYO_DEFAULT_MODEL": "deep"}
    with running_service(**settings) as address, http.InferenceServerClient(address) as client:
        for name, shape in shapes.items():
            images = np.stack([samples(shape, seed) for seed in (1, 2)])
            metadata = client.get_model_metadata(name)
            [taken] = metadata["inputs"]
            assert taken["shape"] == [-1, *images.shape[1:]]
            tensor = http.InferInput(taken["name"], [len(images), *taken["shape"][1:]], "UINT8")
            tensor.set_data_from_numpy(images, binary_data=True)
            asked = [http.InferRequestedOutput(output["name"]) for output in metadata["outputs"]]
            assert len(asked) == 6
            answer = client.infer(name, [tensor], outputs=asked)
            for output in metadata["outputs"]:
                found = answer.as_numpy(output["name"])
                assert found.shape == (2, *output["shape"][1:])
                assert np.isfinite(found).all()
            assert np.array_equal(answer.as_numpy("probabilities").argmax(-1), answer.as_numpy("logits").argmax(-1))
