"""Each document's tests: a step after another, in one clone."""

from collections.abc import Iterator

import pytest

from tests.documents.reader import Reader


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The names of the steps of the module's document."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", metafunc.module.FOLLOWED.run)


@pytest.fixture(scope="module")
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with request.module.FOLLOWED.reader(tmp_path_factory.mktemp("reader") / "konkyo") as someone:
        yield someone
