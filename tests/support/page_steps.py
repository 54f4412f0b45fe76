"""What a visitor does on the page, one function per step."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

DONE_MS = 90_000


def expect(locator: Any) -> Any:
    from playwright.sync_api import expect as playwright_expect

    playwright_expect.set_options(timeout=60_000)  # a busy machine takes its time
    return playwright_expect(locator)


def photos(folder: Path, *names: str) -> list[Path]:
    """Small images, each of another colour, dark on one side; "cats/a.png" is in a class folder."""
    paths = []
    for number, name in enumerate(names):
        paths.append(folder / name)
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        image = Image.linear_gradient("L").rotate(90).resize((60, 44)).convert("RGB")
        Image.blend(image, Image.new("RGB", (60, 44), (40 * number % 255, 90, 200 - 30 * number % 200)), 0.5).save(
            paths[-1]
        )
    return paths


def give(page: Any, files: list[Path], images: int) -> None:
    """Choose files, and wait until the page has inspected them."""
    page.set_input_files("#files input[type=file] >> nth=0", files)
    counted(page, images)


def give_folder(page: Any, folder: Path, images: int) -> None:
    page.set_input_files("#files input[webkitdirectory]", folder)
    counted(page, images)


def drop(page: Any, paths: list[Path]) -> None:
    """Drop files and folders onto the zone, as the browser itself reports it."""
    page.locator(".drop-zone").scroll_into_view_if_needed()
    box = page.locator(".drop-zone").bounding_box()
    spot = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **spot, "data": data})


def counted(page: Any, images: int) -> None:
    words = f"{images} image" + ("" if images == 1 else "s")
    expect(page.locator(".drop-count strong")).to_have_text(words)


def samples(page: Any) -> None:
    page.click("[data-pick=samples]")
    counted(page, 8)


def set_variations(page: Any, count: int) -> None:
    page.fill("#variations input[type=number]", str(count))
    page.press("#variations input[type=number]", "Enter")


def set_seed(page: Any, seed: int) -> None:
    """The same variations each time: with some random seeds a variation is rejected."""
    page.click("#more button")
    page.fill("#seed input", str(seed))
    page.press("#seed input", "Tab")
    page.click("#more button")


def choose(page: Any, where: str, what: str) -> None:
    """Choose an option of a dropdown."""
    page.click(f"{where} input")
    page.get_by_role("option", name=what, exact=True).click()


def choose_file(page: Any, path: Path) -> None:
    """Load saved settings."""
    with page.expect_file_chooser() as chooser:
        page.click("#load")
    chooser.value.set_files(path)


def augment(page: Any, button: str = "#augment") -> None:
    page.evaluate("document.querySelector('#status .aug-done')?.setAttribute('data-before', '')")
    page.click(button)
    page.wait_for_selector("#status .aug-done:not([data-before])", timeout=DONE_MS)
    expect(page.locator("#augment")).to_be_enabled()


def cards(page: Any) -> Any:
    return page.locator("#gallery .card")


def saved_zip(page: Any, folder: Path) -> Path:
    with page.expect_download() as download:
        page.click("#zip:visible, #pack:visible")
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def manifest(path: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]


def images_in(path: Path) -> set[str]:
    """The variations in a ZIP."""
    with zipfile.ZipFile(path) as archive:
        return {name for name in archive.namelist() if "__v" in name}
