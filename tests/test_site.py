"""The documents as a site: every link leads somewhere, and whoever reads it asks no other host."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mdit_py_plugins.anchors.index import slugify

import konkyo
from support.folders import ROOT

# What a browser fetches by itself.
FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
# They stand beside docs/ and are no part of the site.
BESIDE = "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if value and FETCHED.get(tag) == name]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made as ``make docs`` makes it: a link that leads nowhere fails."""
    recipe = re.search(r"^docs:.*\n\t\$\(RUN\) (.*) build/site$", (ROOT / "Makefile").read_text(), re.M)
    assert recipe is not None
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", *recipe[1].split(), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def test_a_reader_asks_no_other_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        parser = _Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.addresses
        assert not [one for one in parser.addresses if re.match(r"(\w+:)?//", one)], page.name
    for style in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", style.read_text(encoding="utf-8"))
        assert not found, style.name


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    page = (site / "python.html").read_text(encoding="utf-8")
    for name in konkyo.__all__:
        assert f"konkyo.{name}" in re.findall(r'id="([\w.]+)"', page), name


@pytest.mark.parametrize("document", BESIDE)
def test_the_links_of_documents_beside_the_site_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", re.sub(r"```.*?```", "", text, flags=re.S))
    assert links
    for path, anchor in links:
        target = ROOT / (path or document)
        assert target.exists(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)
            assert anchor in {slugify(heading) for heading in headings}, f"{path}#{anchor}"
