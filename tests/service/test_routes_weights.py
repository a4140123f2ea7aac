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
    first, second = answer["stages"]
    [head] = answer["head"]
    found = first["filters"], first["bias"], second["filters"], second["bias"], head["weights"], head["bias"]
    names = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "affine.weight", "affine.bias")
    for values, name in zip(found, names, strict=True):
        assert np.array_equal(np.float32(values), checkpoint.network.weights[name]), name
    assert sum(np.size(values) for values in found) == checkpoint.network.architecture.parameters


@pytest.mark.parametrize("model", MODELS)
def test_each_step_can_be_computed_by_hand(client: TestClient, model: str) -> None:
    weights = client.get(f"/models/{model}/weights").json()
    process = client.post("/explain/process", params={"model": model}, files={"file": sample(7)}).json()
    image, (first, second) = np.array(process["image"]), weights["stages"]
    below, last = (np.array(stage["maps"]) for stage in process["stages"])
    for number, responses in enumerate(process["stages"][0]["convolution"]):
        expected = (image[9:14, 11:16] * first["filters"][number][0]).sum() + first["bias"][number]
        assert responses[9][11] == pytest.approx(expected)
        assert below[number][4][5] == pytest.approx(max(0, *responses[8][10:12], *responses[9][10:12]))
    for number, responses in enumerate(process["stages"][1]["convolution"]):
        source, kernels = divmod(number, len(second["filters"]))
        inputs = below[source : source + 1] if model == "paired-3x3" else below
        found = (inputs[:, 3:6, 2:5] * second["filters"][kernels]).sum() + second["bias"][kernels]
        assert responses[3][2] == pytest.approx(found)
    [head] = weights["head"]
    assert process["logits"] == pytest.approx((np.array(head["weights"]) @ last.ravel() + head["bias"]).tolist())


def test_an_unknown_name(client: TestClient) -> None:
    detail = "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg"
    check_problem(client.get("/models/resnet/weights"), 404, "unknown-model", detail)
