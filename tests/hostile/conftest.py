from collections.abc import Iterator

import pytest

from tests.hostile.serving import Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service, for what only a socket can say. Nothing that these tests send may leave an exception."""
    with serving() as started:
        yield started
        assert started.trouble() == ""
