"""Names of files, folders and classes, and whatever a visitor types, are text on every part of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.page_steps import DONE_MS, expect, give_folder, photos, set_variations

PAYLOADS = (
    "<img src=x onerror='window.ran=1'>",
    "\"><svg onload='window.ran=1'>",
    "${window.ran=1}{{window.ran=1}}",
    "[a](javascript:window.ran=1)",
    "'-(window.ran=1)-'",
)


def test_names_are_text(page: Any, tmp_path: Path) -> None:
    names = [f"set/{payload}/{payload}{number}.png" for number, payload in enumerate(PAYLOADS)]
    photos(tmp_path, *names)
    (tmp_path / "set" / PAYLOADS[0] / f"{PAYLOADS[1]}.png").write_text("not an image")
    give_folder(page, tmp_path / "set", len(PAYLOADS))
    expect(page.locator(".drop-classes")).to_contain_text("onerror")
    set_variations(page, 1)
    page.click("#more button")
    for box in page.locator("#more textarea:visible, #more input[type=text]:visible").all():
        if box.is_editable() and box.get_attribute("role") != "listbox":
            box.fill(PAYLOADS[0])
            box.press("Tab")
            box.fill("")
            box.press("Tab")
    page.click("#augment")
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)
    expect(page.locator("#gallery .card").first).to_contain_text("window.ran")
    page.locator("#gallery .card button").first.click()
    page.wait_for_selector("dialog[open]")
    page.keyboard.press("Escape")
    for tab in ("Report", "Use in code", "Make"):
        page.get_by_role("tab", name=tab).click()
    assert page.evaluate("window.ran") is None
