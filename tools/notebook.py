"""``python -m tools.notebook``: runs the cells of the notebooks in docs/, and writes what they show into them.

A cell shows what it prints and, as in Jupyter, the value of its last line. Neither Jupyter nor a kernel is needed.
"""

import ast
import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))

Cell = dict[str, Any]


def main() -> None:
    """Run the named notebooks, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        if find_spec("shapiq") is None:
            sys.exit(f"error: {path.name} also compares with shapiq, which `make peers` installs; nothing is written")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for number, cell in enumerate(run(notebook), 1):
            cell["execution_count"] = number
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"written: {path}")


def run(notebook: dict[str, Any]) -> Iterator[Cell]:
    """Run all cells in one namespace; gives each one that has code, with its new outputs, when it is done."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = _outputs("".join(cell["source"]), namespace)
            yield cell


def _outputs(source: str, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, and what its last line is."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(StringIO()) as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of libraries that are compared with
        exec(compile(tree, "<cell>", "exec"), namespace)  # noqa: S102
        value = None
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if value is not None:
        outputs.append({"output_type": "display_data", "data": _bundle(value), "metadata": {}})
    return outputs


def _bundle(value: Any) -> dict[str, Any]:
    data = value._repr_mimebundle_() if hasattr(value, "_repr_mimebundle_") else {"text/plain": repr(value)}
    return {kind: _lines(one) for kind, one in data.items()}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    main()
