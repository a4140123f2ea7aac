"""``import konkyo``: pictures are the service's, and what is wrong is said. Answers: tests/service/test_routes.py."""

import doctest
import inspect
import re
import subprocess
import sys
import warnings
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

import konkyo
from konkyo import asking, model
from konkyo.models.architecture import Architecture, Stage
from konkyo.models.files.checkpoint import DIRECTORY, load_all
from konkyo.models.grounds import proofs
from konkyo.models.network import Network
from konkyo.models.preparation.doubts import BRIGHT_BORDER
from konkyo.models.question import PredictQuestion
from konkyo.models.result import LONGEST_LINE
from konkyo.trainer.data import Labelled
from tests.helpers.folders import NETWORKS
from tests.helpers.refuse import refuses

ROOT = Path(__file__).parents[1]
SEVEN = ROOT / "docs" / "digits" / "7.png"
QUESTIONS = "predict", "filters", "process", "occlusion", "shapley", "grounds"


@pytest.fixture(scope="module")
def paired() -> konkyo.Model:
    return konkyo.load("paired-3x3")


@pytest.fixture(scope="module")
def seven() -> NDArray[np.float64]:
    return np.asarray(Image.open(SEVEN), np.float64) / 255


def ask(name: str, *given: Any, **options: Any) -> Any:
    return getattr(konkyo, name)(*given, **options)


def query(options: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in options.items()}


def path(name: str) -> str:
    return "/predict" if name == "predict" else f"/explain/{name}"


# Beside the arguments, the form of a picture, and what it may look like.
PICTURES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("filters", {}, "svg", {}),
    ("occlusion", {"region": 7, "pairs": True}, "png", {"scale": 3, "theme": "dark"}),
    ("predict", {}, "svg", {"scale": 3, "language": "ja"}),
    ("grounds", {"region": 7, "fill": "blur"}, "html", {"scale": 2, "theme": "dark", "language": "ja"}),
]


def shown(picture: bytes, form: str) -> list[str | bytes]:
    """A picture's pixels; of text its images' pixels too, as the same ones may be packed in two ways."""
    parts: list[Any] = ["", picture] if form == "png" else re.split(r"base64,([^\"]*)\"", picture.decode())
    for number, part in enumerate(parts):
        if number % 2:
            with Image.open(BytesIO(part if form == "png" else b64decode(part))) as opened:
                parts[number] = f"{opened.size} {opened.convert('RGB').tobytes().hex()}"
    return parts


@pytest.mark.parametrize(("name", "options", "form", "style"), PICTURES, ids=str)
def test_a_picture_is_the_services_and_that_of_a_notebook(
    name: str,
    options: dict[str, Any],
    form: str,
    style: dict[str, Any],
    client: TestClient,
    paired: konkyo.Model,
    tmp_path: Path,
) -> None:
    asked = {"format": form, **query(options), **style}
    theirs = client.post(path(name), params=asked, files={"file": SEVEN.read_bytes()})
    assert theirs.status_code == 200
    result, file = ask(name, paired, SEVEN, **options), tmp_path / f"why.{form.upper()}"
    assert result.save(file, **style) == file
    if form == "svg" and not style:
        bundle = result._repr_mimebundle_()
        assert {**bundle, "image/svg+xml": ""} == {"text/plain": repr(result), "image/svg+xml": ""}
        assert shown(bundle["image/svg+xml"].encode(), form) == shown(theirs.content, form)
        assert result._repr_mimebundle_(include={"text/plain"}) == {"text/plain": repr(result)}
        assert result._repr_mimebundle_(exclude={"image/svg+xml"}) == {"text/plain": repr(result)}
        result.save(file, scale=1)
    assert shown(file.read_bytes(), form) == shown(theirs.content, form)


