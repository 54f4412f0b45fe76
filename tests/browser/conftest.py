"""A real Chromium against a real server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.browser_tab import Tab

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Skips where there is no Chromium, but never in continuous integration."""
    chromium = find_chromium()
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: .ci/run installs it (Debian package chromium)")
        pytest.skip(
            "no Chromium on this machine; install it (Debian: apt-get install chromium) to run the page's tests"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page_url(server_url: str) -> str:
    return server_url


@pytest.fixture(scope="session")
def tab(browser: Any) -> Iterator[Tab]:
    """The tab that most tests share, one after the other."""
    tab = Tab(browser)
    yield tab
    tab.close()


@pytest.fixture
def page(tab: Tab, page_url: str) -> Iterator[Any]:
    """A fresh visitor on the page, at desktop size; fails the test if any request left for another host."""
    with tab.visitor(page_url) as visitor:
        yield visitor


@pytest.fixture(scope="session")
def other_tab(browser: Any) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.close()


@pytest.fixture
def other(other_tab: Tab, page_url: str) -> Iterator[Any]:
    """Another visitor at the same time, with a browser of their own."""
    with other_tab.visitor(page_url) as visitor:
        yield visitor


@pytest.fixture(params=[((1440, 900), "light"), ((390, 900), "dark")], ids=["desk", "phone"])
def visitor(request: pytest.FixtureRequest, tab: Tab, page_url: str) -> Iterator[Any]:
    """A fresh visitor with a wide and one with a narrow screen, one by day and one by night."""
    size_wh, theme = request.param
    with tab.visitor(f"{page_url}?__theme={theme}", size_wh, still=True) as visitor:
        yield visitor
