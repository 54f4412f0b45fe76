"""The tab "Does it help?" as a visitor meets it: before the click, at work, the answer, and what results say of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.manifest import CARD
from tests.support.axe import barriers
from tests.support.page_steps import DONE_MS, augment, expect, give, give_folder, photos, saved_zip, set_variations
from tests.support.small_sets import small_split_set, zipped

pytestmark = pytest.mark.browser


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return zipped(small_split_set(tmp_path / "colours"))


def open_tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).first.click()


def measured(page: Any) -> None:
    page.click("#lift-start")
    page.wait_for_selector("#lift-status .aug-done", timeout=DONE_MS)
    expect(page.locator("#lift-start")).to_be_enabled()


def test_from_a_set_to_an_answer_that_its_results_repeat(visitor: Any, small: Path, tmp_path: Path) -> None:
    page = visitor
    open_tab(page, "Does it help?")
    expect(page.locator("#lift-forecast")).to_contain_text("First drop a set of images with classes")
    open_tab(page, "Make")
    give(page, [small], 4)
    set_variations(page, 1)
    open_tab(page, "Does it help?")
    expect(page.locator("#lift-forecast")).to_contain_text("1 recipe on 4 images, tested on 4 held-out images · free")
    measured(page)
    expect(page.locator("#lift-status")).to_contain_text("Done. 1 recipe measured")
    expect(page.locator(".lift-card h2")).to_have_text(["These settings"], use_inner_text=True)
    expect(page.locator(".lift-verdict")).to_contain_text("with 4 images")
    expect(page.locator(".lift-track")).to_have_count(2)
    page.locator(".lift-classes summary").click()
    expect(page.locator(".lift-classes tbody th")).to_have_text(["blue", "red"], use_inner_text=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert barriers(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Save lift.json").click()
    report = json.loads(Path(download.value.path()).read_bytes())
    assert (report["set"], report["recipes"][0]["recipe"]) == ("colours", "These settings")
    open_tab(page, "Make")
    augment(page)
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        assert json.loads(archive.read("lift.json")) == report
        assert "| These settings | cannot tell |" in archive.read(CARD).decode()
    open_tab(page, "Report")
    expect(page.locator("#report .lift-verdict")).to_have_count(1)
    assert barriers(page) == []


def test_a_later_measurement_gets_into_the_results(page: Any, small: Path, tmp_path: Path) -> None:
    give(page, [small], 4)
    set_variations(page, 1)
    augment(page)
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        assert "lift.json" not in archive.namelist()
    open_tab(page, "Report")
    expect(page.locator("#report")).to_contain_text("Not measured with these settings")
    open_tab(page, "Does it help?")
    measured(page)
    open_tab(page, "Make")
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        assert "lift.json" in archive.namelist()
        assert "Measured on `colours`" in archive.read(CARD).decode()
    open_tab(page, "Report")
    expect(page.locator("#report .lift-verdict")).to_have_count(1)


def test_what_cannot_be_measured_says_why(page: Any, tmp_path: Path) -> None:
    photos(tmp_path, "one/cats/a.png", "one/cats/b.png")
    give_folder(page, tmp_path / "one", 2)
    open_tab(page, "Does it help?")
    expect(page.locator("#lift-forecast")).to_contain_text("This set cannot be measured: it has one class (cats)")
    page.click("#lift-start")
    expect(page.locator("#lift-status [role=alert]")).to_contain_text("a measurement needs two such classes")
    expect(page.locator("#lift-start")).to_be_enabled()


def test_saved_settings_and_stop(page: Any, tmp_path: Path) -> None:
    lasting = small_split_set(tmp_path / "lasting", training=40)  # long enough for a click, on a fast machine too
    give(page, [zipped(lasting)], 80)
    open_tab(page, "Does it help?")
    (tmp_path / "mine.yaml").write_text("recipe:\n  geometry: strong\n  engine: gan\n")
    (tmp_path / "wrong.yaml").write_text("recipe:\n  colour: 3\n")
    with page.expect_file_chooser() as chooser:
        page.click("#lift-load")
    chooser.value.set_files([tmp_path / "mine.yaml", tmp_path / "wrong.yaml"])
    expect(page.locator("#lift-load-message")).to_contain_text("wrong.yaml: unknown setting colour")
    expect(page.locator("#lift-chosen label:has(input:checked)")).to_have_text(
        ["These settings", "mine"], use_inner_text=True
    )
    expect(page.locator("#lift-forecast")).to_contain_text("2 recipes on 80 images")
    page.click("#lift-start")
    page.wait_for_selector("#lift-status [role=progressbar]")
    page.click("#lift-stop")
    expect(page.locator("#lift-status")).to_contain_text("Stopped. Nothing was measured.")
    expect(page.locator("#lift-start")).to_be_enabled()
