"""How many variations the page forecasts before any image is read, and how many the job then makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.dataset.formats.base import ImageInfo
from augmentai.engines import available
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import TimeEstimator
from augmentai.web.forecast import class_groups, forecast
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.jobs.uploads import inspect_uploads
from augmentai.web.parsing.pool import ParsingPool
from tests.support.image_files import zipped
from tests.support.labelled_sets import BUS, LAYOUTS, RED, as_zip, class_folders, gathered, photo, uneven_yolo, yolo

BALANCED = [Recipe(variations=3), Recipe(balance=True), Recipe(per_class=9, most_per_source=4), Recipe(per_class=30)]


def inspected(path: Path) -> tuple[dict[str, Any], PreviewHandlers]:
    settings = Settings()
    engines = available(settings)
    handlers = PreviewHandlers(settings, engines, Visitors(settings), TimeEstimator(engines), ParsingPool(60, 1000))
    return inspect_uploads([("set.zip", str(path))], settings).as_state(), handlers


@pytest.mark.parametrize("recipe", BALANCED)
@pytest.mark.parametrize("files", [class_folders(), class_folders(splits=True), uneven_yolo(), LAYOUTS["coco"][1]])
def test_the_forecast_is_what_the_job_makes(tmp_path: Path, files: dict[str, bytes], recipe: Recipe) -> None:
    given = as_zip(tmp_path / "set.zip", files)
    job = Job(gathered(given), recipe, Settings(), available(Settings()))
    assert forecast(inspected(given)[0], recipe).total == job.plan.total


def test_the_page_shows_the_forecast(tmp_path: Path) -> None:
    state, handlers = inspected(as_zip(tmp_path / "set.zip", uneven_yolo()))
    assert "<b>2 variations</b> of 4 images" in handlers.forecast(state, "", {"balance": True, "engine": "gan"})
    assert "<b>16 variations</b> of 4 images" in handlers.forecast(state, "", {"variations": 4, "engine": "gan"})
    short = handlers.forecast(state, "", {"per_class": 100, "engine": "gan"})
    assert "<b>64 variations</b>" in short
    assert "Too few images to reach 100" in short


def test_without_an_engine_and_operations_the_page_says_so_before_the_click(tmp_path: Path) -> None:
    state, handlers = inspected(as_zip(tmp_path / "set.zip", uneven_yolo()))
    assert "so that nothing would change; add operations" in handlers.forecast(state, "", {"engine": "none"})
    wanted = {"engine": "none", "operations": ["crop"]}
    assert "<b>4 variations</b> of 4 images by No engine" in handlers.forecast(state, "", wanted)


def test_no_classes_to_balance_is_shown_before_the_click(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(zipped({"a.jpg": photo([RED]), "b.jpg": photo([BUS])}))
    state, handlers = inspected(tmp_path / "set.zip")
    assert "classes cannot be balanced" in handlers.forecast(state, "", {"balance": True, "engine": "gan"})
    with pytest.raises(RecipeError):
        forecast(state, Recipe(balance=True))


def test_of_a_large_set_some_labels_are_read_and_scaled_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augmentai.web.forecast._MAX_LABELS_READ", 2)
    state, _ = inspected(as_zip(tmp_path / "set.zip", uneven_yolo()))
    assert sum(count for _, _, count in state["class_groups"]) == 4


def test_every_image_counts_where_groups_are_estimates() -> None:
    state = {"images": 993, "class_groups": [(None, ("a",), 490), (None, ("b",), 500)], "traits": {}, "pixels": 0}
    assert forecast(state, Recipe(variations=4)).total == 4 * 993


def test_a_format_that_the_visitor_chooses_overrides_detection(tmp_path: Path) -> None:
    entries = [("set.zip", str(as_zip(tmp_path / "set.zip", yolo())))]
    assert inspect_uploads(entries, Settings()).layout == "yolo"
    assert inspect_uploads(entries, Settings(), "folders").layout == ""
    wrong = inspect_uploads(entries, Settings(), "voc")
    assert wrong.images == 0
    assert "not a Pascal VOC dataset: expected an .xml file" in wrong.refused[0]["reason"]


def test_the_page_announces_automatic_flips(tmp_path: Path) -> None:
    state, handlers = inspected(as_zip(tmp_path / "folders.zip", class_folders()))
    assert "variations are flipped horizontally" in handlers.forecast(state, "", {"engine": "gan"})
    assert "flipped horizontally" not in handlers.forecast(state, "", {"engine": "gan", "geometry": "none"})
    assert "flipped horizontally" not in handlers.forecast(state, "", {"engine": "gan", "mirror": False})
    boxes, handlers = inspected(as_zip(tmp_path / "boxes.zip", uneven_yolo()))
    assert "flipped horizontally" not in handlers.forecast(boxes, "", {"engine": "gan"})
    assert "flipped horizontally" not in handlers.forecast({}, "", {"engine": "gan"})


def test_a_split_leaves_fewer_images_to_augment(tmp_path: Path) -> None:
    state, handlers = inspected(as_zip(tmp_path / "set.zip", {f"cats/{i}.jpg": photo([RED]) for i in range(10)}))
    asked = {"variations": 2, "make_split": "80/10/10", "engine": "gan"}
    assert "<b>16 variations</b>" in handlers.forecast(state, "", asked)
    state, _ = inspected(as_zip(tmp_path / "set.zip", yolo()))
    assert "the set has a split already" in handlers.forecast(state, "", asked)
    assert "expected shares for training" in handlers.forecast(state, "", asked | {"make_split": "80"})


def test_labels_that_take_long_are_scaled_up_from_a_few(tmp_path: Path) -> None:
    found = gathered(as_zip(tmp_path / "set.zip", yolo()))
    images = [ImageInfo(labels=source.labels) for source in found.sources]
    ((_, _, count),) = class_groups(images, most_seconds=0.0)
    assert count == len(images) > 1
    assert len(class_groups(images)) > 1
