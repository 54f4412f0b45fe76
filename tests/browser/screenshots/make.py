"""Takes the screenshots of the page in docs/images, desktop and phone, light and dark.

`python -m tests.browser.screenshots.make`; needs Chromium.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from augmentai.settings import ROOT, Settings
from tests.browser.conftest import FLAGS, find_chromium
from tests.support.app_server import serving
from tests.support.page_steps import augment, samples, set_variations

IMAGES = ROOT / "docs" / "images"
SEED = "3"
# name: width, height, theme, and what is to be seen
VIEWS = {
    "page": (1280, 960, "light", "header"),
    "compare": (1280, 900, "dark", "dialog"),
    "phone": (390, 844, "light", "#status"),
    "phone-dark": (390, 844, "dark", "header"),
}


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
        for name, (width, height, theme, seen) in VIEWS.items():
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{url}?__theme={theme}")
            samples(page)
            set_variations(page, 2)
            page.click("#more button")
            page.fill("#seed input", SEED)  # the same images each time
            page.press("#seed input", "Tab")
            page.click("#more button")
            augment(page)
            page.evaluate(f"document.querySelector('{seen}').scrollIntoView()")
            if seen == "header":
                page.evaluate("scrollTo(0, 0)")  # with the space above it
            if seen == "dialog":
                page.click(".card-open >> nth=4")
                page.wait_for_function("document.querySelector('.compare-variation').src.includes('large-variation')")
            page.wait_for_timeout(1500)  # images and the progress bar settle
            page.screenshot(path=IMAGES / f"{name}.png")
            print(IMAGES / f"{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
