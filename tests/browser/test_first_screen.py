"""The first screen and what is always in view; the report as a file; the API's documentation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.axe import barriers
from tests.support.page_steps import augment, cards, expect, give, photos, set_variations

pytestmark = pytest.mark.browser

WIDTHS = (1440, 768, 390)


@pytest.fixture(scope="module", params=["light", "dark"])
def finished(request: pytest.FixtureRequest, browser: Any, page_url: str, tmp_path_factory: Any) -> Iterator[Any]:
    """A page with a finished job, of which one file failed; at each width, what axe-core found on the first screen."""
    context = browser.new_context(
        accept_downloads=True, viewport={"width": 1440, "height": 700}, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(f"{page_url}?__theme={request.param}")
    page.wait_for_selector("#augment")
    page.first = {width: at_width(page, width) for width in WIDTHS}
    folder = tmp_path_factory.mktemp("photos")
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    give(page, [*photos(folder, "a.png", "b.png"), folder / "cut.png"], 2)
    set_variations(page, 3)
    page.locator("#augment").focus()
    augment(page)
    yield page
    context.close()


def at_width(page: Any, width: int) -> list[str]:
    page.set_viewport_size({"width": width, "height": 700})
    page.wait_for_timeout(150)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert messages(page) == []
    return barriers(page)


def messages(page: Any) -> list[str]:
    """What Gradio says in a corner of the page: errors of calls, and a connection that was lost."""
    return list(page.get_by_test_id("toast-body").all_inner_texts())


def in_view(page: Any, what: str) -> bool:
    box = page.locator(what).bounding_box()
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"] + 1


def test_nobody_is_shut_out_at_any_width(finished: Any) -> None:
    assert finished.first == {width: [] for width in WIDTHS}
    assert {width: at_width(finished, width) for width in WIDTHS} == {width: [] for width in WIDTHS}
    finished.set_viewport_size({"width": 1440, "height": 700})


def test_the_focus_is_kept_over_a_job(finished: Any) -> None:
    assert messages(finished) == []
    finished.wait_for_function("document.activeElement.id === 'augment'")


def test_button_progress_and_download_stay_in_view(finished: Any) -> None:
    page = finished
    page.click("#more button")
    page.wait_for_timeout(300)
    page.evaluate("scrollTo(0, 0)")
    assert in_view(page, "#augment"), "with all settings open"
    page.click("#more button")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_timeout(200)
    assert in_view(page, "#zip")
    assert in_view(page, "#status")
    page.evaluate("scrollTo(0, 0)")


def test_the_report_is_one_click_away_and_saved_as_a_file(finished: Any, tmp_path: Path) -> None:
    page = finished
    page.click("#see-report")
    expect(page.locator("#report .report-tiles")).to_be_visible()
    for words in ("cut.png", "made at strength", "filters rejected"):
        expect(page.locator("#report")).to_contain_text(words, ignore_case=True)
    with page.expect_download() as download:
        page.click("#report [download]")
    assert download.value.suggested_filename == "augmentai-report.html"
    download.value.save_as(tmp_path / "report.html")
    alone = page.context.new_page()
    alone.goto((tmp_path / "report.html").as_uri())
    expect(alone.locator("h1")).to_contain_text("6 of 9 variations made")
    assert alone.locator(".plot-columns text").first.evaluate("one => getComputedStyle(one).fontSize") == "13px"
    alone.set_viewport_size({"width": 390, "height": 844})
    assert alone.locator(".plot-columns text").first.evaluate("one => getComputedStyle(one).fontSize") == "21px"
    assert alone.evaluate("document.documentElement.scrollWidth") <= 390
    assert barriers(alone) == []
    assert alone.locator(".report-tiles div").first.evaluate("one => getComputedStyle(one).borderRadius") == "14px"
    assert alone.locator(".plot-bar .bar-variations").first.bounding_box()["width"] > 20
    alone.close()
    page.get_by_role("tab", name="Make").click()


def test_the_documentation_opens_beside_the_visitors_work(finished: Any) -> None:
    page = finished
    page.evaluate("window.isTheSame = true")
    page.get_by_role("tab", name="Use in code").click()
    page.click("#keywords summary")
    expect(page.locator("#keywords tr").first).to_be_visible()
    page.click("#open-docs")
    expect(page.locator(".api-docs")).to_be_visible()
    expect(page.locator(".api-docs")).to_contain_text("/augment")
    page.keyboard.press("Escape")
    assert page.evaluate("window.isTheSame"), "the page was not loaded anew"
    page.evaluate("document.querySelector('.api-docs .backdrop')?.click()")
    page.get_by_role("tab", name="Make").click()
    expect(cards(page)).to_have_count(6)


def test_the_focus_is_kept_when_the_page_is_loaded_anew(finished: Any) -> None:
    """As Gradio does by itself when a connection that was lost is back."""
    finished.locator("#augment").focus()
    finished.reload()
    expect(cards(finished)).to_have_count(6)
    finished.wait_for_function("document.activeElement.id === 'augment'")
