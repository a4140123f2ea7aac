"""Results of many images, and results as tables of pandas and on axes of matplotlib."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import konkyo
from support.folders import ROOT
from tests.helpers.refuse import refuses

DIGITS = ROOT / "docs" / "digits"
TWO = [DIGITS / "7.png", DIGITS / "2.png"]
PAIRED = konkyo.load("paired-3x3")
QUESTIONS: list[tuple[str, dict[str, Any], tuple[str, ...], Callable[[Any], Any]]] = [
    ("predict", {}, ("class",), lambda one: one.probabilities),
    ("filters", {"target": 3}, ("map", "filter"), lambda one: one.contributions),
    ("filters", {"target": 3, "versus": "7"}, ("map", "filter"), lambda one: one.contributions),
    ("process", {}, ("map", "filter"), lambda one: one.contributions[one.target]),
    ("occlusion", {"region": 7}, ("row", "column"), lambda one: one.drop),
    ("occlusion", {"region": 7, "pairs": True}, ("row", "column", "map", "filter"), lambda one: one.pairs),
    ("shapley", {}, ("row", "column"), lambda one: one.values),
    ("shapley", {"region": 7, "pairs": True}, ("row", "column", "map", "filter"), lambda one: one.pairs),
]


def test_results_show_themselves_and_are_saved_as_a_folder(tmp_path: Path) -> None:
    found = konkyo.predict(PAIRED, [DIGITS / "7.png"] * 30)
    assert isinstance(found, Sequence)
    assert repr(found[:2]) == "[7 with 100.0 %,\n 7 with 100.0 %]"
    line = "[" + "7 with 100.0 %,\n " * 24 + "… and 6 others]"
    shown = found._repr_mimebundle_()
    assert (repr(found), shown["text/plain"]) == (line, line)
    html = ElementTree.fromstring(f"<div>{shown['text/html']}</div>")  # noqa: S314
    figures = html.findall("figure")
    assert [figure.findtext("figcaption") for figure in figures] == [f"{n}: 7 with 100.0 %" for n in range(24)]
    assert all(figure.find("{http://www.w3.org/2000/svg}svg") is not None for figure in figures)
    assert "".join(html.itertext()).endswith("… and 6 others")
    assert found._repr_mimebundle_(include={"text/plain"}) == {"text/plain": line}
    assert [*found[:2]._repr_mimebundle_(exclude={"text/plain"})] == ["text/html"]
    saved = found[:11].save(tmp_path / "new" / "why", form="png", scale=1)
    assert [path.name for path in saved] == [f"{number:02}.png" for number in range(11)]
    assert saved[10].read_bytes() == found[10].save(tmp_path / "one.png", scale=1).read_bytes()
    assert found[:0].save(tmp_path / "none") == []
    with refuses(konkyo.ParameterError, "path: must end with .png or .svg, not with '.gif'"):
        found.save(tmp_path / "bad", form="gif")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "options", "axes", "right"), QUESTIONS, ids=[f"{name} {options}" for name, options, *_ in QUESTIONS]
)
def test_a_table_has_each_number_at_its_place(
    name: str, options: dict[str, Any], axes: tuple[str, ...], right: Callable[[Any], Any]
) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed; `make check` installs what is for development")
    found = getattr(konkyo, name)(PAIRED, TWO, **options)
    frame = found.to_dataframe()
    compared = ("versus",) if "versus" in options else ()
    classes = () if name == "predict" else ("class",)
    assert tuple(frame.columns) == ("image", *classes, *compared, *axes, "value")
    assert len(frame) == sum(np.size(right(one)) for one in found)
    for number, one in enumerate(found):
        mine = frame[frame["image"] == number]
        if name != "predict":
            assert {*mine["class"]} == {one.name(one.target)}
        assert not compared or {*mine["versus"]} == {"7"}
        for row in mine.to_dict("records"):
            place = tuple(int(row[axis]) for axis in axes)  # the names of the classes are their numbers
            assert row["value"] == right(one)[place]
        alone = one.to_dataframe()
        assert alone.to_dict("list") == {**mine.to_dict("list"), "image": [0] * len(mine)}


def test_a_table_of_grounds_has_the_regions_of_both_sets() -> None:
    pytest.importorskip("pandas", reason="pandas is not installed; `make check` installs what is for development")
    found = konkyo.grounds(PAIRED, TWO)
    records = found.to_dataframe().to_dict("records")
    for number, one in enumerate(found):
        assert one.contrast is not None
        for kind, places in (("sufficient", one.sufficient.regions), ("contrast", one.contrast.regions)):
            same = {"image": number, "class": one.label, "value": kind}
            right = [{**same, "row": row, "column": column} for row, column in places]
            assert [row for row in records if row["image"] == number and row["value"] == kind] == right
    assert {row["value"] for row in records} == {"sufficient", "contrast"}
    assert {row["image"] for row in records} == {0, 1}
    empty = konkyo.grounds(PAIRED, []).to_dataframe()
    assert (len(empty), [*empty.columns]) == (0, ["image", "value"])


@pytest.fixture
def ax() -> Any:
    with mpl.rc_context({"backend": "agg"}):
        _, axes = pyplot.subplots()
        yield axes
        pyplot.close("all")


@pytest.mark.parametrize(
    ("name", "options", "title", "right"),
    [
        ("filters", {}, "What each pair adds to the logit of 7", lambda one: one.contributions),
        ("process", {"target": 1}, "What each pair adds to the logit of 1", lambda one: one.contributions[1]),
        ("occlusion", {"region": 7}, "Drop of the logit of 7", lambda one: one.heatmap()),
        ("occlusion", {"score": "probability"}, "Drop of the probability of 7", lambda one: one.heatmap()),
        ("shapley", {"versus": 3}, "Shapley values of the logit of 7 and not 3", lambda one: one.heatmap()),
    ],
    ids=["filters", "process", "occlusion", "occlusion of the probability", "shapley"],
)
def test_a_plot_shows_the_numbers(
    name: str, options: dict[str, Any], title: str, right: Callable[[Any], Any], ax: Axes
) -> None:
    result = getattr(konkyo, name)(PAIRED, DIGITS / "7.png", **options)
    assert result.plot(ax) is ax
    assert ax.get_title() == title
    *below, cells = ax.images
    np.testing.assert_array_equal(cells.get_array(), right(result))
    low, high = cells.get_clim()
    assert (low, high) == (-np.abs(right(result)).max(), np.abs(right(result)).max())
    for image in below:
        np.testing.assert_array_equal(image.get_array(), result.image)
    assert len(below) == (name in ("occlusion", "shapley"))


def test_a_plot_of_a_prediction_has_a_bar_for_each_class(ax: Axes) -> None:
    result = konkyo.predict(PAIRED, DIGITS / "2.png")
    result.plot(ax)
    bars = [one for one in ax.patches if isinstance(one, Rectangle)]
    np.testing.assert_array_equal([bar.get_width() for bar in bars], result.probabilities)
    assert [label.get_text() for label in ax.get_yticklabels()] == [*PAIRED.classes]
    assert result.plot().figure is not ax.figure


def test_a_plot_of_grounds_frames_the_regions(ax: Axes) -> None:
    result = konkyo.grounds(PAIRED, DIGITS / "7.png")
    result.plot(ax)
    assert result.contrast is not None
    right = [result.hiding.regions.box(*place)[:2] for place in (*result.sufficient.regions, *result.contrast.regions)]
    found = [one.get_xy() for one in ax.patches if isinstance(one, Rectangle)]
    assert [(round(x), round(y)) for x, y in np.ceil(found)] == right
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["with these the class stays", "hiding these makes it 3"]


def test_a_plot_of_a_photograph_has_its_colours(ax: Axes) -> None:
    image = np.random.default_rng(0).random((3, 64, 64))
    konkyo.occlusion(konkyo.load("tiny-vgg"), image, region=16).plot(ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), np.moveaxis(image, 0, -1))


@pytest.mark.parametrize(("package", "name"), [("pandas", "to_dataframe"), ("matplotlib", "plot")])
def test_a_package_that_is_not_there_is_named(package: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with refuses(ImportError, f"{name} needs {package}; `pip install {package}` installs it"):
        getattr(konkyo.predict(PAIRED, DIGITS / "7.png"), name)()
