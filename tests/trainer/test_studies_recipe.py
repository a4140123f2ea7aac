import json
from pathlib import Path

import pytest

from trainer.report import report
from trainer.studies.recipe import Experiments, Variant, interval, load, student


def variant(name: str, base: str | None, validation: list[float], network: str = "some") -> Variant:
    return Variant(network, name, base, 100, validation, [0.5] * len(validation), [0.25] * len(validation))


def test_quantiles_are_those_of_the_tables() -> None:
    tables = {4: 2.776, 7: 2.365, 9: 2.262, 15: 2.131, 30: 2.042, 1000: 1.962}
    assert {freedom: student(freedom) for freedom in tables} == pytest.approx(tables, abs=0.01)


def test_the_interval_on_paper() -> None:
    # Deviations −2, −1, 0, 1, 2: a standard deviation of √2.5, over √5.
    centre, half = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (centre, half) == pytest.approx((3, 2.776 * 0.5**0.5), abs=0.01)


def test_a_variant_is_compared_seed_by_seed_with_the_base_of_its_network() -> None:
    base, better = variant("base", None, [0.1, 0.5, 0.9]), variant("better", "base", [0.2, 0.6, 1.0])
    other = variant("base", None, [0.9, 0.9, 0.9], "other")
    found = Experiments("So.", [], [other, base, better])
    assert found.gain(base) is None
    gain = found.gain(better)
    assert gain is not None
    assert gain == pytest.approx((0.1, 0))


def test_the_report_shows_it(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert "## What each part of the recipe is worth\n\nNot measured yet." in report([], tmp_path, tmp_path)
    entries = [
        {"network": "some", "steps": 1000, "test": [0.75, 0.25], "empty": [0.5, 0.25]}
        | {"name": name, "base": base, "validation": validation}
        for name, base, validation in (
            ("base", None, [0.5, 0.625]),
            ("without", "base", [0.25, 0.375]),
            ("with", "base", [0.5, 0.75]),
        )
    ]
    (tmp_path / "recipe.json").write_text(
        json.dumps({"how": "So it was.", "notes": ["Mind this."], "variants": entries})
    )
    page = report([], tmp_path, tmp_path)
    assert "So it was. Compared by accuracy on the held-out images" in page
    assert "\n- Mind this.\n" in page
    assert "| base | 1,000 | 2 | 56.25 ± 8.84 % | – | 50.00% | 38% |" in page
    assert "| without | 1,000 | 2 | 31.25 ± 8.84 % | **−25.00 ± 0.00** | 50.00% | 38% |" in page
    assert "| with | 1,000 | 2 | 62.50 ± 17.68 % | +6.25 ± " in page
