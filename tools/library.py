"""``python -m tools.library``: writes docs/python.md, the reference of ``import konkyo``, from the docstrings."""

import inspect
import re
from pathlib import Path
from typing import Any

import konkyo
from konkyo.models.hiding.regions import OfRegions
from konkyo.models.result import ClassResult, Result

PATH = Path(__file__).parents[1] / "docs" / "python.md"
FUNCTIONS = "load", "from_torch", "predict", "filters", "process", "occlusion", "shapley", "grounds"
RESULTS = "Prediction", "FilterExplanation", "Process", "OcclusionExplanation", "ShapleyExplanation", "Grounds"
OTHERS = "Model", "Results"
ERRORS = "KonkyoError", "ImageError", "ParameterError", "BudgetError", "CheckpointError", "NetworkFileError"
# Headings of numpydoc.
_SECTION = re.compile(r"^(\w+)\n-+\n", re.MULTILINE)
HEAD = """# Python reference

Made by `make examples` from the docstrings of `import konkyo`. In Python, `help(konkyo.occlusion)` shows the same, and
[own-network.ipynb](own-network.ipynb) a walk from a module of one's own to its explanations.
[mathematics.md](mathematics.md) defines the numbers. (R, R) are the rows and columns of the regions, C the classes,
s the side of the last stage's maps.
"""


def main() -> None:
    """Write the page."""
    PATH.write_text(page(), encoding="utf-8")
    print(f"written: {PATH}")


def page() -> str:
    """The Markdown of the whole reference."""
    parts = [HEAD, _code(konkyo.__doc__ or ""), "## Functions"]
    for name in FUNCTIONS:
        parts += _entry(name, f"konkyo.{name}{_signature(getattr(konkyo, name))}")
    parts.append("## Results")
    parts.append("Each has what all of them share:\n\n" + _members(Result))
    parts.append("An explanation of a class also has `target`, `versus` and:\n\n" + _members(ClassResult))
    parts.append("`occlusion`, `shapley` and `grounds` also have:\n\n" + _members(OfRegions))
    for name in RESULTS:
        kind = getattr(konkyo, name)
        parts += _entry(name, None)
        own = _members(kind)
        parts += [own] if own else []
    parts.append("## Networks, and results of many images")
    for name in OTHERS:
        parts += _entry(name, None)
        parts.append(_members(getattr(konkyo, name)))
    parts.append("## Warnings and errors")
    parts.append("\n".join(f"- `konkyo.{name}`: {_line(getattr(konkyo, name))}" for name in ("ImageWarning", *ERRORS)))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _entry(name: str, called: str | None) -> list[str]:
    """A heading, how it is called, and the sections of its docstring."""
    text = inspect.getdoc(getattr(konkyo, name)) or ""
    pieces = _SECTION.split(text)
    found = [f"### {name}", *([f"```python\n{called}\n```"] if called else []), _code(pieces[0])]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        if title == "Examples":
            found.append(f"```pycon\n{body.strip()}\n```")
        else:
            found.append(f"**{title}**\n\n{_items(body)}")
    return found


def _signature(function: Any) -> str:
    """Names and defaults, a line each where they are long; types are said in words."""
    parameters = inspect.signature(function).parameters.values()
    words, starred = [], False
    for one in parameters:
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        words.append(one.name if one.default is inspect.Parameter.empty else f"{one.name}={one.default!r}")
    line = f"({', '.join(words)})"
    return line if len(line) < 90 else "(\n    " + ",\n    ".join(words) + ",\n)"


def _items(body: str) -> str:
    """The entries of a section: what stands at the margin names what is set in below it."""
    items: list[list[str]] = []
    for line in body.strip("\n").splitlines():
        if line and not line.startswith(" "):
            items.append([line])
        elif items:
            items[-1].append(line.strip())
    return "\n".join(f"- `{name}`: {_code(' '.join(filter(None, text)))}" for name, *text in items)


def _members(kind: type) -> str:
    """The public properties and methods that a class itself defines, each with its first line."""
    lines = []
    for name, member in vars(kind).items():
        if name.startswith("_") or not isinstance(member, property | type(_line)) or name == "draw":
            continue
        called = name if isinstance(member, property) else f"{name}()"
        lines.append(f"- `{called}`: {_line(member)}")
    return "\n".join(lines)


def _line(member: Any) -> str:
    text = inspect.getdoc(member) or ""
    return _code(" ".join(_SECTION.split(text)[0].partition("\n\n")[0].split()))


def _code(text: str) -> str:
    return text.replace("``", "`").strip()


if __name__ == "__main__":
    main()
