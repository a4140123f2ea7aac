"""``python -m tools.notebook``: runs the cells of the notebooks in docs/, and writes what they show into them.

A cell shows what it prints and, as in Jupyter, the value of its last line. Neither Jupyter nor a kernel is needed.
"""

import ast
import json
import sys
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs").glob("*.ipynb"))

Cell = dict[str, Any]


def main() -> None:
    """Run the named notebooks, or all."""
    for path in [Path(name) for name in sys.argv[1:]] or NOTEBOOKS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for number, cell in enumerate(run(notebook), 1):
            cell["execution_count"] = number
        path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
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
        data, metadata = _bundle(value)
        outputs.append({"output_type": "display_data", "data": data, "metadata": metadata})
    return outputs


def _bundle(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    if not hasattr(value, "_repr_mimebundle_"):
        return {"text/plain": _lines(repr(value))}, {}
    data, metadata = value._repr_mimebundle_()
    if "image/png" in data:
        data["image/png"] = _small(data["image/png"])
    return {kind: one if kind == "image/png" else _lines(one) for kind, one in data.items()}, metadata


def _small(png: str) -> str:
    """The same picture in a palette, as a notebook in a repository should have it."""
    from base64 import b64decode

    from PIL import Image

    file = BytesIO()
    with Image.open(BytesIO(b64decode(png))) as picture:
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(file, "PNG", optimize=True)
    return b64encode(file.getvalue()).decode()


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    main()
