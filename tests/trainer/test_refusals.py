"""What importing refuses, it refuses with the words of tests/data/refusals.json."""

import pytest

from tests.trainer.refusals import kept, made

KEPT = kept()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    return made(tmp_path_factory.mktemp("refused"))


@pytest.mark.parametrize(("kind", "case"), [(kind, case) for kind, cases in KEPT.items() for case in cases])
def test_what_does_not_fit_is_named_beside_what_would(kind: str, case: str, said: dict[str, dict[str, str]]) -> None:
    assert said[kind][case] == KEPT[kind][case]


def test_every_refusal_is_kept(said: dict[str, dict[str, str]]) -> None:
    assert {kind: list(cases) for kind, cases in said.items()} == {kind: list(cases) for kind, cases in KEPT.items()}