# With the numbers that the picture shows.
LINES = {
    "predict": "7 with (100.0) %",
    "filters": "7 with 100.0 %: of 9 pairs, map 1 × filter 2 adds most to the logit of 7, [+](.*) of (.*)",
    "grounds": "7 with 100.0 %: 4 of 20 regions prove it, no fewer do; hiding 3 makes it 3",
    "shapley": "7 with 100.0 %: 20 regions add [+](.*) to the logit of 7; row 2, column 2 adds most, ([+].*)",
    "occlusion": "7 with 100.0 %: 0 of 196 regions change it when hidden; row 5, column 9 speaks most for 7, a drop of "
    "(.*) of (.*)",
}


@pytest.mark.parametrize("name", LINES)
def test_a_result_is_one_line(name: str, paired: konkyo.Model) -> None:
    result = ask(name, paired, SEVEN)
    line = re.fullmatch(LINES[name], repr(result))
    assert line is not None
    drawn = result._repr_mimebundle_()["image/svg+xml"]
    # The region that speaks most is an end of the scale.
    assert {*line.groups()} <= {
        text.lstrip("+" if name == "occlusion" else "").rstrip("%") for text in re.findall(">([^<>]+)</text>", drawn)
    }


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_line_is_short_whatever_the_classes_are_called(name: str, paired: konkyo.Model) -> None:
    network = paired.network
    classes = tuple(f"{number} {'very ' * 20}long name"[:64].strip() for number in range(10))
    long = Network(network.architecture, network.weights, classes)
    options = {"target": 1, "versus": 2} if name not in ("predict", "grounds") else {}
    line = repr(ask(name, long, SEVEN, **options))
    assert "\n" not in line
    assert 20 < len(line) <= LONGEST_LINE


def test_arrays_are_attributes(paired: konkyo.Model, seven: NDArray[np.float64]) -> None:
    filters, occlusion = konkyo.filters(paired, seven), konkyo.occlusion(paired, seven, region=4, pairs=True)
    shapley, process = konkyo.shapley(paired, seven, pairs=True), konkyo.process(paired, seven)
    for result, names in (
        (konkyo.predict(paired, seven), "label predicted probability probabilities logits"),
        (filters, "contributions filter_bias class_bias logit residual totals maps ranking typicality"),
        (occlusion, "score whole region stride fill grid drop prediction critical pairs"),
        (shapley, "region fill grid values logit residual empty pairs filter_bias"),
        (process, "contributions filter_bias class_bias passed maps head pairs typicality unlike"),
        (konkyo.grounds(paired, seven), "region fill grid sufficient contrast players empty"),
    ):
        for name in names.split():
            assert hasattr(result, name), name
    assert filters.contributions.sum() + filters.class_bias == pytest.approx(filters.logit, abs=1e-12)
    assert occlusion.drop.shape == occlusion.critical.shape == (7, 7)
    assert occlusion.heatmap().shape == (28, 28)
    np.testing.assert_allclose(shapley.pairs.sum((2, 3)) + shapley.filter_bias.sum(2), shapley.values, atol=1e-12)
    np.testing.assert_allclose(process.contributions[7], filters.contributions, atol=1e-12)


def test_a_critical_region_changes_the_answer_when_it_is_hidden(
    paired: konkyo.Model, seven: NDArray[np.float64]
) -> None:
    found = konkyo.occlusion(paired, seven, region=14, stride=7).to_dict()["critical"]
    assert found == [{"row": 1, "column": 1, "box": [7, 7, 21, 21], "predicted": 1, "label": "1"}]
    hidden = seven.copy()
    hidden[7:21, 7:21] = 0
    assert paired.network.logits(hidden).argmax() == 1


MANY: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "an axis more": lambda images: images,
    "a channel, as in torch": lambda images: images[:, None],
    "a list": list,
    "a tuple of nested lists": lambda images: tuple(one[None] for one in images),
    "float32": lambda images: images.astype(np.float32),
}


@pytest.mark.parametrize("given", MANY)
def test_of_many_images_there_is_a_list(given: str, paired: konkyo.Model, digits: Labelled) -> None:
    images = digits.images[:3] / 255
    found = konkyo.predict(paired, MANY[given](images))
    assert [one.predicted for one in found] == [7, 2, 1]
    np.testing.assert_allclose([one.logits for one in found], paired.network.logits(images), atol=1e-5)
    assert konkyo.predict(paired, []) == []
    assert [one.label for one in konkyo.grounds(paired, list(images))] == ["7", "2", "1"]


