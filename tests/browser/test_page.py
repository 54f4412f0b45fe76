"""The page as a visitor meets it, in a real browser: from photos to a ZIP."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.settings import EXAMPLES
from tests.support.page_steps import (
    DONE_MS,
    augment,
    cards,
    expect,
    give,
    images_in,
    manifest,
    photos,
    samples,
    saved_zip,
    set_seed,
    set_variations,
)

pytestmark = pytest.mark.browser


# A tab that is not looked at, in a browser that asks once whether it may notify; and the box of a job that takes long.
NOTIFYING = """window.notes = [];
window.Notification = class { constructor(title) { notes.push(title); } static permission = 'default';
  static requestPermission() { return Promise.resolve(this.permission = ALLOWED); } };
Object.defineProperty(document, 'hidden', {value: true});
document.body.insertAdjacentHTML('beforeend', '<div id="notify"><input type="checkbox"></div>');
"""


def test_samples_to_zip_with_two_clicks(page: Any, tmp_path: Path) -> None:
    set_seed(page, 3)
    samples(page)
    expect(page.locator("#forecast")).to_contain_text("32 variations of 8 images by Local GAN · free · about")
    page.evaluate(NOTIFYING.replace("ALLOWED", "'denied'"))
    page.click("#notify input")
    expect(page.locator("#notify.aug-blocked input")).not_to_be_checked()
    page.evaluate("Notification.requestPermission = async () => Notification.permission = 'granted'")
    page.check("#notify input")
    augment(page)
    page.wait_for_function("notes.length")
    assert page.evaluate("notes") == ["Your variations are ready"]
    expect(cards(page)).to_have_count(32)
    expect(page.locator("#status")).to_contain_text("32 variations from 8 files")
    path = saved_zip(page, tmp_path)
    assert path.name.startswith("augmentai-20")
    assert path.name.endswith("-32-images.zip")
    lines = manifest(path)
    assert {line["file"] for line in lines} == images_in(path)
    assert {line["label"] for line in lines} == {"indoors", "outdoors", "science"}
    with zipfile.ZipFile(path) as archive:
        for line in lines:
            own = EXAMPLES / Path(line["source"]).name
            with archive.open(line["file"]) as file, Image.open(file) as made, Image.open(own) as source:
                assert made.size == source.size == (line["width"], line["height"])


def test_previews_are_small_and_files_are_whole(page: Any, tmp_path: Path) -> None:
    loaded: list[tuple[str, int]] = []

    def note(answer: Any) -> None:
        if "/file=" in answer.url:
            loaded.append((answer.url, len(answer.body())))

    page.on("response", note)
    give(page, [EXAMPLES / "coffee.png"], 1)
    set_variations(page, 2)
    augment(page)
    page.wait_for_function("[...document.querySelectorAll('.card img')].filter(i => i.naturalWidth > 0).length === 2")
    sides = page.evaluate(
        "[...document.querySelectorAll('.card img')].map(i => Math.max(i.naturalWidth, i.naturalHeight))"
    )
    assert sides == [384, 384]
    page.remove_listener("response", note)
    assert all(size < 60_000 for _, size in loaded)
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive, archive.open("coffee__v1.png") as file:
        assert Image.open(file).size == Image.open(EXAMPLES / "coffee.png").size


def test_settings_reach_the_result(page: Any, tmp_path: Path) -> None:
    give(page, [EXAMPLES / "chelsea.png"], 1)
    set_variations(page, 1)
    page.uncheck("#auto-strength input")
    page.fill("#strength input[type=number]", "0")
    page.press("#strength input[type=number]", "Enter")
    page.click("#more button")
    page.fill("#seed input", "77")
    page.press("#seed input", "Tab")
    augment(page)
    expect(page.locator("#status")).to_contain_text("seed 77")
    path = saved_zip(page, tmp_path)
    line = manifest(path)[0]
    assert line["strength"] == 0
    with (
        zipfile.ZipFile(path) as archive,
        archive.open(line["file"]) as file,
        Image.open(file) as made,
        Image.open(EXAMPLES / "chelsea.png") as own,
    ):
        assert made.convert("RGB").tobytes() == own.convert("RGB").tobytes()


def test_no_files_is_reported_and_the_button_is_restored(page: Any) -> None:
    page.click("#augment")
    page.wait_for_selector("#status [role=alert]")
    expect(page.locator("#status")).to_contain_text("No files selected")
    expect(page.locator("#augment")).to_be_enabled()


def test_stop_keeps_finished_images_and_resume_makes_the_rest(page: Any, tmp_path: Path) -> None:
    samples(page)
    set_variations(page, 16)
    set_seed(page, 3)
    page.click("#augment")
    page.wait_for_selector("#gallery .card", timeout=DONE_MS)
    expect(cards(page).first).to_be_visible()
    page.click("#stop")
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)
    expect(page.locator("#status")).to_have_text(re.compile("^\\s*Stopped\\."))
    (tmp_path / "stopped").mkdir()
    before = images_in(saved_zip(page, tmp_path / "stopped"))
    assert 0 < len(before) < 128
    augment(page, "#resume")
    expect(page.locator("#status")).to_contain_text("Done. 128 variations from 8 files")
    whole = saved_zip(page, tmp_path)
    assert before < images_in(whole)
    assert len(images_in(whole)) == 128
    assert {line["file"] for line in manifest(whole)} == images_in(whole)
    expect(page.locator("#resume")).to_be_hidden()


def test_progress_counts_and_shows_results_as_they_finish(page: Any) -> None:
    samples(page)
    set_variations(page, 16)
    set_seed(page, 3)
    page.click("#augment")
    bar = page.locator("#status [role=progressbar][aria-valuemax='128']")
    bar.wait_for()
    page.wait_for_function("Number(document.querySelector('#status [role=progressbar]')?.ariaValueNow) > 0")
    page.wait_for_selector("#gallery .card", timeout=DONE_MS)
    assert page.locator("#status [role=progressbar]").count() == 1, "the first images are shown while it works"
    assert cards(page).count() <= 24
    page.wait_for_function("document.querySelector('#status').innerText.includes(' left')")
    page.wait_for_selector("#status .aug-done", timeout=DONE_MS)
    expect(cards(page)).to_have_count(128)


def test_without_a_key_a_hint_says_how_to_add_one(page: Any) -> None:
    line = " ".join(page.inner_text("#forecast").split())
    assert "Local GAN active" in line
    assert "Stability AI not configured" in line
    assert "STABILITY_API_KEY" in line
    assert "free" in line


def test_two_tabs_are_queued_and_never_mixed(page: Any, other: Any, tmp_path: Path) -> None:
    """One job runs at a time: the second visitor sees that it is queued, and gets their own images."""
    samples(page)
    set_variations(page, 16)
    set_seed(page, 3)
    give(other, photos(tmp_path, "mine.png"), 1)
    set_seed(other, 3)
    page.click("#augment")
    page.wait_for_selector("#gallery .card", timeout=DONE_MS)
    other.click("#augment")
    other.wait_for_selector("#status :text('Queued')")
    other.wait_for_selector("#place :text('Your job is the next one')")
    for visitor, count in ((page, 128), (other, 4)):
        visitor.wait_for_selector("#status .aug-done", timeout=DONE_MS)
        expect(visitor.locator("#augment")).to_be_enabled()
        expect(cards(visitor)).to_have_count(count)
    expect(other.locator("#place")).to_have_text("")
    assert {line["source"] for line in manifest(saved_zip(other, tmp_path))} == {"mine.png"}


def test_a_queued_job_can_be_stopped(page: Any, other: Any, tmp_path: Path) -> None:
    samples(page)
    set_variations(page, 16)
    give(other, photos(tmp_path, "mine.png"), 1)
    page.click("#augment")
    page.wait_for_selector("#gallery .card", timeout=DONE_MS)
    other.click("#augment")
    other.wait_for_selector("#status :text('Queued')")
    other.click("#stop")
    page.click("#stop")
    for visitor in (page, other):
        visitor.wait_for_selector("#status .aug-done", timeout=DONE_MS)
        expect(visitor.locator("#augment")).to_be_enabled()
    expect(other.locator("#status")).to_contain_text("0 variations")
