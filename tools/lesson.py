"""``python -m tools.lesson``: the sheets docs/lesson*.md as pages that the service serves.

Their links lead to the host that they are opened from. What is for the teacher alone is folded up.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from support.folders import ROOT

DOCS = ROOT / "docs"
PAGES = ROOT / "service" / "web" / "lesson"
HOST = "http://localhost:8000"

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|\*(?P<em>[^*]+)\*|\[(?P<text>[^]]+)\]\((?P<target>[^)]+)\)"
)


@dataclass(frozen=True)
class Sheet:
    """A sheet in one language, with the words that its page adds."""

    name: str
    language: str
    teacher: str
    present: str
    other: str
    page: str

    @property
    def source(self) -> Path:
        """The Markdown."""
        return DOCS / self.name

    @property
    def target(self) -> Path:
        """The page."""
        return PAGES / f"{self.language}.html"


SHEETS = (
    Sheet("lesson.md", "en", "For the teacher.", "present", "日本語", "The page"),
    Sheet("lesson.ja.md", "ja", "先生へ。", "投影", "English", "ページへ"),
)


def page(sheet: Sheet) -> str:
    """The HTML of a sheet."""
    blocks = re.split(r"\n\n+", sheet.source.read_text().strip())
    title = blocks[0].removeprefix("# ")
    other = next(one for one in SHEETS if one != sheet)
    links = (
        f'<a href="/" target="konkyo">{sheet.page}</a> '
        f'<a href="{other.target.name}" hreflang="{other.language}" lang="{other.language}">{sheet.other}</a>'
    )
    return f"""<!doctype html>
<!-- Made by `python -m tools.lesson` from docs/{sheet.name}. -->
<html lang="{sheet.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)} · Konkyo</title>
<link rel="icon" href="/web/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/web/styles/base.css">
<link rel="stylesheet" href="/web/styles/lesson.css">
<script src="/web/scripts/theme.js"></script>
</head>
<body class="lesson">
<nav>{links}</nav>
<main>
{_body(blocks, sheet)}
</main>
</body>
</html>
"""


def _body(blocks: list[str], sheet: Sheet) -> str:
    lines: list[str] = []
    folded = False
    for block in blocks:
        if block.startswith("#") and folded:
            lines.append("</details>")
            folded = False
        answer = f"*{sheet.teacher}* "
        if block.startswith(answer):
            lines.append(f"<details>\n<summary>{sheet.teacher.rstrip('.。')}</summary>")
            folded = True
        lines.append(_block(block.removeprefix(answer), sheet))
    return "\n".join([*lines, "</details>"] if folded else lines)


def _block(block: str, sheet: Sheet) -> str:
    if heading := re.fullmatch(r"(#+) (.*)", block):
        level = len(heading[1])
        return f"<h{level}>{_inline(heading[2], sheet)}</h{level}>"
    if block.startswith("```"):
        code = "\n".join(block.splitlines()[1:-1])
        return f"<pre><code>{html.escape(code, quote=False)}</code></pre>"
    if block.startswith("> "):
        quoted = (f"<p>{_inline(line.removeprefix('> '), sheet)}</p>" for line in block.splitlines())
        return f"<blockquote>{''.join(quoted)}</blockquote>"
    # Japanese has no spaces between its words.
    whole = re.sub(r"\n(?=[^ -~])|(?<=[^ -~])\n", "", block).replace("\n", " ")
    return f"<p>{_inline(whole, sheet)}</p>"


def _inline(text: str, sheet: Sheet) -> str:
    done = []
    place = 0
    for found in _INLINE.finditer(text):
        done.append(html.escape(text[place : found.start()], quote=False))
        place = found.end()
        kind = found.lastgroup
        if kind == "target":
            done.append(_link(found["text"], found["target"], sheet))
        elif kind is not None:
            done.append(f"<{kind}>{html.escape(found[kind], quote=False)}</{kind}>")
    done.append(html.escape(text[place:], quote=False))
    return "".join(done)


def _link(text: str, target: str, sheet: Sheet) -> str:
    """A link to the page in the sheet's language, and one for a projector; documents that are not served are named."""
    shown = html.escape(text, quote=False)
    if not target.startswith(f"{HOST}/#"):
        twin = next((one for one in SHEETS if one.name == target), None)
        return f'<a href="{twin.target.name}">{shown}</a>' if twin else f"<code>docs/{html.escape(target)}</code>"
    to = html.escape(target.removeprefix(HOST).replace("#", f"#language={sheet.language}&", 1))
    view = "where" if "question=" in target else "all"
    large = f'<a class="present" href="{to}&amp;present={view}" target="konkyo">{sheet.present}</a>'
    return f'<a href="{to}" target="konkyo">{shown}</a> {large}'


def main() -> None:
    """Write both pages."""
    PAGES.mkdir(exist_ok=True)
    for sheet in SHEETS:
        sheet.target.write_text(page(sheet))


if __name__ == "__main__":
    main()