def test_one_image_as_people_have_it(paired: konkyo.Model, seven: NDArray[np.float64]) -> None:
    tensor = torch.from_numpy(seven)[None]
    given: Any
    for given in (
        seven,
        seven.tolist(),
        SEVEN,
        str(SEVEN),
        Image.open(SEVEN),
        tensor,
        (tensor, 7),
        (tensor, torch.tensor(7)),
    ):
        np.testing.assert_array_equal(konkyo.predict(paired, given).image, seven)


def test_batches_of_a_data_loader_and_a_label_for_each(paired: konkyo.Model, digits: Labelled) -> None:
    images, labels = torch.from_numpy(digits.images[:3] / 255)[:, None], torch.tensor(digits.labels[:3].tolist())
    loader = DataLoader(TensorDataset(images, labels), batch_size=2)
    assert [one.label for one in konkyo.predict(paired, loader)] == ["7", "2", "1"]
    for batch in ((images, labels), [*zip(images, labels, strict=True)]):
        assert [one.label for one in konkyo.predict(paired, batch)] == ["7", "2", "1"]
    assert [one.label for one in konkyo.predict(paired, images[:1])] == ["7"]
    found = konkyo.filters(paired, images, target=labels, versus=["1", "3", 4])
    assert [(one.target, one.versus) for one in found] == [(7, 1), (2, 3), (1, 4)]
    one = konkyo.filters(paired, images[1], target=labels[1])
    np.testing.assert_array_equal(konkyo.filters(paired, images, target=labels)[1].contributions, one.contributions)
    with refuses(konkyo.ParameterError, "target: must be as many as the images, 3, not 2; one for all fits too"):
        konkyo.filters(paired, images, target=labels[:2])
    # A data set has its images by number, alone or with their labels; it need not say where it ends.
    for data_set in (TensorDataset(images, labels), Subset(TensorDataset(images), [0, 1, 2]), Endless()):
        assert [one.label for one in konkyo.predict(paired, data_set)] == ["7", "2", "1"][: len(data_set)]
    by_side = [konkyo.occlusion(paired, images[0], region=region).drop for region in (7, (7, 7))]
    np.testing.assert_array_equal(*by_side)


class Endless(Dataset[Any]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, number: int) -> Any:
        return Image.open(ROOT / "docs" / "digits" / f"{(7, 2)[number % 2]}.png"), number


def test_a_baseline_of_one_number_is_that_number(paired: konkyo.Model) -> None:
    """As Captum takes baselines."""
    for fill in (torch.full((1, 1, 28, 28), 0.25), np.full((28, 28), 0.25), torch.tensor(0.25), np.float32(0.25)):
        found = konkyo.shapley(paired, SEVEN, region=7, fill=fill)
        assert found.fill == 0.25
        np.testing.assert_array_equal(found.values, konkyo.shapley(paired, SEVEN, region=7, fill=0.25).values)


def test_any_picture_becomes_the_image_that_the_service_makes(
    paired: konkyo.Model, client: TestClient, tmp_path: Path
) -> None:
    large = np.kron(np.asarray(Image.open(SEVEN)), np.ones((5, 5), np.uint8))
    file = tmp_path / "dark.png"
    Image.fromarray(255 - np.pad(large, ((0, 40), (80, 0)))).save(file)
    answer = client.post("/predict?fit=auto", files={"file": file.read_bytes()}).json()
    assert answer["input"]["inverted"]
    assert answer["input"]["fitted"]
    np.testing.assert_allclose(konkyo.predict(paired, file).logits, answer["logits"], atol=1e-3)


def untold(side: int, channels: int) -> konkyo.Model:
    """A network that nothing is known of but its weights."""
    rng = np.random.default_rng(0)
    shape = Architecture((Stage(2, 3),), side, channels, (), 3)
    return model.of_network(Network(shape, {name: rng.random(of) for name, of in shape.tensor_shapes.items()}))


