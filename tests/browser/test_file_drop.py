"""What can be uploaded, and what the page says of it before anything is made."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support import labelled_sets as sets
from tests.support.axe import barriers
from tests.support.page_steps import (
    augment,
    cards,
    counted,
    drop,
    expect,
    give,
    give_folder,
    images_in,
    photos,
    saved_zip,
    set_variations,
)
from tests.support.small_sets import mirrored_split

pytestmark = pytest.mark.browser
SET = ("cats/a.png", "cats/b.png", "dogs/a.png", "dogs/deep/c.png")


def chips(page: Any) -> list[str]:
    return [chip.replace("\n", " ") for chip in page.locator(".drop-classes .aug-chip").all_inner_texts()]


def test_a_chosen_folder_keeps_its_classes(page: Any, tmp_path: Path) -> None:
    photos(tmp_path / "ds", *SET)
    (tmp_path / "ds" / "readme.md").write_text("not an image")
    (tmp_path / "ds" / ".DS_Store").write_text("left behind by a file manager")
    give_folder(page, tmp_path / "ds", 4)
    assert chips(page) == ["cats 2", "deep 1", "dogs 1"]
    expect(page.locator(".drop-thumbs img")).to_have_count(4)
    expect(page.locator(".aug-refused")).to_contain_text("1 file cannot be used")
    expect(page.locator(".aug-refused")).to_contain_text("readme.md")
    expect(page.locator("#files")).not_to_contain_text(".DS_Store")
    set_variations(page, 1)
    augment(page)
    made = images_in(saved_zip(page, tmp_path))
    assert made == {"cats/a__v1.png", "cats/b__v1.png", "dogs/a__v1.png", "dogs/deep/c__v1.png"}


def test_folders_and_files_dropped_on_the_zone(page: Any, tmp_path: Path) -> None:
    photos(tmp_path, *SET, "loose.png")
    drop(page, [tmp_path / "cats", tmp_path / "dogs", tmp_path / "loose.png"])
    counted(page, 5)
    assert chips(page) == ["cats 2", "deep 1", "dogs 1"]
    more = photos(tmp_path / "later", "late.png")
    drop(page, more)
    page.click("[data-choice=cancel]")
    counted(page, 5)
    drop(page, more)
    page.click("[data-choice=add]")
    counted(page, 6)
    set_variations(page, 1)
    augment(page)
    made = images_in(saved_zip(page, tmp_path))
    assert made == {
        *("cats/a__v1.png", "cats/b__v1.png", "dogs/a__v1.png", "dogs/deep/c__v1.png"),
        *("loose__v1.png", "late__v1.png"),
    }


def test_a_zip_dataset_is_inspected(page: Any, tmp_path: Path) -> None:
    photos(tmp_path / "in", *SET)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in SET:
            archive.write(tmp_path / "in" / name, name)
        archive.writestr("notes.txt", "hello")
        archive.writestr("cats/broken.png", b"not an image at all")
    give(page, [tmp_path / "set.zip"], 4)
    assert chips(page) == ["cats 2", "deep 1", "dogs 1"]
    expect(page.locator(".drop-thumbs img")).to_have_count(4)
    expect(page.locator(".aug-refused")).to_contain_text("broken.png")
    set_variations(page, 1)
    augment(page)
    expect(cards(page)).to_have_count(4)
    expect(page.locator("#problems")).to_contain_text("cats/broken.png")
    assert len(images_in(saved_zip(page, tmp_path))) == 4


def test_look_alikes_across_splits_are_found_when_asked(page: Any, tmp_path: Path) -> None:
    folder = mirrored_split(tmp_path / "set")
    give_folder(page, folder, 1)
    button = page.get_by_role("button", name="Check for likely mislabels and look-alikes")
    button.click()
    box = page.locator("div.drop-check")
    expect(box).to_contain_text("2 images compared by a pretrained network")
    expect(box).to_contain_text("Training images that show nearly the same as a validation or test image (1)")
    expect(box).to_contain_text("train/cats/1.png: looks nearly the same as test/cats/1.png")
    assert barriers(page) == []
    page.click("[data-pick=samples]")
    page.click("[data-choice=replace]")
    counted(page, 8)
    expect(button).to_be_enabled()  # what was found is of other files


def test_refused_files_are_listed_at_once_and_after_the_job(page: Any, tmp_path: Path) -> None:
    good = photos(tmp_path, "good.png")
    (tmp_path / "notes.jpg").write_text("not an image")
    (tmp_path / "empty.png").touch()
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    give(page, [*good, *(tmp_path / name for name in ("notes.jpg", "empty.png", "film.mp4", "dot.png"))], 1)
    text = page.inner_text(".aug-refused")
    assert "4 files cannot be used" in text
    for words in (
        "contains text",
        "empty (0 bytes)",
        "video is not supported; extract",
        "1x1 pixels is too small",
    ):
        assert words in text
    set_variations(page, 2)
    augment(page)
    expect(cards(page)).to_have_count(2)
    expect(page.locator("#problems tbody tr")).to_have_count(2)  # the other two were never sent
    text = page.inner_text("#problems")
    assert "contains text" in text
    assert "1x1 pixels is too small" in text


def test_limits_are_shown_and_everything_can_be_cleared(page: Any, tmp_path: Path) -> None:
    expect(page.locator(".drop-limits")).to_have_text(
        "Up to 2,000 images per job, 100 MB each; ZIPs up to 2.0 GB.", use_inner_text=True
    )
    give(page, photos(tmp_path, "a.png", "b.png"), 2)
    page.click("text=Clear")
    expect(page.locator(".drop-count")).to_have_count(0)
    expect(page.locator("#forecast")).to_contain_text("Ready.")
    page.click("#augment")
    expect(page.locator("#status [role=alert]")).to_contain_text("No files selected")


def test_files_that_are_there_are_added_to_or_replaced_as_the_visitor_says(page: Any, tmp_path: Path) -> None:
    give(page, photos(tmp_path, "a.png", "b.png"), 2)
    page.click("[data-pick=samples]")
    expect(page.locator(".drop-choice")).to_contain_text("2 files are here already.")
    page.click("[data-choice=add]")
    counted(page, 10)
    page.set_input_files("#files input[type=file] >> nth=0", photos(tmp_path, "c.png"))
    page.click("[data-choice=replace]")
    counted(page, 1)
    page.click("[data-pick=samples]")
    page.click("[data-choice=replace]")
    counted(page, 8)


def test_the_same_name_twice_is_two_images(page: Any, tmp_path: Path) -> None:
    one, other = photos(tmp_path, "one/a.png", "two/a.png")
    give(page, [one], 1)
    Image.open(other).resize((70, 50)).save(other)
    page.set_input_files("#files input[type=file] >> nth=0", [other])
    page.click("[data-choice=add]")
    counted(page, 2)
    set_variations(page, 1)
    augment(page)
    assert images_in(saved_zip(page, tmp_path)) == {"a__v1.png", "a_2__v1.png"}


def test_a_labelled_set_keeps_valid_labels_with_exclusions_and_additions(page: Any, tmp_path: Path) -> None:
    """YOLO, in a folder with train and val: what is dropped loses its label file, what is added gets one."""
    sets.write(tmp_path / "yolo", sets.yolo())
    page.set_input_files("#files input[webkitdirectory]", tmp_path / "yolo")
    expect(page.locator(".drop-count")).to_contain_text("YOLO")
    expect(page.locator(".drop-count")).to_contain_text("validation/test images, copied unchanged")
    set_variations(page, 1)
    augment(page)
    first = next(
        name for name in page.locator(".card-name").evaluate_all("all => all.map(one => one.title)") if "one" in name
    )
    page.get_by_role("button", name=f"More like this: {first}").click()
    expect(page.locator("#status .aug-done")).to_be_visible()
    expect(page.get_by_text(Path(first).name.replace("__v1", "__v2"))).to_be_visible()
    page.get_by_role("button", name=f"Exclude: {first}").click()
    expect(page.locator("#downloads")).to_contain_text("1 excluded")
    path = saved_zip(page, tmp_path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        labels = {name for name in names if "__v" in name and name.endswith(".txt")}
        made = {Path(name).stem for name in images_in(path) - labels}
        assert {Path(name).stem for name in labels} == {name for name in made if not name.startswith("empty")}
        assert Path(first).stem not in {Path(name).stem for name in names}
        assert "data.yaml" in names
        assert any("val" in name for name in names)


def test_faults_of_a_dataset_are_shown_before_the_click(page: Any, tmp_path: Path) -> None:
    """What a label file says wrongly, what is not understood, and how many images of each class will be augmented."""
    files = sets.yolo() | {"labels/train/one.txt": b"0 0.5\n", "boxes.mat": b"MATLAB 5.0"}
    give(page, [sets.as_zip(tmp_path / "set.zip", files)], 2)
    notes = page.locator(".drop-note.aug-warn")
    expect(notes.first).to_contain_text("1 more image cannot be used: see Dataset check")
    expect(notes.nth(1)).to_contain_text(
        "1 label file is not understood (MATLAB files, which may hold labels: my set/boxes.mat)"
    )
    check = page.locator("details.drop-check")
    expect(check.locator("summary")).to_have_text("Dataset check: 1 problem, 1 note")
    expect(check).to_contain_text("my set/labels/train/one.txt, line 1: found 1 numbers after the class")
    expect(check).to_contain_text("3 train, 1 val, 1 test · sizes 64×48 (min)")
    expect(check.locator("tbody tr").first).to_contain_text("red car")
    assert chips(page) == ["red car 0 of 1", "bus 0 of 1", "車 1"]


def test_a_set_of_held_out_images_says_why_nothing_is_made(page: Any, tmp_path: Path) -> None:
    files = {name: data for name, data in sets.coco().items() if "train" not in name}
    give(page, [sets.as_zip(tmp_path / "set.zip", files)], 0)
    expect(page.locator(".drop-count")).to_contain_text("2 validation/test images, copied unchanged")
    expect(page.locator(".drop-note.aug-warn").first).to_contain_text(
        "All images are for test and val, and such images"
    )
