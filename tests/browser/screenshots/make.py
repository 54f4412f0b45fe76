"""Takes the README's pictures of the page: `python -m tests.browser.screenshots.make`. Needs Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from augmentai.settings import Settings
from tests.browser.conftest import FLAGS, find_chromium
from tests.web.serving import serving

HERE = Path(__file__).parent
VIEWS = {"page": (1280, 900, "light"), "phone": (390, 844, "dark")}


def main() -> None:
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium on this machine; install it (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with (
        tempfile.TemporaryDirectory() as cache,
        serving(Settings(), Path(cache)) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, (width, height, theme) in VIEWS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{url}?__theme={theme}")
            page.click("#samples")
            page.wait_for_selector(".drop-count")
            page.click("#augment")
            page.wait_for_selector("#status .aug-done", timeout=120_000)
            page.wait_for_timeout(1500)  # thumbnails fade in
            page.screenshot(path=HERE / f"{name}.png", full_page=name == "page")
            print(HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