REFUSED: dict[str, tuple[Callable[[NDArray[np.float64]], Any], str]] = {
    "0…255": (lambda image: image * 255, "pixels must be in [0, 1], and go from 0 to 255: divide them by 255"),
    "bytes": (
        lambda image: (image * 255).astype(np.uint8),
        "an image must hold floats in [0, 1], not uint8; divide bytes by 255",
    ),
    "−1…1": (
        lambda image: 2 * image - 1,
        "pixels must be in [0, 1], and go from -1 to 1: (image + 1) / 2 is right for −1…1",
    ),
    "normalised": (
        lambda image: (image - 0.1307) / 0.3081,
        "pixels must be in [0, 1], and go from -0.424 to 2.82. If they were normalised, give them as they were before: "
        "`from_torch` takes the mean and the standard deviation",
    ),
    "NaN": (lambda image: image * np.nan, "an image must be finite: it holds NaN or infinity"),
    "another size": (
        lambda image: image[:20],
        "an image must be 28×28, and many images N×28×28; got an array of shape (20, 28). A picture of any size is "
        "brought to that size if its file is named",
    ),
    "channels last": (
        lambda image: image[..., None],
        "an image must be 28×28; got an array of shape (28, 28, 1), with channels last: image[..., 0] is right",
    ),
    "ragged": (
        lambda image: [[0.0], *image.tolist()],
        "an image must have the same number of pixels in each row",
    ),
}


@pytest.mark.parametrize("given", REFUSED)
def test_arrays_that_are_no_image(given: str, paired: konkyo.Model, seven: NDArray[np.float64]) -> None:
    make, message = REFUSED[given]
    with refuses(konkyo.ImageError, message):
        konkyo.predict(paired, make(seven))


def test_colour_with_channels_last() -> None:
    message = (
        "an image must be 3×32×32; got an array of shape (32, 32, 3), with channels last: np.moveaxis(image, -1, -3) "
        "is right"
    )
    with refuses(konkyo.ImageError, message):
        konkyo.predict(untold(32, 3), np.zeros((32, 32, 3)))


