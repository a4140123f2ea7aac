"""``python -m tools.notebook``: runs the cells of the notebooks in docs/, and writes what they show into them."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from support.folders import ROOT

NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))


def main() -> None:
    """Run the named notebooks, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        if find_spec("shapiq") is None:
            sys.exit(f"error: {path.name} also compares with shapiq, which `make peers` installs; nothing is written")
        nbformat.write(ran(path), path)  # type: ignore[no-untyped-call]
        print(f"written: {path}")


def read(path: Path) -> Any:
    """The notebook in that file."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def ran(path: Path) -> Any:
    """The notebook with what its cells show, run one after another by a kernel of this Python.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell fails.
    """
    resources = {"metadata": {"path": str(ROOT)}}
    options: Any = {"kernel_name": "python3", "record_timing": False, "coalesce_streams": True, "resources": resources}
    client = NotebookClient(read(path), **options)
    # Warnings of the libraries that are compared with say where those are installed.
    return client.execute(env={**os.environ, "PYTHONWARNINGS": "ignore"})


if __name__ == "__main__":
    main()
