from collections.abc import Iterator

import pytest

from support.server import Server, serving


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The real service, for what only a socket can say. Nothing that these tests send may leave an exception."""
    with serving() as started:
        yield started
        assert started.trouble() == ""
