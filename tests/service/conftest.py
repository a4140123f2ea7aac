from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.helpers.operations import PATHS
from tests.helpers.served import ARCHITECTURES, EXTREMES, serve


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    """Each operation on an image."""
    value: str = request.param
    return value


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with networks of many shapes: see ``tests.helpers.served``."""
    with serve(tmp_path_factory.mktemp("shapes"), {**ARCHITECTURES, **EXTREMES}, "deep") as started:
        yield started
