"""What is refused, in tables: a request, its status, and its exact message. The protocols have theirs in
test_protocols_refusals.py."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.architecture import Architecture
from tests.helpers.folders import NETWORKS
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.pictures import encode, pixels, sample
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload

SEVEN = {"file": sample(7)}
MULTIPART = "multipart/form-data; boundary=x"

INVALID, UNSUITABLE, MALFORMED = "invalid-parameter", "unsuitable-image", "malformed-upload"
UNKNOWN = "query: holds a parameter that this operation does not have; /docs shows those it has"
NO_MODEL = f"there is no such model; there are {NETWORKS}"
ACCEPT = "answers come as application/json, image/png or image/svg+xml; Accept allows none of them"
NOTHING = "there is nothing at this path; see /docs for what there is"
PICTURES_ONLY = "{}: is for pictures; ask for format=png or svg too, or leave it out"
JSON_ONLY = "{}: is for JSON; ask for format=json, or leave it out"
LETTERS = "language: the letters of a PNG are English; ask for format=svg, which has Japanese"
TOO_LARGE = "the request is larger than 256 KiB; make the image smaller: 28×28 needs less than 4 KiB"
FORM = "the form cannot be read; it must have a boundary and one file, in the field 'file'"
ONE_FIELD = "the form must hold nothing but the field 'file'; parameters go into the query string, as in ?target=3"
NO_FILE = "the form has no file in the field 'file'"
FORMAT = "the file is neither a PNG nor a JPEG image"
TYPES = (
    "send the image as multipart/form-data in the field 'file', "
    "or as the body itself with the Content-Type image/png or image/jpeg"
)
CLASSES = "must be one of the classes 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
FILL = "fill: must be a number from 0 to 1, background or blur"
GRID = "hide: must be regions of the grid, which has 7 rows and 7 columns"
FIT = "with ?fit=auto it is brought to that size as the network's own images were"
BETWEEN = "with auto a picture is brought to that size as the network's own images were"
TOO_MUCH = "all their combinations take more than 64 MiB"


def refused(answer: Any, status: int, kind: str, detail: str) -> None:
    """With this problem, which names each wrong parameter."""
    check_problem(answer, status, kind, detail)
    if kind == INVALID:
        named = [f"{wrong['parameter']}: {wrong['message']}" for wrong in answer.json()["errors"]]
        assert "; ".join(named) == detail


# What every operation on an image refuses: the query, headers, and the problem.
QUERIES: list[tuple[str, dict[str, str], int, str, str]] = [
    ("fit=stretch", {}, 422, INVALID, "fit: must be 'auto', 'exact', 'mnist' or 'resize'"),
    ("polarity=dark", {}, 422, INVALID, "polarity: must be 'auto', 'light-on-dark' or 'dark-on-light'"),
    ("format=gif", {}, 422, INVALID, "format: must be 'json', 'png' or 'svg'"),
    ("scale=0", {}, 422, INVALID, "scale: must be greater than or equal to 1"),
    ("scale=5", {}, 422, INVALID, "scale: must be less than or equal to 4"),
    ("theme=blue", {}, 422, INVALID, "theme: must be 'light' or 'dark'"),
    ("regoin=4", {}, 422, INVALID, UNKNOWN),
    ("theme=dark&scale=2&theme=dark", {}, 422, INVALID, "theme: must be given once"),
    ("model=resnet", {}, 404, "unknown-model", NO_MODEL),
    ("", {"accept": "text/html"}, 406, "not-acceptable", ACCEPT),
    ("language=ja&format=png", {}, 422, INVALID, LETTERS),
    ("language=ja", {"accept": "image/png"}, 422, INVALID, LETTERS),
    *(
        (f"{one}{end}", {}, 422, INVALID, PICTURES_ONLY.format(one.partition("=")[0]))
        for one in ("scale=1", "theme=light", "language=en")
        for end in ("", "&format=json")
    ),
]


@pytest.mark.parametrize(("query", "headers", "status", "kind", "detail"), QUERIES, ids=[one[0] for one in QUERIES])
def test_queries(client: TestClient, query: str, headers: dict[str, str], status: int, kind: str, detail: str) -> None:
    for path in PATHS:
        said = detail
        if path == "/explain/grounds" and query == "format=gif":
            said = "format: must be 'json', 'png', 'svg' or 'html'"
        refused(client.post(f"{path}?{query}", headers=headers, files=SEVEN), status, kind, said)


# What one operation refuses. The image is a 7.
OPTIONS: list[tuple[str, str]] = [
    ("filters?target=10", f"target: {CLASSES}"),
    ("filters?target=-1", f"target: {CLASSES}"),
    ("filters?versus=10", f"versus: {CLASSES}"),
    ("filters?target=3&versus=3", "versus: must differ from the target; both are 3"),
    ("filters?maps=all", "maps: must be 'none', 'totals' or 'full'"),
    ("filters?region=2", UNKNOWN),
    ("filters?top=257", "top: must be less than or equal to 256"),
    ("filters?top=3&maps=full", "top: is not for maps, which are of all pairs; leave one of them out"),
    ("filters?top=3&format=png", JSON_ONLY.format("top")),
    ("filters?maps=none&format=svg", JSON_ONLY.format("maps")),
    ("occlusion?faithfulness=false&format=png", JSON_ONLY.format("faithfulness")),
    ("occlusion?region=15", "region: must be from 1 to 14 pixels, not 15"),
    ("occlusion?stride=0", "stride: must be greater than or equal to 1"),
    ("occlusion?region=3&stride=4", "stride: must be from 1 to the region's 3, so that no pixel is skipped, not 4"),
    *(
        (f"{operation}?fill={fill}", FILL)
        for operation in ("occlusion", "shapley", "grounds")
        for fill in ("-0.1", "1.1", "nan", "mean", "")
    ),
    ("occlusion?score=loss", "score: must be 'logit' or 'probability'"),
    ("occlusion?pairs=maybe", "pairs: must be a valid boolean, unable to interpret input"),
    ("occlusion?versus=7", "versus: must differ from the target; both are 7"),
    (
        "occlusion?pairs=true&score=probability",
        "pairs: contributions add up to the logit; ask for score=logit, or without pairs",
    ),
    ("shapley?target=10", f"target: {CLASSES}"),
    (
        "shapley?region=1",
        f"region: hiding changes 146 regions of this image, and {TOO_MUCH}; a side of 4 pixels would do",
    ),
    (
        "shapley?interactions=true&pairs=true&format=png",
        "interactions: has a picture of its own; ask for it without pairs",
    ),
    (
        "grounds?region=2",
        f"region: hiding changes 54 regions of this image, and {TOO_MUCH}; a side of 4 pixels would do",
    ),
    ("grounds?hide=7.0", GRID),
    ("grounds?hide=0.12", GRID),
    ("grounds?target=3", UNKNOWN),
    ("grounds?versus=3", UNKNOWN),
    ("process?top=257", "top: must be less than or equal to 256"),
    (
        "process?format=png&scale=4",
        "scale: this picture is 1086×612 pixels at scale 1, so scale must be at most 3, not 4",
    ),
]


@pytest.mark.parametrize(("asked", "detail"), OPTIONS, ids=[one[0] for one in OPTIONS])
def test_options(client: TestClient, asked: str, detail: str) -> None:
    refused(client.post(f"/explain/{asked}", files=SEVEN), 422, INVALID, detail)


def test_a_prediction_has_no_class(client: TestClient) -> None:
    for name in ("target", "versus"):
        refused(client.post(f"/predict?{name}=3", files=SEVEN), 422, INVALID, UNKNOWN)


def test_regions_are_named_by_row_and_column(client: TestClient) -> None:
    for hide in ("", "1", "1.2-", "a.b", "1.2,3.4", "-1.2"):
        answer = client.post("/explain/grounds", params={"hide": hide}, files=SEVEN)
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "hide")


def test_interactions_of_very_many_regions(client: TestClient) -> None:
    answer = client.post("/explain/shapley?interactions=true&region=1", files=SEVEN)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(
        "query: the answer would have 1,542,520 numbers, and it may have 1,048,576"
    )


# What is no image, as a file in a form and as a raw body.
IMAGES: dict[str, tuple[bytes, int, str, str]] = {
    "empty": (b"", 422, "unreadable-image", "the image is empty: 0 bytes arrived"),
    "text": (b"hello", 415, "unsupported-image", FORMAT),
    "GIF": (encode(pixels(7), "GIF"), 415, "unsupported-image", FORMAT),
    "truncated": (sample(7)[:120], 422, "unreadable-image", "the image is damaged: a part of it is missing"),
    "30×32": (
        encode(np.zeros((32, 30), np.uint8)),
        422,
        UNSUITABLE,
        f"the image is 30×32, and must be 28×28; {FIT}",
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images(client: TestClient, name: str) -> None:
    data, status, kind, detail = IMAGES[name]
    refused(client.post("/predict", files={"file": data}), status, kind, detail)
    refused(client.post("/predict", content=data, headers={"content-type": "image/png"}), status, kind, detail)


def test_bodies_of_other_types(client: TestClient) -> None:
    for media in (None, "application/json", "application/octet-stream", "image/gif"):
        headers = {"content-type": media} if media else {}
        refused(client.post("/predict", content=sample(7), headers=headers), 415, "unsupported-upload", TYPES)


def part(content: bytes, name: bytes = b'name="file"', charset: str = "") -> dict[str, Any]:
    """A form of one part that is no file."""
    body = b"--x\r\nContent-Disposition: form-data; " + name + b"\r\n\r\n" + content + b"\r\n--x--\r\n"
    return {"content": body, "headers": {"content-type": MULTIPART + charset}}


FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "no boundary": ({"content": sample(7), "headers": {"content-type": "multipart/form-data"}}, FORM),
    "not a form": ({"content": b"nonsense", "headers": {"content-type": MULTIPART}}, FORM),
    "many fields": ({"files": SEVEN, "data": {str(n): "" for n in range(9)}}, FORM),
    "two files": ({"files": [("file", sample(7)), ("file", sample(3))]}, ONE_FIELD),
    "large field": ({"files": SEVEN, "data": {"region": "1" * 2000}}, ONE_FIELD),
    "parameter as field": ({"files": SEVEN, "data": {"region": "4"}}, ONE_FIELD),
    "other name": ({"files": {"picture": sample(7)}}, NO_FILE),
    "a text field": (part(b"abc"), NO_FILE),
    **{
        f"charset {charset}": (part(b"abc", b'name="f\xffile"', f"; charset={charset}"), NO_FILE)
        for charset in ("punycode", "rot13", "nonsense")
    },
}


@pytest.mark.threat("multipart bombs")
@pytest.mark.parametrize("name", FORMS)
def test_forms(client: TestClient, name: str) -> None:
    given, detail = FORMS[name]
    refused(client.post("/predict", **given), 400, MALFORMED, detail)


def chunks(head: bytes = b"") -> Iterator[bytes]:
    yield head
    yield from [bytes(1024)] * 300


FLOODS: dict[str, Any] = {
    "announced": lambda: {"content": bytes(256 * 1024 + 1), "headers": {"content-type": "image/png"}},
    "streamed": lambda: {"content": chunks(), "headers": {"content-type": "image/png"}},
    "streamed in a form": lambda: {
        "content": chunks(b'--x\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n'),
        "headers": {"content-type": MULTIPART},
    },
}


@pytest.mark.threat("body flood")
@pytest.mark.parametrize("name", FLOODS)
def test_bodies_that_are_too_large(client: TestClient, name: str) -> None:
    answer = client.post("/predict", **FLOODS[name]())
    assert ("content-length" in answer.request.headers) == (name == "announced")
    refused(answer, 413, "content-too-large", TOO_LARGE)


# What networks of other shapes refuse, before the image is read: the network, the operations, the query, the problem.
HIDING = ("/explain/occlusion", "/explain/shapley", "/explain/grounds")
MNIST = "fit: mnist is for networks of grey images of 28×28, and this one takes {}; {}"
SHAPES: list[tuple[str, tuple[str, ...], str, str]] = [
    ("colour", PATHS, "fit=mnist", MNIST.format("colour images of 32×32", BETWEEN)),
    ("tiny", PATHS, "fit=mnist", MNIST.format("grey images of 8×8", BETWEEN)),
    ("colour", PATHS, "polarity=dark-on-light", "polarity: colour images are never inverted; leave it out"),
    ("colour", HIDING, "region=17", "region: must be from 1 to 16 pixels, not 17"),
    ("single-colour", HIDING, "region=5", "region: must be from 1 to 4 pixels, not 5"),
    ("colour", HIDING, "region=33", "region: must be less than or equal to 32"),
    ("colour", HIDING, "region=0", "region: must be greater than or equal to 1"),
    (
        "hidden",
        HIDING[:2],
        "pairs=true",
        "pairs: with hidden affine layers the head differs from hiding to hiding; ask without pairs",
    ),
    (
        "huge",
        ("/explain/filters", "/explain/process"),
        "",
        "model: one image takes this network more than 64 MiB",
    ),
]


@pytest.mark.parametrize(("name", "paths", "query", "detail"), SHAPES)
def test_networks_of_other_shapes(
    shapes: TestClient, name: str, paths: tuple[str, ...], query: str, detail: str
) -> None:
    for path in paths:
        refused(shapes.post(f"{path}?model={name}&{query}", files={"file": b"nothing"}), 422, INVALID, detail)


def test_an_image_of_another_size_than_the_network_s(shapes: TestClient) -> None:
    for name, size, fits in (("colour", "33×33", "32×32"), ("tiny", "9×9", "8×8")):
        other = Architecture(ARCHITECTURES["tiny"].stages, ARCHITECTURES[name].side + 1)
        detail = f"the image is {size}, and must be {fits}; {FIT}"
        refused(shapes.post(f"/predict?model={name}", files=upload(other)[1]), 422, UNSUITABLE, detail)


def test_combinations_that_would_take_too_much_are_refused_by_their_cost(shapes: TestClient) -> None:
    answer = shapes.post("/explain/shapley?model=hidden&region=4", files=upload(ARCHITECTURES["hidden"])[1])
    detail = (
        "with hidden affine layers hiding may change at most 16 regions, and it changes 49; a side of 7 pixels would do"
    )
    refused(answer, 422, INVALID, f"region: {detail}")
    for operation in ("shapley", "grounds"):
        answer = shapes.post(f"/explain/{operation}?model=huge", files=upload(EXTREMES["huge"])[1])
        refused(answer, 422, INVALID, f"region: hiding changes 4 regions of this image, and {TOO_MUCH}")


# Look-ups and paths.
GETS: list[tuple[str, str, str, int, str, str]] = [
    *(("GET", path, "*/*", 404, "not-found", NOTHING) for path in ("/nowhere", "/docs/static/..%2f..%2fapp.py")),
    *(("GET", f"/models/resnet{end}", "*/*", 404, "unknown-model", NO_MODEL) for end in ("", "/filters", "/weights")),
    *(
        ("GET", f"/models{end}?format=png", "*/*", 422, INVALID, UNKNOWN)
        for end in ("", "/paired-3x3", "/paired-3x3/weights")
    ),
    ("GET", "/models/paired-3x3/filters", "text/html", 406, "not-acceptable", ACCEPT),
    ("GET", "/models/paired-3x3/filters?scale=5", "*/*", 422, INVALID, "scale: must be less than or equal to 4"),
    ("GET", "/models/paired-3x3/filters?format=gif", "*/*", 422, INVALID, "format: must be 'json', 'png' or 'svg'"),
    ("GET", "/models/paired-3x3/filters?model=summed-3x3", "*/*", 422, INVALID, UNKNOWN),
    (
        "POST",
        "/models/paired-3x3/filters",
        "*/*",
        405,
        "method-not-allowed",
        "this path does not take that method; it takes GET",
    ),
    *(
        ("GET", path, "*/*", 405, "method-not-allowed", "this path does not take that method; it takes POST")
        for path in PATHS
    ),
]


@pytest.mark.parametrize(("method", "path", "accept", "status", "kind", "detail"), GETS)
def test_look_ups(client: TestClient, method: str, path: str, accept: str, status: int, kind: str, detail: str) -> None:
    answer = client.request(method, path, headers={"accept": accept})
    refused(answer, status, kind, detail)
    if status == 405:
        assert answer.headers["allow"] == ("POST" if method == "GET" else "GET")


WRONG = (
    "format=gif&scale=9&theme=blue&fit=stretch&polarity=dark&target=ten&versus=ten&region=0&stride=0&fill=2&score=loss"
    "&pairs=maybe&faithfulness=maybe"
)


@pytest.mark.threat("validation as a weapon")
def test_at_most_ten_errors_are_named_and_unknown_parameters_once(client: TestClient) -> None:
    answer = client.post(f"/explain/occlusion?{WRONG}", files=SEVEN)
    assert len({one["parameter"] for one in answer.json()["errors"]}) == len(answer.json()["errors"]) == 10
    refused(answer, 422, INVALID, answer.json()["detail"])
    answer = client.post("/predict?secret=1&hidden=2&scale=9", files=SEVEN)
    refused(answer, 422, INVALID, f"scale: must be less than or equal to 4; {UNKNOWN}")
    assert "secret" not in answer.text
