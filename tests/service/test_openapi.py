"""The OpenAPI document says what really comes."""

import copy
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from support.pictures import encode, sample
from tests.helpers.operations import PATHS
from tests.helpers.tensors import SEVENS

Document = dict[str, Any]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROTOCOL_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/ProtocolProblem"}}}
INFER, EXPLAIN = "/v2/models/{name}/infer", "/v1/models/{name}:explain"
GUARDED = [("post", path) for path in PATHS] + [
    ("get", "/models"),
    ("get", "/models/{name}"),
    ("get", "/models/{name}/filters"),
    ("get", "/models/{name}/weights"),
    ("get", "/v2"),
    ("get", "/v2/models/{name}"),
    ("get", "/v2/models/{name}/ready"),
    ("post", INFER),
    ("post", EXPLAIN),
]
OPEN = [("get", "/healthz"), ("get", "/readyz"), ("get", "/v2/health/live"), ("get", "/v2/health/ready")]


@pytest.fixture(scope="module")
def document(client: TestClient) -> Document:
    found: Document = client.get("/openapi.json").json()
    return found


def strict(document: Document) -> Document:
    """The components, in which an object has no field that is not described."""
    components: Document = copy.deepcopy(document["components"])

    def close(value: Any) -> None:
        if isinstance(value, dict):
            if "properties" in value:
                value.setdefault("additionalProperties", False)
            for one in value.values():
                close(one)
        elif isinstance(value, list):
            for one in value:
                close(one)

    close(components["schemas"])
    return components


def check_answer(document: Document, method: str, path: str, answer: Any) -> None:
    """The answer is one that the document describes for its status."""
    media = answer.headers["content-type"]
    described = document["paths"][path][method]["responses"][str(answer.status_code)]["content"]
    schema = {**described[media]["schema"], "components": strict(document)}
    errors = [f"{one.instance_path}: {one.message}" for one in schema_errors(schema, answer.json())]
    assert errors == []


def schema_errors(schema: Document, value: Any) -> list[Any]:
    return list(jsonschema_rs.Draft202012Validator(schema).iter_errors(value))


def test_the_problem_is_defined_once_and_every_refusal_is_one(document: Document) -> None:
    schemas = document["components"]["schemas"]
    assert {name for name in schemas if "rror" in name or "roblem" in name} == {"Problem", "ProtocolProblem"}
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail"]
    assert schemas["ProtocolProblem"]["required"] == ["type", "title", "status", "detail", "error"]
    described = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described.add((method, path))
            for status, response in operation["responses"].items():
                if status != "200":
                    expected = PROTOCOL_PROBLEM if path.startswith("/v") else PROBLEM
                    assert response["content"] == expected, (method, path, status)
    assert described == {*GUARDED, *OPEN}
    for path in PATHS:
        statuses = {"200", "400", "401", "404", "406", "408", "413", "415", "422", "503"}
        assert set(document["paths"][path]["post"]["responses"]) == statuses


def test_the_key_is_a_security_scheme_of_guarded_operations_alone(document: Document) -> None:
    """And only where the service has keys: clients are made of the document, and would insist on one."""
    assert "securitySchemes" not in document["components"]
    assert not [
        path for path, one in document["paths"].items() for operation in one.values() if "security" in operation
    ]
    document = create_app(Settings(api_keys="secret")).openapi()
    scheme = document["components"]["securitySchemes"]["API key"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "X-API-Key")
    for method, path in GUARDED:
        assert document["paths"][path][method]["security"] == [{"API key": []}], path
        assert "401" in document["paths"][path][method]["responses"], path
    for method, path in OPEN:
        assert "security" not in document["paths"][path][method], path
        assert "401" not in document["paths"][path][method]["responses"], path


def test_fields_are_typed_and_described(document: Document) -> None:
    schema = document["paths"]["/models/{name}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ModelCard"}
    schemas = document["components"]["schemas"]
    card = schemas["ModelCard"]
    assert set(card["properties"]) == set(card["required"])
    assert card["properties"]["stages"]["items"] == {"$ref": "#/components/schemas/Stage"}
    prediction = schemas["PredictionAnswer"]["properties"]
    assert (prediction["logits"]["minItems"], prediction["logits"]["maxItems"]) == (2, 1024)
    assert (prediction["probability"]["minimum"], prediction["probability"]["maximum"]) == (0, 1)
    # Sizes are the network's: none is fixed.
    rows = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    assert schemas["ProcessAnswer"]["properties"]["image"]["anyOf"] == [rows, {"type": "array", "items": rows}]
    # Of a class of models/ each attribute's paragraph is its field's, and the whole docstring is nowhere.
    assert not [name for name, schema in schemas.items() if "-----" in schema.get("description", "")]
    assert schemas["PlacedPair"]["description"] == "A filter pair in first or second place."
    mean = schemas["PlacedPair"]["properties"]["mean"]["description"]
    assert mean == "Mean contribution to the class's logit."


OPTIONAL = {
    "PredictionAnswer": set(),
    "FiltersAnswer": {"versus", "contributions", "others", "totals", "maps"},
    "OcclusionAnswer": {"versus", "pairs", "faithfulness"},
    "ShapleyAnswer": {"versus", "pairs", "filter_bias", "interactions", "faithfulness"},
    "GroundsAnswer": {"hidden"},
    "ProcessAnswer": {"versus"},
    "Explainable": {"factor", "region", "regions"},
    "Problem": {"errors"},
}


