"""What the page says a job will make, before any picture is read, and what the job then makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.engines import available
from augmentai.pipeline.job import Job
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import Pace
from augmentai.web.forecast import planned
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.jobs.uploads import look
from tests.support.image_files import zipped
from tests.support.labelled_sets import LAYOUTS, as_zip, class_folders, gathered, photo, yolo, yolo_line

BALANCED = [Recipe(variations=3), Recipe(balance=True), Recipe(per_class=9, most_per_source=4), Recipe(per_class=30)]
RED, BUS = ("red car", 4, 6, 24, 20), ("bus", 30, 10, 60, 40)


def uneven() -> dict[str, bytes]:
    """A YOLO set of three pictures of red cars and one of a bus, and buses to validate with, which do not count."""
    files = {name: data for name, data in yolo().items() if name.endswith(".yaml")}
    for split, stem, thing in (
        [("train", f"car {n}", RED) for n in range(3)]
        + [("train", "a bus", BUS)]
        + [("val", f"bus {n}", BUS) for n in range(5)]
    ):
        moved = (thing[0], *(value + (len(files) if number < 1 else 0) for number, value in enumerate(thing[1:])))
        files[f"images/{split}/{stem}.jpg"] = photo([moved])  # type: ignore[list-item]
        files[f"labels/{split}/{stem}.txt"] = yolo_line(*moved).encode()  # type: ignore[arg-type]
    return files


def told(path: Path) -> tuple[dict[str, Any], PreviewHandlers]:
    settings = Settings()
    engines = available(settings)
    before = PreviewHandlers(settings, engines, Visitors(settings), Pace(engines))
    return look([("set.zip", str(path))], settings).as_state(), before


@pytest.mark.parametrize("recipe", BALANCED)
@pytest.mark.parametrize("files", [class_folders(), class_folders(splits=True), uneven(), LAYOUTS["coco"][1]])
def test_as_many_as_the_job_makes(tmp_path: Path, files: dict[str, bytes], recipe: Recipe) -> None:
    given = as_zip(tmp_path / "set.zip", files)
    job = Job(gathered(given), recipe, Settings(), available(Settings()))
    assert planned(told(given)[0], recipe).total == job.expected


def test_the_page_says_so(tmp_path: Path) -> None:
    given, before = told(as_zip(tmp_path / "set.zip", uneven()))
    assert "<b>2 variations</b> of 4 pictures" in before.foretell(given, "", {"balance": True, "engine": "gan"})
    assert "<b>16 variations</b> of 4 pictures" in before.foretell(given, "", {"variations": 4, "engine": "gan"})
    short = before.foretell(given, "", {"per_class": 100, "engine": "gan"})
    assert "<b>64 variations</b>" in short
    assert "Too few pictures to reach 100" in short


def test_nothing_to_balance_is_said_before_the_click(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(zipped({"a.jpg": photo([RED]), "b.jpg": photo([BUS])}))
    given, before = told(tmp_path / "set.zip")
    assert "classes cannot be balanced" in before.foretell(given, "", {"balance": True, "engine": "gan"})
    with pytest.raises(RecipeError):
        planned(given, Recipe(balance=True))


def test_of_a_large_set_some_labels_are_read_and_the_rest_reckoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("augmentai.web.forecast._LABELS_READ", 2)
    given, _ = told(as_zip(tmp_path / "set.zip", uneven()))
    assert sum(count for _, _, count in given["kinds"]) == 4


def test_the_layout_that_the_visitor_names_is_what_is_looked_for(tmp_path: Path) -> None:
    entries = [("set.zip", str(as_zip(tmp_path / "set.zip", yolo())))]
    assert look(entries, Settings()).layout == "yolo"
    assert look(entries, Settings(), "folders").layout == ""
    wrong = look(entries, Settings(), "voc")
    assert wrong.pictures == 0
    assert "not a Pascal VOC dataset: expected an .xml file" in wrong.refused[0]["reason"]


def test_the_page_says_that_photographs_in_classes_will_be_mirrored(tmp_path: Path) -> None:
    given, before = told(as_zip(tmp_path / "folders.zip", class_folders()))
    assert "variations are flipped horizontally" in before.foretell(given, "", {"engine": "gan"})
    assert "mirrored" not in before.foretell(given, "", {"engine": "gan", "geometry": "none"})
    assert "mirrored" not in before.foretell(given, "", {"engine": "gan", "mirror": False})
    boxes, before = told(as_zip(tmp_path / "boxes.zip", uneven()))
    assert "mirrored" not in before.foretell(boxes, "", {"engine": "gan"})
    assert "mirrored" not in before.foretell({}, "", {"engine": "gan"})
