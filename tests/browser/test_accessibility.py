"""For everybody: light and dark, phone width, keyboard, screen reader (axe-core); and no request to another host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.axe import barriers
from tests.support.browser_tab import Tab, patient
from tests.support.page_steps import augment, choose, expect, give, photos, samples, set_variations

pytestmark = pytest.mark.browser


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, tab: Tab, page_url: str) -> Iterator[Any]:
    with tab.visitor(f"{page_url}?__theme={request.param}", still=True) as page:
        expect(page.locator("body")).to_have_class("dark" if request.param == "dark" else "")
        yield page


def test_axe_finds_nothing_serious(themed: Any, tmp_path: Path) -> None:
    page = themed
    seen: dict[str, list[str]] = {}
    seen["empty"] = barriers(page)
    (tmp_path / "notes.jpg").write_text("not an image")
    give(page, [*photos(tmp_path, "a.png", "b.png"), tmp_path / "notes.jpg"], 2)
    page.click("#more button")
    page.click("#set button")
    choose(page, "#balancing", "Target per class")
    page.wait_for_timeout(300)  # the settings unfold
    seen["given, settings open"] = barriers(page)
    choose(page, "#balancing", "Off")
    set_variations(page, 2)
    augment(page)
    seen["finished, with a failure"] = barriers(page)
    page.click("#earlier summary")
    page.click("[data-pick=samples]")
    page.wait_for_selector(".drop-choice:visible")
    seen["jobs listed, add or replace"] = barriers(page)
    page.click("[data-choice=cancel]")
    page.click(".card-open >> nth=0")
    page.wait_for_selector("dialog[open]")
    seen["compare"] = barriers(page)
    page.keyboard.press("Escape")
    desk_wh = page.viewport_size
    for tab in ("Does it help?", "Use in code", "Report"):
        page.get_by_role("tab", name=tab).click()
        for size_wh in (desk_wh, {"width": 768, "height": 1024}):
            page.set_viewport_size(size_wh)
            page.wait_for_timeout(200)
            seen[f"{tab} at {size_wh['width']}"] = barriers(page)
        page.set_viewport_size(desk_wh)
    assert {state: found for state, found in seen.items() if found} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_width_has_no_sideways_scroll_and_hides_nothing(browser: Any, page_url: str, theme: str) -> None:
    context = patient(browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True))
    page = context.new_page()
    page.goto(f"{page_url}?__theme={theme}")
    page.wait_for_selector("#augment")
    samples(page)
    set_variations(page, 1)
    augment(page)
    expect(page.locator("#zip")).to_be_in_viewport()
    page.click("#set button")
    page.click("#more button")
    page.wait_for_timeout(300)
    chosen = page.locator("#set [role=combobox], #more [role=combobox]")
    assert chosen.count() == 10
    clipped = chosen.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.value)")
    assert clipped == [], "what is chosen can be read"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    words = page.locator(".card-how, .aug-line, #augment")
    cut = words.evaluate_all("found => found.filter(one => one.scrollWidth > one.clientWidth + 1).length")
    assert cut == 0, "words are cut off"
    expect(page.locator("footer .show-api")).to_be_visible()
    page.locator(".card-open").first.tap()
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right") <= 390
    page.click("dialog [data-do=close]")
    for tab in ("Use in code", "Report"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_everything_works_by_keyboard(page: Any, tmp_path: Path) -> None:
    page.locator("[data-pick=samples]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drop-count strong")).to_have_text("8 images")
    set_variations(page, 1)
    page.locator("#augment").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#status .aug-done", timeout=90_000)
    page.locator(".card-open").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.type") == "range"
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator("dialog input[type=range]")).to_have_value("60")
    assert "inset(0px 40% 0px 0px)" in page.evaluate("document.querySelector('.compare-source').style.clipPath")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement === document.querySelectorAll('.card-open')[1]"), "focus comes back"
