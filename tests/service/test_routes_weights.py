import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files.checkpoint import load_all
from tests.helpers.operations import check_problem
from tests.helpers.pictures import sample

MODELS = ("paired-3x3", "summed-3x3", "lenet-6x16")


@pytest.mark.parametrize("model", MODELS)
def test_the_weights_are_those_of_the_checkpoint(client: TestClient, model: str) -> None:
    answer = client.get(f"/models/{model}/weights").json()
    checkpoint = load_all()[model]
    assert answer.pop("model") == {"name": model, "sha256": checkpoint.sha256}
    kept = {name: array.ravel() for name, array in checkpoint.network.weights.items()}
    names = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "affine.weight", "affine.bias")
    for (field, values), name in zip(answer.items(), names, strict=True):
        assert np.array_equal(np.float32(values).ravel(), kept[name]), field
    assert sum(np.size(values) for values in answer.values()) == checkpoint.network.architecture.parameters


@pytest.mark.parametrize("model", MODELS)
def test_each_step_can_be_computed_by_hand(client: TestClient, model: str) -> None:
    weights = client.get(f"/models/{model}/weights").json()
    process = client.post("/explain/process", params={"model": model}, files={"file": sample(7)}).json()
    image, pool1, pool2 = (np.array(process[name]) for name in ("image", "pool1", "pool2"))
    for number, conv1 in enumerate(process["conv1"]):
        window = image[9:14, 11:16]
        expected = (window * weights["conv1_filters"][number]).sum() + weights["conv1_bias"][number]
        assert conv1[9][11] == pytest.approx(expected)
        assert pool1[number][4][5] == pytest.approx(max(0, *conv1[8][10:12], *conv1[9][10:12]))
    for number, conv2 in enumerate(process["conv2"]):
        source, kernels = divmod(number, len(weights["conv2_filters"]))
        inputs = pool1[source : source + 1] if model == "paired-3x3" else pool1
        found = (inputs[:, 3:6, 2:5] * weights["conv2_filters"][kernels]).sum() + weights["conv2_bias"][kernels]
        assert conv2[3][2] == pytest.approx(found)
    logits = (np.array(weights["affine"]) * pool2).sum((1, 2, 3)) + weights["class_bias"]
    assert process["logits"] == pytest.approx(logits.tolist())


def test_an_unknown_name(client: TestClient) -> None:
    detail = "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3"
    check_problem(client.get("/models/resnet/weights"), 404, "unknown-model", detail)
