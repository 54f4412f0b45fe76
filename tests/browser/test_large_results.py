"""Three hundred results: what the browser has to hold stays small, and everything can still be done with them.

Counts of nodes, images and bytes, never of seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.settings import EXAMPLES
from augmentai.web.jobs.previews import PREVIEW_SIDE_PX
from augmentai.web.views import WINDOW
from tests.support.browser_tab import patient
from tests.support.page_steps import (
    DONE_MS,
    cards,
    choose,
    expect,
    give_folder,
    images_in,
    manifest,
    saved_zip,
    set_variations,
)

pytestmark = pytest.mark.browser

PHOTOS, EACH = 20, 15
SIZE_WH = (400, 300)
# Counts what the grid holds whenever it changes, from the first moment on.
COUNTING = """new MutationObserver(() => {
  const shown = document.querySelector('.grid-cards')?.childElementCount ?? 0;
  if (document.querySelector('.grid-working')) window.mostWhileWorking = Math.max(window.mostWhileWorking ?? 0, shown);
}).observe(document, {childList: true, subtree: true});"""
LOADED = "[...document.querySelectorAll('.card img')].filter(one => one.naturalWidth)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "ds"
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        pixels = np.asarray(photo.convert("RGB").resize(SIZE_WH))
    for number in range(PHOTOS):
        path = folder / ("cats", "dogs")[number % 2] / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(pixels, 23 * number, axis=1)).save(path)
    return folder


@pytest.fixture(scope="module")
def visit(browser: Any, page_url: str, folder: Path) -> Iterator[tuple[Any, dict[str, int]]]:
    """A page with all results, and the bytes of each image that it fetched."""
    context = patient(browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900}))
    page = context.new_page()
    page.add_init_script(COUNTING)
    fetched: dict[str, int] = {}

    def fetch(response: Any) -> None:
        if "/variation." in response.url:
            fetched[response.url] = int(response.headers["content-length"])

    page.on("response", fetch)
    page.goto(page_url)
    give_folder(page, folder, PHOTOS)
    set_variations(page, EACH)
    page.click("#more button")
    page.uncheck("#filters input")
    page.click("#augment")
    page.wait_for_selector("#status .aug-done", timeout=2 * DONE_MS)
    expect(cards(page)).to_have_count(PHOTOS * EACH)
    yield page, fetched
    context.close()


def test_a_bounded_window_while_it_works(visit: tuple[Any, dict[str, int]]) -> None:
    assert 0 < visit[0].evaluate("window.mostWhileWorking") <= WINDOW


def test_images_are_fetched_as_they_come_into_view(visit: tuple[Any, dict[str, int]]) -> None:
    page, fetched = visit
    assert page.evaluate("[...document.querySelectorAll('.card img')].every(one => one.loading === 'lazy')")
    page.locator(".card").last.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.card:last-child img').naturalWidth")
    sides = page.evaluate(f"{LOADED}.map(one => Math.max(one.naturalWidth, one.naturalHeight))")
    assert set(sides) == {PREVIEW_SIDE_PX}
    assert max(fetched.values()) < 60_000
    assert sum(fetched.values()) < PHOTOS * EACH * 30_000


def test_the_page_stays_small(visit: tuple[Any, dict[str, int]]) -> None:
    page, _ = visit
    assert page.evaluate("document.querySelectorAll('.grid *').length") < 14 * PHOTOS * EACH
    assert page.evaluate("document.querySelectorAll('*').length") < 6000


def test_filter_compare_exclude_and_download_them(visit: tuple[Any, dict[str, int]], tmp_path: Path) -> None:
    page, _ = visit
    choose(page, "#by-label", "cats")
    expect(cards(page)).to_have_count(PHOTOS * EACH // 2)
    page.click(".card-open >> nth=140")
    page.wait_for_function("document.querySelector('.compare-variation').src.includes('large-variation')")
    page.click("dialog [data-do=exclude]")
    page.click("dialog [data-do=close]")
    expect(page.locator("#pack")).to_contain_text(f"({PHOTOS * EACH - 1} images, 1 excluded)")
    path = saved_zip(page, tmp_path)
    assert path.name.endswith(f"-{PHOTOS * EACH - 1}-images.zip")
    assert len(images_in(path)) == PHOTOS * EACH - 1
    assert [line["status"] for line in manifest(path)].count("left out") == 1
    expect(page.locator("#zip")).to_contain_text("1 excluded, ")
    choose(page, "#by-label", "All classes")
    expect(cards(page)).to_have_count(PHOTOS * EACH)
    expect(page.locator(".card-excluded")).to_have_count(1)
