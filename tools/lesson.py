"""``python -m tools.lesson``: the sheets docs/lesson*.md as pages that the service serves.

Their links lead to the host that they are opened from. What is for the teacher alone is folded up.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from support.folders import ROOT

DOCS = ROOT / "docs"
PAGES = ROOT / "service" / "web" / "lesson"
HOST = "http://localhost:8000"


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
    title = sheet.source.read_text().partition("\n")[0].removeprefix("# ")
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
{_body(sheet)}
</main>
</body>
</html>
"""


def _body(sheet: Sheet) -> str:
    """The sheet's HTML, with what is for the teacher folded up to the next heading."""
    reader = MarkdownIt("commonmark", renderer_cls=_Renderer)
    tokens: list[Token] = []
    folded, quoted = False, False
    for token in reader.parse(sheet.source.read_text()):
        if token.type == "heading_open" and folded:
            tokens.append(_html("</details>\n"))
            folded = False
        if token.type in ("blockquote_open", "blockquote_close"):
            quoted = token.nesting == 1
        if token.children:
            if [one.content for one in token.children[:3]] == ["", sheet.teacher, ""]:
                del token.children[:3]
                token.children[0].content = token.children[0].content.lstrip()
                tokens.insert(-1, _html(f"<details>\n<summary>{sheet.teacher.rstrip('.。')}</summary>\n"))
                folded = True
            token.children = list(_linked(token.children, sheet))
            if quoted:
                token.children = [_html("</p>\n<p>") if one.type == "softbreak" else one for one in token.children]
        tokens.append(token)
    if folded:
        tokens.append(_html("</details>\n"))
    return str(reader.renderer.render(tokens, reader.options, {})).strip()


class _Renderer(RendererHTML):
    def softbreak(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        """Japanese has no spaces between its words."""
        before = next((one.content for one in reversed(tokens[:place]) if one.content), "")
        after = next((one.content for one in tokens[place:] if one.content), "")
        return " " if (before[-1:] + after[:1]).isascii() else ""


def _linked(tokens: Sequence[Token], sheet: Sheet) -> Iterator[Token]:
    """Links to the page in the sheet's language, each with one for a projector; what is not served is named."""
    after: Token | None = None
    rest = iter(tokens)
    for token in rest:
        target = str(token.attrs.get("href", ""))
        twin = next((one for one in SHEETS if one.name == target), None)
        if token.type == "link_open" and target.startswith(f"{HOST}/#"):
            to = target.removeprefix(HOST).replace("#", f"#language={sheet.language}&", 1)
            view = "where" if "question=" in target else "all"
            token.attrs = {"href": to, "target": "konkyo"}
            large = f'href="{html.escape(to)}&amp;present={view}" target="konkyo"'
            after = _html(f' <a class="present" {large}>{sheet.present}</a>')
        elif token.type == "link_open" and twin is not None:
            token.attrs = {"href": twin.target.name}
        elif token.type == "link_open":
            while next(rest).type != "link_close":
                pass
            token = Token("code_inline", "code", 0, content=f"docs/{target}")
        yield token
        if token.type == "link_close" and after is not None:
            yield after
            after = None


def _html(text: str) -> Token:
    return Token("html_block", "", 0, content=text)


def main() -> None:
    """Write both pages."""
    PAGES.mkdir(exist_ok=True)
    for sheet in SHEETS:
        sheet.target.write_text(page(sheet))


if __name__ == "__main__":
    main()
