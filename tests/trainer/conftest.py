from pathlib import Path

import pytest


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are laid out and not drawn, which is most of the time of a command. Each has a test that draws it."""
    from matplotlib.figure import Figure

    def written(_: Figure, path: Path, **__: object) -> None:
        path.write_bytes(b"not drawn")

    monkeypatch.setattr(Figure, "savefig", written)
