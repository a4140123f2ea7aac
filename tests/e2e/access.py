"""What keeps people out of the page."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

FOUND = """async () => {
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`);
}"""


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out. It is put into a page once."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(f"{AXE_SCRIPT}; null")
    found: list[str] = page.evaluate(FOUND)
    return found