def test_what_was_not_asked_for_is_absent_and_not_null(document: Document) -> None:
    for name, optional in OPTIONAL.items():
        schema = document["components"]["schemas"][name]
        assert set(schema["properties"]) - set(schema["required"]) == optional
        for field in optional:
            assert "null" not in str(schema["properties"][field]), field


# Every optional parameter on, and off.
QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "/predict": [{}],
    "/explain/filters": [
        {},
        {"maps": "none", "target": 3},
        {"maps": "full", "target": 8, "versus": 3, "model": "lenet-6x16"},
        {"top": 3, "versus": 3},
    ],
    "/explain/occlusion": [
        {},
        {"score": "probability", "faithfulness": True},
        {"pairs": True, "faithfulness": True, "target": 3, "region": 5, "stride": 4, "fill": "blur", "versus": 9},
    ],
    "/explain/shapley": [
        {},
        {"pairs": True, "versus": 3, "model": "summed-3x3"},
        {"interactions": True, "faithfulness": True, "target": 3, "region": 7, "fill": 0.5, "versus": 9},
    ],
    "/explain/grounds": [{}, {"region": 7, "fill": 0.5, "hide": "1.1"}],
    "/explain/process": [{}, {"model": "lenet-6x16", "target": 3, "versus": 8, "top": 2}],
}


def test_every_answer_is_what_the_document_says(
    client: TestClient, unstudied: TestClient, document: Document, path: str
) -> None:
    large = encode(np.kron(np.full((28, 28), 9, np.uint8), np.ones((4, 4), np.uint8)))
    for asked in QUESTIONS[path]:
        for data, more in ((sample(7), {}), (encode(np.zeros((28, 28), np.uint8)), {}), (large, {"fit": "mnist"})):
            answer = client.post(path, params={**asked, **more}, files={"file": data})
            assert answer.status_code == 200
            check_answer(document, "post", path, answer)
    check_answer(document, "post", path, unstudied.post(path, files={"file": sample(7)}))


def test_every_look_up_is_what_the_document_says(client: TestClient, unstudied: TestClient, document: Document) -> None:
    overlong = f"?{'q' * 2049}"
    asked = [path + end for method, path in OPEN for end in ("", overlong)]
    asked += [path + end for method, path in GUARDED if method == "get" for end in ("", "?scale=9", overlong)]
    for one in asked:
        template = one.partition("?")[0]
        for name in ("paired-3x3", "lenet-6x16", "nobody") if "{name}" in one else ("",):
            path = one.replace("{name}", name)
            check_answer(document, "get", template, client.get(path))
            check_answer(document, "get", template, unstudied.get(path))


def test_every_refusal_is_what_the_document_says(client: TestClient, document: Document, path: str) -> None:
    guarded = TestClient(create_app(Settings(api_keys="key")))
    upload = {"file": sample(7)}
    answers = {
        400: client.post(path, files={"picture": sample(7)}),
        401: guarded.post(path, files=upload),
        404: client.post(path, params={"model": "nobody"}, files=upload),
        406: client.post(path, headers={"accept": "text/html"}, files=upload),
        413: client.post(path, content=bytes(300_000), headers={"content-type": "image/png"}),
        415: client.post(path, files={"file": b"hello"}),
        422: client.post(path, params={"fit": "stretch", "regoin": 3}, files=upload),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        check_answer(document, "post", path, answer)


@pytest.mark.parametrize("template", [INFER, EXPLAIN])
def test_every_answer_of_the_inference_protocols_is_what_the_document_says(
    client: TestClient, document: Document, template: str
) -> None:
    path = template.replace("{name}", "lenet-6x16")
    images = (SEVENS / 255).tolist()
    tensor = {"name": "images", "datatype": "FP32", "shape": [2, 28, 28], "data": images}
    bodies: list[Document] = [{"inputs": [tensor], "id": "7"}, {"inputs": [tensor], "parameters": {"target": 3}}]
    if template == EXPLAIN:
        bodies = [{"instances": images}, {"instances": images, "outputs": ["logits"]}]
    for body in bodies:
        taken = {"$ref": f"#/components/schemas/{'InferRequest' if template == INFER else 'ExplainRequest'}"}
        assert schema_errors({**taken, "components": document["components"]}, body) == []
        answer = client.post(path, json=body)
        assert answer.status_code == 200
        check_answer(document, "post", template, answer)
    guarded = TestClient(create_app(Settings(api_keys="key")))
    refusals = {
        400: client.post(path, content=b"{"),
        401: guarded.post(path, json=bodies[0]),
        404: client.post(template.replace("{name}", "nobody"), json=bodies[0]),
        413: client.post(path, content=bytes(2**23 + 1)),
        415: client.post(path, json=bodies[0], headers={"content-encoding": "gzip"}),
        422: client.post(path, json={}),
    }
    assert set(document["paths"][template]["post"]["responses"]) == {"200", *map(str, refusals), "408", "503"}
    for status, answer in refusals.items():
        assert answer.status_code == status
        check_answer(document, "post", template, answer)


def test_the_check_finds_what_is_wrong(client: TestClient, document: Document) -> None:
    schema = {"$ref": "#/components/schemas/PredictionAnswer", "components": strict(document)}
    body = client.post("/predict", files={"file": sample(7)}).json()
    assert schema_errors(schema, body) == []
    wrongs: list[Document] = [{"digit": 7}, {"logits": [0.0]}, {"predicted": 1024}, {"input": {}}]
    for wrong in wrongs:
        assert schema_errors(schema, {**body, **wrong})
