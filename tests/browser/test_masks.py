"""What will be cut out, shown before the click: the strip, what stays as it is, and the way to a measurement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.axe import barriers
from tests.support.page_steps import expect, give

pytestmark = pytest.mark.browser


def two_images(folder: Path) -> list[Path]:
    """One with a subject and one without."""
    image = Image.new("RGB", (96, 64), (20, 90, 40))
    image.paste("red", (30, 20, 60, 50))
    image.save(folder / "a.png")
    Image.new("RGB", (64, 48), "gray").save(folder / "flat.png")
    return [folder / "a.png", folder / "flat.png"]


def add_operation(page: Any, step: str) -> None:
    page.click("#more button")
    page.fill("#operations input", step)
    page.press("#operations input", "Enter")
    page.press("#operations input", "Tab")


def test_masks_are_shown_before_the_run(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    give(page, two_images(tmp_path), 2)
    expect(page.locator("#masks")).to_be_hidden()
    add_operation(page, "background(ground=plain)")
    expect(page.locator("#masks-strip")).to_contain_text("1 of 2 images gets another background; 1 stays as it is")
    expect(page.locator(".masks-passed .masks-name")).to_have_text("a.png")
    expect(page.locator(".masks-fault")).to_contain_text("stays as it is: nothing stands out from the surroundings")
    assert page.evaluate("[...document.querySelectorAll('.masks img')].every(one => one.complete && one.naturalWidth)")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert barriers(page) == []


def test_from_the_masks_to_the_measurement(page: Any, tmp_path: Path) -> None:
    give(page, two_images(tmp_path), 2)
    add_operation(page, "background(ground=plain)")
    page.click("#masks-measure")
    expect(page.get_by_role("tab", name="Does it help?").first).to_have_attribute("aria-selected", "true")
    expect(page.locator("#lift-start")).to_be_visible()
    expect(page.locator("#lift-forecast")).to_contain_text("This set cannot be measured")


def test_without_the_operation_nothing_is_shown(page: Any, tmp_path: Path) -> None:
    add_operation(page, "background(ground=plain)")
    expect(page.locator("#masks")).to_be_hidden()
    give(page, two_images(tmp_path), 2)
    expect(page.locator("#masks")).to_be_visible()
    page.press("#operations input", "Backspace")
    expect(page.locator("#masks")).to_be_hidden()
