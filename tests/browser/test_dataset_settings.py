"""The ZIP of a labelled dataset on the page: balancing, conversion, splits and the choice of its format."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.labelled_sets import as_zip, uneven_yolo
from tests.support.page_steps import augment, cards, choose, choose_file, expect, give, saved_zip

pytestmark = pytest.mark.browser


@pytest.fixture
def dataset_page(page: Any, tmp_path: Path) -> Any:
    """Three red cars and a bus for training, five buses for validation."""
    give(page, [as_zip(tmp_path / "set.zip", uneven_yolo())], 4)
    expect(page.locator(".drop-summary")).to_contain_text("YOLO")
    page.click("#set button >> nth=0")
    return page


def test_classes_are_balanced_and_labels_converted(dataset_page: Any, tmp_path: Path) -> None:
    page = dataset_page
    choose(page, "#balancing", "Match largest class")
    expect(page.locator("#forecast")).to_contain_text("2 variations of 4 images")
    choose(page, "#to", "COCO")
    choose(page, "#splits", "Exclude")
    page.get_by_role("tab", name="Use in code").click()
    expect(page.locator("#code")).to_contain_text("--to coco --splits leave-out --balance")
    page.get_by_role("tab", name="Make").click()
    augment(page)
    expect(cards(page)).to_have_count(2)
    with zipfile.ZipFile(saved_zip(page, tmp_path)) as archive:
        names = archive.namelist()
        coco = json.loads(archive.read(next(name for name in names if name.endswith("instances_train.json"))))
    assert len(coco["images"]) == 6
    assert not [name for name in names if "val" in name]
    page.get_by_role("tab", name="Report").click()
    rows = [row.split("\t") for row in page.locator(".plot-table >> nth=0 >> tbody tr").all_inner_texts()]
    counts = {row[0].strip(): [cell.strip() for cell in row[-2:]] for row in rows}
    assert counts == {"bus": ["1", "3"], "red car": ["3", "3"]}


def test_a_target_per_class_is_saved_and_loaded(dataset_page: Any, other: Any, tmp_path: Path) -> None:
    page = dataset_page
    expect(page.locator("#per-class")).to_be_hidden()
    choose(page, "#balancing", "Target per class")
    page.fill("#per-class input", "5")
    page.press("#per-class input", "Tab")
    expect(page.locator("#forecast")).to_contain_text("6 variations of 4 images")
    page.click("#more button >> nth=0")
    page.wait_for_function("atob(document.querySelector('#save a')?.href.split(',')[1] ?? '').includes('per_class: 5')")
    with page.expect_download() as download:
        page.click("#save a")
    download.value.save_as(tmp_path / "recipe.yaml")
    other.click("#set button >> nth=0")
    other.click("#more button >> nth=0")
    choose_file(other, tmp_path / "recipe.yaml")
    expect(other.locator("#load-message")).to_contain_text("Settings loaded")
    expect(other.locator("#balancing input")).to_have_value("Target per class")
    expect(other.locator("#per-class input")).to_have_value("5")
    (tmp_path / "recipe.yaml").write_text("balance: true\noriginals: link\ndrift: mark\nretries: 1\n")
    choose_file(other, tmp_path / "recipe.yaml")
    expect(other.locator("#load-message")).to_contain_text("only the command line has them: retries, drift")
    expect(other.locator("#balancing input")).to_have_value("Match largest class")
    expect(other.locator("#originals input")).to_have_value("Always")
    expect(other.locator("#per-class")).to_be_hidden()


def test_a_format_that_the_visitor_chooses(dataset_page: Any) -> None:
    page = dataset_page
    choose(page, "#layout", "Class folders (ignore label files)")
    expect(page.locator(".drop-summary")).to_contain_text("The labels of this set are not understood")
    choose(page, "#layout", "Pascal VOC")
    expect(page.locator(".drop-summary")).to_contain_text("not a Pascal VOC dataset: expected an .xml file")
