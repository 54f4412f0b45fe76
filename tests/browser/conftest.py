"""A real Chromium against a real server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

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


@pytest.fixture
def page(browser: Any, page_url: str) -> Iterator[Any]:
    """A fresh visitor on the page, at desktop size; fails the test if any request left for another host."""
    context = browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900})
    strangers: list[str] = []
    context.on("request", lambda request: None if _is_ours(request.url) else strangers.append(request.url))
    visitor = context.new_page()
    visitor.goto(page_url)
    visitor.wait_for_selector("#augment")
    yield visitor
    context.close()
    assert strangers == []


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:"))
