"""The page as a visitor meets it, in a real browser."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.manifest import OWN_FILES
from augmentai.settings import EXAMPLES

pytestmark = pytest.mark.browser
DONE_MS = 90_000


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(locator)


def set_variations(page: Any, count: int) -> None:
    page.fill("#variations input[type=number]", str(count))
    page.press("#variations input[type=number]", "Enter")


def augment(page: Any) -> None:
    page.click("#augment")
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)


def saved_zip(page: Any, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click("#zip")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_samples_to_zip_with_two_clicks(page: Any, tmp_path: Path) -> None:
    page.click("#samples")
    expect(page.locator("#files tr.file")).to_have_count(8)
    augment(page)
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(32)
    assert "32 variations from 8 files" in page.inner_text("#status")
    path = saved_zip(page, tmp_path)
    assert path.name.startswith("augmentai-")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]
        assert {line["file"] for line in lines} == set(archive.namelist()) - OWN_FILES
        assert len(lines) == 32
        for line in lines:
            with (
                archive.open(line["file"]) as file,
                Image.open(file) as made,
                Image.open(EXAMPLES / line["source"]) as own,
            ):
                assert made.size == own.size == (line["width"], line["height"])


def test_chosen_files_good_and_bad(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    page.set_input_files(
        "#files input[type=file]", [EXAMPLES / "rocket.jpg", tmp_path / "notes.jpg", tmp_path / "dot.png"]
    )
    expect(page.locator("#files tr.file")).to_have_count(3)
    set_variations(page, 2)
    augment(page)
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(2)
    rows = page.locator("#problems tbody tr")
    expect(rows).to_have_count(2)
    told = page.inner_text("#problems")
    assert "notes.jpg" in told
    assert "holds text" in told
    assert "1x1 pixels is too small" in told


def test_settings_reach_the_result(page: Any, tmp_path: Path) -> None:
    page.set_input_files("#files input[type=file]", [EXAMPLES / "chelsea.png"])
    expect(page.locator("#files tr.file")).to_have_count(1)
    set_variations(page, 1)
    page.fill("#strength input[type=number]", "0")
    page.press("#strength input[type=number]", "Enter")
    page.fill("#seed input", "77")
    page.press("#seed input", "Tab")
    augment(page)
    assert "seed 77" in page.inner_text("#status")
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        line = json.loads(archive.read("manifest.jsonl").decode().splitlines()[0])
        assert line["strength"] == 0
        with archive.open(line["file"]) as file, Image.open(file) as made, Image.open(EXAMPLES / "chelsea.png") as own:
            assert made.convert("RGB").tobytes() == own.convert("RGB").tobytes()


def test_nothing_chosen_is_said_and_the_button_comes_back(page: Any) -> None:
    page.click("#augment")
    page.wait_for_selector("#status [role=alert]")
    assert "No files were given" in page.inner_text("#status")
    expect(page.locator("#augment")).to_be_enabled()


def test_stop_keeps_what_is_done(page: Any, tmp_path: Path) -> None:
    page.click("#samples")
    expect(page.locator("#files tr.file")).to_have_count(8)
    set_variations(page, 16)
    page.click("#augment")
    page.wait_for_selector("#gallery .thumbnail-item", timeout=DONE_MS)
    page.click("#stop")
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)
    assert page.inner_text("#status").startswith("Stopped.")
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        made = len(archive.namelist()) - 1
    assert 0 < made < 128
    expect(page.locator("#augment")).to_be_enabled()


def test_progress_bar_counts_while_the_gallery_fills(page: Any) -> None:
    page.click("#samples")
    expect(page.locator("#files tr.file")).to_have_count(8)
    set_variations(page, 12)
    page.click("#augment")
    bar = page.locator("#status [role=progressbar]")
    bar.wait_for()
    page.wait_for_function(
        "Number(document.querySelector('#status [role=progressbar]')?.ariaValueNow) > 0", timeout=DONE_MS
    )
    assert bar.get_attribute("aria-valuemax") == "96"
    page.wait_for_selector("#gallery .thumbnail-item", timeout=DONE_MS)
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)
    expect(page.locator("#gallery .thumbnail-item")).to_have_count(96)


def test_without_a_key_one_line_says_how_to_add_one(page: Any) -> None:
    line = page.inner_text("#engines")
    assert "Works on this computer" in line
    assert "STABILITY_API_KEY" in line


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_phone_width_has_no_sideways_scroll(browser: Any, page_url: str, theme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{page_url}?__theme={theme}")
    page.wait_for_selector("#augment")
    page.click("#samples")
    expect(page.locator("#files tr.file")).to_have_count(8)
    set_variations(page, 1)
    augment(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_a_visitor_who_waits_is_told_and_can_stop(browser: Any, page: Any, page_url: str) -> None:
    """One job runs at a time: the second visitor sees that it waits, and may change their mind."""
    context = browser.new_context()
    other = context.new_page()
    other.goto(page_url)
    for visitor in (page, other):
        visitor.click("#samples")
        expect(visitor.locator("#files tr.file")).to_have_count(8)
        set_variations(visitor, 16)
    page.click("#augment")
    page.wait_for_selector("#gallery .thumbnail-item", timeout=DONE_MS)
    other.click("#augment")
    other.wait_for_selector("#status :text('Waiting for its turn')")
    other.click("#stop")
    page.click("#stop")
    for visitor in (page, other):
        visitor.wait_for_selector("#status .aug-done", timeout=DONE_MS)
        expect(visitor.locator("#augment")).to_be_enabled()
    assert "0 variations" in other.inner_text("#status")
    context.close()


def test_a_closed_tab_frees_the_place(browser: Any, page: Any, page_url: str) -> None:
    context = browser.new_context()
    other = context.new_page()
    other.goto(page_url)
    other.click("#samples")
    expect(other.locator("#files tr.file")).to_have_count(8)
    set_variations(other, 16)
    other.click("#augment")
    other.wait_for_selector("#gallery .thumbnail-item", timeout=DONE_MS)
    context.close()
    page.set_input_files("#files input[type=file]", [EXAMPLES / "chelsea.png"])
    expect(page.locator("#files tr.file")).to_have_count(1)
    set_variations(page, 1)
    augment(page)
    assert "1 variation from 1 file" in page.inner_text("#status")