def test_what_is_no_picture(paired: konkyo.Model, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(konkyo.ImageError, match=r"x\.png cannot be read as a picture \(.*\); PNG or JPEG is right"):
        konkyo.predict(paired, tmp_path / "x.png")
    with pytest.raises(FileNotFoundError):
        konkyo.predict(paired, tmp_path / "y.png")


DARK = "its ink seems to be dark on light paper, and the network reads light ink on dark: ask with 1 - image"


def warned(network: konkyo.Model, images: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        konkyo.predict(network, images)
    assert {one.category for one in caught} <= {konkyo.ImageWarning}
    assert {one.filename for one in caught} <= {__file__}
    return [str(one.message) for one in caught]


def test_dark_ink_and_other_doubts_are_warned_of(paired: konkyo.Model, seven: NDArray[np.float64]) -> None:
    assert warned(paired, seven) == []
    assert warned(paired, 1 - seven) == [DARK]
    assert warned(paired, [seven, 1 - seven]) == [f"image 1: {DARK}"]
    assert warned(paired, [1 - seven, 1 - seven]) == [f"image 0 and image 1: {DARK}"]
    assert warned(paired, [1 - seven] * 4) == [f"image 0 and 3 others: {DARK}"]
    assert warned(paired, 0 * seven) == ["the image is empty: nothing stands out from its background"]
    # A picture is inverted.
    assert warned(paired, SEVEN) == []
    # A network of which nothing is known takes images as they are.
    assert warned(untold(28, 1), seven) == []
    assert warned(untold(28, 1), 1 - seven) == [BRIGHT_BORDER.text]


def test_test_images_are_not_doubted(paired: konkyo.Model, digits: Labelled) -> None:
    """Of 256 that are looked at; the dark ones are none."""
    assert not any(DARK in one for one in warned(paired, digits.images[:256] / 255))


def test_a_checkpoint_and_a_network_can_be_asked(paired: konkyo.Model, seven: NDArray[np.float64]) -> None:
    checkpoint = load_all()["paired-3x3"]
    right = konkyo.filters(paired, seven)
    assert right.typicality is not None
    for network in (checkpoint, checkpoint.precise):
        found = konkyo.filters(network, seven)
        np.testing.assert_array_equal(found.contributions, right.contributions)
        assert found.typicality is None
    with pytest.raises(TypeError, match=r"must be a network, of konkyo\.load or konkyo\.from_torch, not str"):
        konkyo.predict("paired-3x3", seven)  # type: ignore[call-overload]


def test_a_handout_is_of_the_result_and_no_other_search(
    client: TestClient, paired: konkyo.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the regions that were hidden to try, and not with its budget spent once more."""
    asked = {"format": "html", "region": "7", "hide": "1.1-2.1", "scale": "2"}
    theirs = client.post(path("grounds"), params=asked, files={"file": SEVEN.read_bytes()})
    result = konkyo.grounds(paired, SEVEN, region=7, hide=[(1, 1), (2, 1)])
    monkeypatch.setattr(proofs, "Contrasts", None)
    file = result.save(tmp_path / "why.html")
    assert '"hidden": [5, 9]' in file.read_text()
    assert shown(file.read_bytes(), "html") == shown(theirs.content, "html")


FILL = "fill: must be a number from 0 to 1, background or blur; an array fits where it holds one number for all pixels"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("occlusion", {"fill": "grey"}, "fill: must be a number from 0 to 1, background or blur, not 'grey'"),
    ("occlusion", {"score": "loss"}, "score: must be logit or probability, not 'loss'"),
    (
        "occlusion",
        {"fill": np.eye(28)},
        f"{FILL}. It is an array of shape (28, 28) with several values",
    ),
    (
        "shapley",
        {"fill": None},
        f"{FILL}. It is NoneType",
    ),
    ("shapley", {"region": (4, 7)}, "region: must be square, a side such as 4 or (4, 4), not (4, 7)"),
    ("grounds", {"fill": 2}, "fill: must be from 0 to 1, not 2"),
    ("grounds", {"region": 7, "hide": [(0, 4)]}, "hide: must be regions of the grid, which has 4 rows and 4 columns"),
    ("filters", {"maps": "all"}, "maps: must be none, totals or full, not 'all'"),
]
NOT_DRAWN: list[tuple[str, str, dict[str, Any], str]] = [
    ("grounds", "why.pdf", {}, "path: must end with .png or .svg or .html, not with '.pdf'"),
    ("predict", "why.html", {}, "path: must end with .png or .svg, not with '.html'"),
    ("predict", "why", {}, "path: must end with .png or .svg, not with 'no suffix'"),
    ("predict", "why.png", {"scale": 5}, "style: scale must be from 1 to 4, not 5"),
    ("predict", "why.svg", {"language": "fr"}, "language: must be en or ja, not 'fr'"),
    (
        "predict",
        "why.png",
        {"language": "ja"},
        "style: a PNG has English words only; ask for an SVG, or leave the language out",
    ),
    ("predict", "why.png", {"theme": "blue"}, "theme: must be light or dark, not 'blue'"),
]


@pytest.mark.parametrize(("name", "options", "message"), WRONG, ids=str)
def test_options_that_there_are_not(name: str, options: dict[str, Any], message: str, paired: konkyo.Model) -> None:
    with refuses(konkyo.ParameterError, message):
        ask(name, paired, SEVEN, **options)


@pytest.mark.parametrize(("name", "file", "style", "message"), NOT_DRAWN, ids=str)
def test_pictures_that_there_are_not(
    name: str, file: str, style: dict[str, Any], message: str, paired: konkyo.Model, tmp_path: Path
) -> None:
    with refuses(konkyo.ParameterError, message):
        ask(name, paired, SEVEN).save(tmp_path / file, **style)
    assert list(tmp_path.iterdir()) == []


def test_networks_by_name_by_path_and_of_your_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = konkyo.load("paired-3x3")
    for suffix in (".safetensors", ".json"):
        (tmp_path / f"paired-3x3{suffix}").write_bytes((DIRECTORY / f"paired-3x3{suffix}").read_bytes())
    by_path = konkyo.load(tmp_path / "paired-3x3.safetensors")
    line = "Model('paired-3x3': grey images of 28×28, stages 3k5,3k3q, 10 classes, 2,368 parameters)"
    assert repr(by_name) == repr(by_path) == line
    assert by_name.card == by_path.card
    assert by_name.classes == tuple("0123456789")
    message = (
        f"paired: name: must be one of {NETWORKS}, or the "
        "path of a file *.safetensors; `konkyo import` makes one of ONNX or a state dict, and `konkyo.from_torch` "
        "takes a module"
    )
    with refuses(konkyo.CheckpointError, message):
        konkyo.load("paired")
    # The study of the shipped one is not beside the copy.
    assert (by_name.usage is not None, by_path.usage) == (True, None)
    monkeypatch.setenv("KONKYO_MODELS", str(tmp_path))
    assert (konkyo.load("paired-3x3").usage, konkyo.load("lenet-6x16").name) == (None, "lenet-6x16")


def test_every_name_is_there_and_says_what_it_is() -> None:
    assert set(konkyo.__all__) <= set(dir(konkyo))
    for name in konkyo.__all__:
        assert inspect.getdoc(getattr(konkyo, name)), name
    with pytest.raises(AttributeError, match="module 'konkyo' has no attribute 'explain'"):
        konkyo.explain  # noqa: B018


def test_the_examples_of_the_docstrings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    failed, tried = 0, 0
    for name in konkyo.__all__:
        home = asking if name in QUESTIONS else model
        for example in doctest.DocTestFinder(recurse=False).find(getattr(konkyo, name), name, globs=vars(home).copy()):
            result = doctest.DocTestRunner().run(example)
            failed, tried = failed + result.failed, tried + result.attempted
    assert (failed, tried >= 18) == (0, True)


def test_the_example_of_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, in the folder of the repository; what it draws goes elsewhere."""
    section = (ROOT / "README.md").read_text().partition("## From Python")[2]
    code, shown = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", section, re.DOTALL)[0]
    assert 'why.save("why.svg")' in code
    monkeypatch.chdir(ROOT)
    exec(code.replace("why.svg", str(tmp_path / "why.svg")), {})  # noqa: S102
    assert capsys.readouterr() == (shown, "")
    assert (tmp_path / "why.svg").read_text().startswith("<svg ")


def test_a_network_of_colour_and_a_photograph(client: TestClient, tmp_path: Path) -> None:
    """A grey picture becomes three equal channels."""
    rng = np.random.default_rng(0)
    network = konkyo.load("tiny-vgg")
    for name, shape in (("colour.png", (90, 120, 3)), ("grey.png", (64, 64))):
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        answer = client.post("/predict?model=tiny-vgg&fit=auto", files={"file": data}).json()
        np.testing.assert_allclose(konkyo.predict(network, tmp_path / name).logits, answer["logits"], atol=1e-4)
        np.testing.assert_allclose(konkyo.grounds(network, [tmp_path / name])[0].logits, answer["logits"], atol=1e-4)


def test_numpy_has_one_thread_while_a_question_is_answered_and_its_own_again_afterwards(
    paired: konkyo.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now() -> set[int]:
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    def refused(*_: object) -> None:
        seen.append(now())
        raise konkyo.BudgetError("x")

    seen: list[set[int]] = []
    monkeypatch.setattr(PredictQuestion, "answers", refused)
    with threadpool_limits(2, "blas"):
        with pytest.raises(konkyo.BudgetError):
            konkyo.predict(paired, SEVEN)
        assert (seen, now()) == ([{1}], {2})


def test_the_name_alone_loads_neither_numpy_nor_torch() -> None:
    code = (
        "import sys, konkyo; print(*sorted({'numpy', 'PIL', 'torch', 'fastapi'} & {*sys.modules})); "
        "konkyo.predict(konkyo.load('paired-3x3'), [[0.0] * 14 + [1.0] * 14] * 28); "
        "print(*sorted({'numpy', 'PIL', 'torch', 'fastapi', 'typer', 'isal'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "numpy"]
