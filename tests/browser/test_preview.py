"""The preview of the settings before the run: the strip, its strength, labels, another image, and what is broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.axe import barriers
from tests.support.page_steps import expect, give

pytestmark = pytest.mark.browser


def labelled(folder: Path) -> list[Path]:
    """A YOLO set of two images with a cat each, and of a class that neither shows."""
    folder.mkdir()
    for name in ("a", "b"):
        image = Image.effect_noise((128, 96), 40).convert("RGB")
        image.paste("red", (32, 24, 64, 72))
        image.save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text("1 0.375 0.5 0.25 0.5\n")
    (folder / "classes.txt").write_text("ant\ncat\n")
    return sorted(folder.iterdir())


def titles(page: Any) -> Any:
    return page.locator(".preview-cards b")


def test_the_strip_follows_the_settings(visitor: Any, tmp_path: Path) -> None:
    page = visitor
    expect(page.locator("#preview")).to_be_hidden()
    give(page, labelled(tmp_path / "set"), 2)
    expect(titles(page)).to_have_text(["Source", *(f"Variation {n}" for n in range(1, 5))])
    expect(page.locator("#preview-strip [role=status]")).to_have_text("Automatic strength: 0.6")
    expect(page.locator(".preview-cards polygon")).to_have_count(5)
    expect(page.locator(".preview-cards .labels span").first).to_have_text("cat")
    expect(page.locator(".preview-cards g").first).to_have_attribute("stroke", "#2fd5c4")  # as in the results
    assert page.locator(".preview-cards img").first.get_attribute("alt") == "Source: a.png, 1 label"
    first = page.locator(".preview-cards img").nth(1)
    before = first.get_attribute("src")
    page.click("#auto-strength input")
    page.fill("#strength input[type=number]", "1")
    page.press("#strength input[type=number]", "Tab")
    expect(page.locator("#preview-strip [role=status]")).to_have_text("Strength: 1")
    expect(first).not_to_have_attribute("src", before)
    page.get_by_label("Strengths").check()
    expect(page.locator(".preview-marked b")).to_have_text("Strength 1")
    page.get_by_label("Draw labels").uncheck()
    expect(page.locator(".preview-cards .labels").first).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert barriers(page) == []


def test_another_image_and_one_that_is_broken(page: Any, tmp_path: Path) -> None:
    files = labelled(tmp_path / "set")[:1]
    (tmp_path / "broken.png").write_bytes(files[0].read_bytes()[:2000])
    give(page, [*files, tmp_path / "broken.png"], 1)
    expect(titles(page)).to_have_text(["Source", *(f"Variation {n}" for n in range(1, 5))])
    page.get_by_role("button", name="broken.png", exact=True).click()
    expect(page.locator("#preview-strip")).to_contain_text(
        "broken.png cannot be used: the file is corrupt or truncated"
    )
    page.press("[data-picture='1']", "ArrowLeft")
    expect(page.locator("[data-picture='0']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".preview-cards img").first).to_have_attribute("alt", "Source: a.png")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"], "these files would have to be sent again"


def test_operations_one_by_one_and_out_of_the_way_of_a_job(page: Any, tmp_path: Path) -> None:
    give(page, labelled(tmp_path / "set"), 2)
    page.get_by_label("Operations").first.check()
    expect(page.locator("#preview-strip")).to_contain_text("Choose operations under More settings.")
    page.click("#more button")
    page.fill("#operations input", "flip, mosaic")
    page.press("#operations input", "Enter")
    page.press("#operations input", "Tab")
    expect(titles(page)).to_have_text(["Source", "Horizontal flip"])
    expect(page.locator("#preview-strip")).to_contain_text("Not shown, since they use other images: Mosaic.")
    page.click("#augment")
    expect(page.locator(".preview-cards")).to_be_hidden()
    page.wait_for_selector("#status .aug-done", timeout=90_000)
