"""What several test modules share. No torch here: it takes seconds to import, and half of the tests need none."""

import shutil
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from konkyo.trainer.data import Labelled, read
from support.folders import DATA
from tests.helpers.examples import register_profiles


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=int, default=1, help="how many times as many inputs are tried, for long runs")


def pytest_configure(config: pytest.Config) -> None:
    """Before hypothesis loads a profile that the command line names."""
    register_profiles(config.getoption("times"))


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> int:
    """How many times as many inputs are tried."""
    asked: int = pytestconfig.getoption("times")
    return asked


@pytest.fixture(scope="session")
def digits() -> Labelled:
    """MNIST's 10,000 test images."""
    return read(DATA, "t10k")


@pytest.fixture(scope="session")
def few(digits: Labelled) -> Labelled:
    """600 of them, for a short training."""
    return digits[:600]


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """The service with the shipped checkpoints."""
    # Imported here, so that a service that cannot be imported stops no test of the floors below.
    from konkyo.service.app import create_app
    from konkyo.service.settings import Settings

    with TestClient(create_app(Settings())) as started:
        yield started


@pytest.fixture(scope="session")
def unstudied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The service with the default checkpoint, without the study of its filters."""
    from konkyo.models.files.checkpoint import DIRECTORY
    from konkyo.service.app import create_app
    from konkyo.service.settings import Settings

    folder = tmp_path_factory.mktemp("unstudied")
    settings = Settings(models=folder)
    for suffix in (".safetensors", ".json"):
        shutil.copy(DIRECTORY / f"{settings.default_model}{suffix}", folder)
    with TestClient(create_app(settings)) as started:
        yield started
