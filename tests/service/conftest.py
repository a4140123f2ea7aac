import pytest

from tests.helpers.operations import PATHS


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    """Each operation on an image."""
    value: str = request.param
    return value
