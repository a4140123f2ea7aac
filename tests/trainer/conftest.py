from pathlib import Path

import pytest

from konkyo.trainer.data import Digits


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out and not drawn, which is most of the time of a command. Each has a test that draws it."""
    from matplotlib.figure import Figure

    def written(_: Figure, path: Path, **__: object) -> None:
        path.write_bytes(b"not drawn")

    monkeypatch.setattr(Figure, "savefig", written)


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    """The studies that train find 600 images to train on and 100 that test, and write into the test's folder."""
    from konkyo.trainer.commands import studies, train

    parts = {"train": digits[:600], "t10k": digits[600:700]}
    monkeypatch.setattr(studies, "data_set", lambda _, part: parts[part])
    monkeypatch.setattr(train, "processors", lambda: 1)
    monkeypatch.setenv("KONKYO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
