"""The sheets that the service serves are those of docs, in both languages."""

import pytest

from tools.lesson import SHEETS, Sheet, page


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.language)
def test_the_page_is_the_document(sheet: Sheet) -> None:
    assert sheet.target.read_text() == page(sheet), "`python -m tools.lesson` makes it anew"


def test_what_a_sheet_becomes() -> None:
    english = page(SHEETS[0])
    assert "localhost:8000/#" not in english
    assert (
        '<a href="/#language=en&amp;question=grounds&amp;drawing=i1YyUooFAA" target="konkyo">The grounds of a 2</a>'
        in english
    )
    assert "<blockquote>\n<p>19 regions hidden: still a 2</p>\n</blockquote>" in english
    assert english.count("<details>") == english.count("</details>") == 8
    assert "<code>docs/own-network.md</code>" in english
