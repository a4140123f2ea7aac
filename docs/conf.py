"""``make docs``: the documents as a site in build/site, by Sphinx. Who reads it asks no other host."""

from sphinx.application import Sphinx

import konkyo

project = "Konkyo"
version = release = konkyo.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"Konkyo {release}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_static_path: list[str] = []
exclude_patterns = ["digits"]
myst_heading_anchors = 4  # as GitHub names headings
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say types in words
autodoc_class_signature = "separated"  # results are made by asking
napoleon_use_rtype = False

# The first page is a plain document; this is its list of all others.
PAGES = {
    "Begin": "index lesson lesson.ja gallery own-network own-data training photographs",
    "Ask": "http scaling python",
    "Understand": "mathematics glossary request likeness studies/README",
    "Run": "operations performance reliability upgrading release mutants",
}


def with_contents(_: Sphinx, name: str, text: list[str]) -> None:
    """The first page with the contents of the site; a study's page stands below their overview."""
    if name == "index":
        for title, pages in PAGES.items():
            listed = "\n".join("self" if page == "index" else page for page in pages.split())
            text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"
    elif name == "studies/README":
        text[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", with_contents)
