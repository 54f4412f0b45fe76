"""The gallery of results: labels drawn, many selected by mouse and keys, one seen in all its pixels and saved."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.settings import EXAMPLES
from tests.support.axe import barriers
from tests.support.page_steps import augment, cards, choose, expect, give, manifest, saved_zip, set_seed, set_variations

pytestmark = pytest.mark.browser

LONG = "a-photograph-with-a-very-long-name-as-cameras-and-downloads-give-them_000_5574421625"
INK = """image => {  // how many pixels of a drawing are coloured
  const canvas = new OffscreenCanvas(200, 150), context = canvas.getContext('2d');
  context.drawImage(image, 0, 0, 200, 150);
  return context.getImageData(0, 0, 200, 150).data.filter((value, n) => n % 4 === 3 && value > 100).length;
}"""


@pytest.fixture(scope="module")
def results(browser: Any, page_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Three variations of each of two images with boxes."""
    folder = tmp_path_factory.mktemp("set")
    data = io.BytesIO()
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        photo.convert("RGB").resize((240, 160)).save(data, "PNG")
    with zipfile.ZipFile(folder / "boxes.zip", "w") as archive:
        archive.writestr("data.yaml", "train: images\nnames: [cat, dog]\n")
        for name, boxes in (("b", "0 0.5 0.5 0.4 0.6\n"), (LONG, "0 0.3 0.4 0.2 0.4\n1 0.7 0.6 0.3 0.3\n")):
            archive.writestr(f"images/{name}.png", data.getvalue() + name.encode())
            archive.writestr(f"labels/{name}.txt", boxes)
    context = browser.new_context(accept_downloads=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(page_url)
    give(page, [folder / "boxes.zip"], 2)
    set_variations(page, 3)
    set_seed(page, 7)
    augment(page)
    expect(cards(page)).to_have_count(6)
    yield page
    context.close()


@pytest.fixture
def page(results: Any) -> Any:
    return results


def expect_excluded(page: Any, count: int) -> None:
    expect(page.locator(".card-excluded")).to_have_count(count)
    expect(page.locator("#downloads")).to_contain_text(f"{6 - count} images")


def test_labels_are_drawn_and_can_be_switched_off(page: Any) -> None:
    for drawing in (".card .card-labels >> nth=0", ".source-card .card-labels >> nth=0"):
        page.wait_for_function("image => image?.naturalWidth", arg=page.locator(drawing).element_handle())
        assert page.locator(drawing).evaluate(INK) > 100
    assert "cat" in page.inner_text("#classes")
    assert "1 cat, 1 dog" in page.locator(".card").first.inner_text()
    page.uncheck("#draw-labels input")
    expect(page.locator(".card-labels").first).to_be_hidden()
    page.check("#draw-labels input")
    expect(page.locator(".card-labels").first).to_be_visible()


def test_a_source_stands_before_its_variations_and_long_names_keep_their_ends(page: Any) -> None:
    order = page.eval_on_selector_all(".grid-cards > li", "all => all.map(one => one.className.split(' ')[0])")
    assert order == ["source-card", *["card"] * 3] * 2
    name = page.locator(".card-name").first
    assert name.evaluate("one => one.firstChild.scrollWidth > one.firstChild.clientWidth"), "it is cut"
    end = name.locator("span").last
    assert end.inner_text() == "__v1.png"
    assert end.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
    choose(page, "#order", "Most changed first")
    expect(page.locator(".source-card")).to_have_count(0)
    choose(page, "#order", "Name")
    expect(page.locator(".source-card")).to_have_count(2)


def test_many_are_selected_by_shift_and_excluded_at_once(page: Any) -> None:
    checks = page.locator(".card-check")
    checks.nth(1).click()
    checks.nth(4).click(modifiers=["Shift"])
    expect(page.locator(".grid-chosen strong")).to_have_text("4 selected")
    assert barriers(page) == []
    page.click("[data-chosen=exclude]")
    expect_excluded(page, 4)
    expect(page.locator(".grid-chosen")).to_be_hidden()
    choose(page, "#shown", "Excluded")
    expect(cards(page)).to_have_count(4)
    choose(page, "#shown", "All")
    page.click("#undo")
    expect_excluded(page, 0)
    expect(page.locator("#undo")).to_be_disabled()


def test_keys_select_exclude_and_undo(page: Any) -> None:
    page.locator(".card-open").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".grid-chosen strong")).to_have_text("3 selected")
    page.keyboard.press("x")
    expect_excluded(page, 3)
    page.keyboard.press("Control+a")
    expect(page.locator(".grid-chosen strong")).to_have_text("6 selected")
    page.keyboard.press("Escape")
    expect(page.locator(".grid-chosen")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect_excluded(page, 0)


def test_all_of_a_class_and_twelve_at_random(page: Any) -> None:
    choose(page, "#by-label", "dog")
    expect(cards(page)).to_have_count(3)
    expect(page.locator("#exclude-all")).to_have_text("Exclude these 3", use_inner_text=True)
    page.click("#exclude-all")
    expect(page.locator(".card-excluded")).to_have_count(3)
    expect(page.locator("#include-all")).to_have_text("Include these 3", use_inner_text=True)
    page.click("#include-all")
    expect(page.locator(".card-excluded")).to_have_count(0)
    choose(page, "#by-label", "All classes")
    page.click("#draw")
    expect(page.locator("#shown input")).to_have_value("12 at random")
    expect(cards(page)).to_have_count(6)
    choose(page, "#shown", "All")


# Before anything is answered, so that only the last image is fetched.
QUICKLY = """for (const what of ['zoom', 'next', 'previous', 'previous', 'save'])
  document.querySelector(`dialog [data-do=${what}]`).click();"""


def test_compare_by_keys_in_all_pixels_and_save_one_image(page: Any, tmp_path: Path) -> None:
    page.locator(".card-open").first.click()
    page.wait_for_selector("dialog[open]")
    drawn = page.locator(".compare-labels >> nth=0")
    page.wait_for_function("image => image?.naturalWidth", arg=drawn.element_handle())
    named = drawn.evaluate(INK)
    assert "1 cat, 1 dog" in page.inner_text(".compare-facts")
    page.keyboard.press("l")
    expect(drawn).to_be_hidden()
    page.keyboard.press("l")
    assert named > page.locator(".card-labels >> nth=0").evaluate(INK), "with names"
    title = page.locator("#compare-title")
    page.keyboard.press("ArrowDown")
    expect(title).to_have_text(f"images/{LONG}__v2.png", use_inner_text=True)
    page.keyboard.press("ArrowUp")
    expect(title).to_have_text(f"images/{LONG}__v1.png", use_inner_text=True)
    page.locator("dialog [data-do=next]").focus()
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text(f"images/{LONG}__v2.png", use_inner_text=True)
    page.keyboard.press("z")
    page.wait_for_function("document.querySelector('.compare-variation').src.includes('/full/')")
    assert page.locator(".compare-stage").bounding_box()["width"] == 240
    assert barriers(page) == []
    page.keyboard.press("z")
    page.keyboard.press("x")
    expect(page.locator("dialog [data-do=exclude]")).to_have_text("Include", use_inner_text=True)
    page.keyboard.press("x")
    with page.expect_download() as download:
        page.click("dialog [data-do=save]")
    assert download.value.suggested_filename == f"{LONG}__v2.png"
    download.value.save_as(tmp_path / "one.png")
    with page.expect_download() as download:
        page.evaluate(QUICKLY)
    assert download.value.suggested_filename == f"{LONG}__v1.png"
    page.wait_for_function("document.querySelector('.compare-variation').src.includes('/full/')")
    page.keyboard.press("Escape")
    path = saved_zip(page, tmp_path)
    assert len(manifest(path)) == 6
    with zipfile.ZipFile(path) as archive:
        assert archive.read(f"images/{LONG}__v2.png") == (tmp_path / "one.png").read_bytes()
