"""What a visitor does with results: compare, filter, exclude, ask for more; the code and the report tab."""

from __future__ import annotations

import ast
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.browser_tab import patient
from tests.support.page_steps import (
    augment,
    cards,
    choose,
    choose_file,
    expect,
    give_folder,
    images_in,
    manifest,
    photos,
    saved_zip,
    set_seed,
    set_variations,
)

pytestmark = pytest.mark.browser

SEED = 7  # with which some of the six are flipped
# How much the two compared images differ, as they are and with one of them flipped.
DIFFERENCE = """() => {
  const pixels = (side) => {
    const canvas = new OffscreenCanvas(60, 44), context = canvas.getContext('2d');
    context.drawImage(document.querySelector('.compare-' + side), 0, 0, 60, 44);
    return context.getImageData(0, 0, 60, 44).data;
  };
  const before = pixels('source'), after = pixels('variation'), far = {alike: 0, swapped: 0};
  for (let y = 0; y < 44; y++) for (let x = 0; x < 60; x++) {
    const green = (side, column) => side[4 * (y * 60 + column) + 1];
    far.alike += Math.abs(green(before, x) - green(after, x));
    far.swapped += Math.abs(green(before, 59 - x) - green(after, x));
  }
  return far;
}"""


@pytest.fixture(scope="module")
def results(browser: Any, page_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two cats and a dog, two variations of each; one page for all tests that change nothing of it for good."""
    context = patient(browser.new_context(accept_downloads=True, viewport={"width": 1280, "height": 900}))
    page = context.new_page()
    page.goto(page_url)
    folder = tmp_path_factory.mktemp("set") / "ds"
    photos(folder, "cats/a.png", "cats/b.png", "dogs/c.png")
    give_folder(page, folder, 3)
    set_variations(page, 2)
    set_seed(page, SEED)
    augment(page)
    yield page
    context.close()


@pytest.fixture
def finished(results: Any) -> Any:
    results.get_by_role("tab", name="Make").click()
    for filtered, everything in (("#by-label", "All classes"), ("#by-source", "All images")):
        if results.input_value(f"{filtered} input") != everything:  # a test has failed on its way
            choose(results, filtered, everything)
    expect(cards(results)).to_have_count(6)
    return results


def expect_names(page: Any, *names: str) -> None:
    expect(page.locator(".card-name")).to_have_text(list(names))


def test_captions_have_engine_strength_and_seed(finished: Any, tmp_path: Path) -> None:
    line = next(line for line in manifest(saved_zip(finished, tmp_path)) if line["file"] == "cats/a__v1.png")
    caption = finished.inner_text(".card >> nth=0")
    for words in ("a__v1.png", "Local GAN", f"strength {line['strength']:g}", f"seed {line['seed']}"):
        assert words in caption


def test_comparing_a_variation_with_its_source(finished: Any) -> None:
    page = finished
    page.click(".card-open >> nth=3")
    page.wait_for_selector("dialog[open]")
    expect(page.locator("#compare-title")).to_have_text("cats/b__v2.png", use_inner_text=True)
    page.wait_for_function("document.querySelector('.compare-variation').src.includes('large-variation')")
    for side in ("variation", "source"):
        page.wait_for_function(f"document.querySelector('.compare-{side}').naturalWidth === 60")
    facts = page.inner_text(".compare-facts")
    assert "cats/b.png" in facts
    assert "Style" in facts
    page.click("dialog [data-do=next]")
    expect(page.locator("#compare-title")).to_have_text("dogs/c__v1.png", use_inner_text=True)
    stage = page.locator(".compare-stage").bounding_box()
    page.mouse.click(stage["x"] + stage["width"] * 0.2, stage["y"] + stage["height"] / 2)
    assert 15 <= int(page.input_value("dialog input[type=range]")) <= 25
    page.click("dialog [data-do=close]")
    expect(page.locator("dialog")).to_be_hidden()


def test_the_source_is_shown_flipped_beside_a_flipped_variation(finished: Any, tmp_path: Path) -> None:
    page = finished
    lines = manifest(saved_zip(page, tmp_path))
    mirrored = {line["file"] for line in lines if line["details"].get("geometry", {}).get("mirrored")}
    assert 0 < len(mirrored) < 6
    page.click(".card-open >> nth=0")
    page.wait_for_selector("dialog[open]")
    for number in range(6):
        file = page.inner_text("#compare-title")
        expected = "Source, flipped" if file in mirrored else "Source"
        expect(page.locator(".compare-tag-source")).to_have_text(expected, use_inner_text=True)
        assert (", flipped" in page.inner_text(".compare-facts")) == (file in mirrored)
        for side in ("source", "variation"):
            large = f"(i => i.src.includes('large-{side}') && i.complete)(document.querySelector('.compare-{side}'))"
            page.wait_for_function(large)
        change = page.evaluate(DIFFERENCE)
        assert change["alike"] < change["swapped"]
        if number < 5:
            page.click("dialog [data-do=next]")
    page.click("dialog [data-do=close]")


def test_filters_by_class_and_source(finished: Any) -> None:
    page = finished
    choose(page, "#by-label", "dogs")
    expect_names(page, "c__v1.png", "c__v2.png")
    choose(page, "#by-label", "All classes")
    expect(cards(page)).to_have_count(6)
    choose(page, "#by-source", "cats/b.png")
    expect_names(page, "b__v1.png", "b__v2.png")
    choose(page, "#by-source", "All images")


def test_excluded_variations_are_not_in_the_zip(finished: Any, tmp_path: Path) -> None:
    page = finished
    page.get_by_role("button", name="Exclude: cats/a__v2.png").click()
    page.get_by_role("button", name="Exclude: dogs/c__v1.png").click()
    expect(page.locator("#downloads")).to_contain_text("4 images, 2 excluded")
    page.get_by_role("button", name="Include: dogs/c__v1.png").click()
    expect(page.locator("#downloads")).to_contain_text("5 images, 1 excluded")
    path = saved_zip(page, tmp_path)
    assert path.name.endswith("-5-images.zip")
    assert "cats/a__v2.png" not in images_in(path)
    assert len(images_in(path)) == 5
    (gone,) = [line for line in manifest(path) if line["status"] != "ok"]
    assert (gone["source"], gone["index"], gone["file"], gone["status"]) == ("cats/a.png", 2, None, "left out")
    page.get_by_role("button", name="Include: cats/a__v2.png").click()
    expect(page.locator("#downloads")).to_contain_text("(6 images, ")


def test_the_report_tab_shows_classes_changes_and_engines(finished: Any) -> None:
    page = finished
    page.get_by_role("tab", name="Report").click()
    expect(page.locator(".plot-table >> nth=0 >> tbody tr")).to_have_count(2)
    rows = [row.split() for row in page.locator(".plot-table >> nth=0 >> tbody tr").all_inner_texts()]
    assert rows == [["cats", "2", "6"], ["dogs", "1", "3"]]
    assert "Median change of 6 variations" in page.get_attribute(".plot-columns", "aria-label")
    assert page.locator(".plot-columns rect").count() > 1
    assert page.locator(".plot-table >> nth=1 >> tbody tr").all_inner_texts()[0].split() == [
        "Local",
        "GAN",
        "6",
        "100",
        "%",
    ]


def test_copied_calls_follow_the_settings_and_run(page: Any, page_url: str, tmp_path: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    photo = photos(tmp_path, "photo.jpg", "photos/cats/a.jpg")[0]
    set_variations(page, 2)
    page.uncheck("#auto-strength input")
    page.fill("#strength input[type=number]", "0.25")
    page.press("#strength input[type=number]", "Enter")
    page.click("#more button")
    page.fill("#prompt textarea", 'it\'s a "{label}"')
    page.press("#prompt textarea", "Tab")
    page.get_by_role("tab", name="Use in code").click()
    expect(page.locator("#code")).to_contain_text("--strength 0.25")
    page.get_by_role("button", name="Copy the Python call").click()
    expect(page.locator("#code")).to_contain_text("Copied")
    python = page.evaluate("navigator.clipboard.readText()")
    assert f'Client("{page_url}")' in python
    assert "strength=0.25" in python
    call = python.replace("photo.jpg", str(photo)).replace(', handle_file("dataset.zip")', "")
    ast.parse(call)
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert "2 variations from 1 file" in done.stdout, done.stderr
    words = shlex.split(page.locator("#code code").nth(2).inner_text())
    assert words[:4] == ["augmentai", "photos/", "-o", "augmented"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "augmentai", str(tmp_path / "photos"), "-o", str(tmp_path / "out"), *words[4:]],
        cwd=root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "cats").glob("*__v*.jpg"))) == 2


def test_settings_are_saved_and_loaded(page: Any, other: Any, tmp_path: Path) -> None:
    set_variations(page, 7)
    page.click("#more button")
    page.fill("#seed input", "1234")
    page.press("#seed input", "Tab")
    page.wait_for_function("atob(document.querySelector('#save a')?.href.split(',')[1] ?? '').includes('seed: 1234')")
    with page.expect_download() as download:
        page.click("#save a")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "recipe.yaml"
    other.click("#more button")
    choose_file(other, path)
    expect(other.locator("#load-message")).to_contain_text("Settings loaded")
    expect(other.locator("#variations input[type=number]")).to_have_value("7")
    expect(other.locator("#seed input")).to_have_value("1234")
    path.write_text("strenght: 0.3\n")
    choose_file(other, path)
    expect(other.locator("#load-message")).to_contain_text("unknown setting strenght")


def test_more_like_this_adds_to_what_is_there(finished: Any, tmp_path: Path) -> None:
    """The last of this file: it leaves more on the page than there was."""
    page = finished
    (tmp_path / "before").mkdir()
    before = saved_zip(page, tmp_path / "before")
    page.get_by_role("button", name="More like this: dogs/c__v2.png").click()
    expect(page.locator("#status .aug-done")).to_contain_text("10 variations from 3 files")
    earlier = [f"{photo}__v{number}.png" for photo in "abc" for number in (1, 2)]
    expect_names(page, *earlier, *(f"c__v{number}.png" for number in (3, 4, 5, 6)))
    after = saved_zip(page, tmp_path)
    assert images_in(after) - images_in(before) == {f"dogs/c__v{number}.png" for number in (3, 4, 5, 6)}
    assert len({(line["source"], line["index"]) for line in manifest(after)}) == 10
    with zipfile.ZipFile(after) as archive:
        pixels = {Image.open(archive.open(name)).tobytes() for name in images_in(after) if name.startswith("dogs")}
    assert len(pixels) == 6, "every one differs"
