"""A real Chromium, which is Debian's, driven by Playwright; and axe, which says who is kept out."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.clients import installed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

HERE = Path(__file__).parent
SIZES = {"desktop": (1200, 900), "phone": (390, 844)}
# What axe calls so keeps some people out, or makes it very hard for them.
SEVERE = ("serious", "critical")
# What the browser says of a request that failed, as some here are to.
EXPECTED = "Failed to load resource"


@contextmanager
def chromium(*arguments: str) -> Iterator["Browser"]:
    """Run it without a window."""
    installed.importable("page")
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    assert program, "there is no chromium: make boxes installs it"
    with sync_playwright() as playwright:
        # Its own sandbox needs another user than root.
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *arguments]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: "Browser", url: str, size: str = "desktop", **options: Any) -> Iterator["Page"]:
    """Open the page in a window of its own; AssertionError if the browser complains of anything."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-US", **options
    )
    try:
        with watched(context) as page:
            page.goto(url)
            yield page
    finally:
        context.close()


@contextmanager
def watched(context: "BrowserContext") -> Iterator["Page"]:
    """A new tab; AssertionError at the end if there was an error in it, of its policy too."""
    complaints: list[str] = []
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: complaints.append(error.stack or str(error)))
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    yield page
    page.wait_for_timeout(100)  # what it says arrives a moment later
    assert not complaints, complaints


def is_complaint(said: Any) -> bool:
    return said.type in ("error", "warning") and not said.text.startswith(EXPECTED)


def severe(page: "Page") -> list[str]:
    """What axe finds in the page as it is now: rule and element of each that keeps people out."""
    page.evaluate((installed.packages(HERE) / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations', 'incomplete']})")
    assert found["passes"], "axe looked at nothing"
    return [
        f"{one['id']}: {node['html']}"
        for one in found["violations"]
        if one["impact"] in SEVERE
        for node in one["nodes"]
    ]


def texts(page: "Page", selector: str) -> Sequence[str]:
    """The texts of all elements that match."""
    return [text.strip() for text in page.locator(selector).all_inner_texts()]
