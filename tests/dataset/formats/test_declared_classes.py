"""Files beside the labels that name the classes: those without an object are not lost in a conversion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.support.dataset_runs import notices
from tests.support.labelled_sets import CATEGORIES, LAYOUTS, augmented, write

CLASSES = ["never seen", *reversed(CATEGORIES)]
OF_MASKS = ["background", *CATEGORIES, "never seen"]
VIA = {"region": {"class": {"type": "dropdown", "options": dict.fromkeys(CLASSES, "")}}, "file": {}}


def lines(names: list[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


# A file beside the labels, what it says, and the classes of the converted set.
@pytest.mark.parametrize(
    ("name", "file", "content", "expected"),
    [
        pytest.param("voc", "labels.txt", lines(CLASSES), CLASSES, id="Pascal VOC"),
        pytest.param(
            "voc",
            "labelmap.txt",  # as CVAT exports it
            ("# label:color_rgb:parts:actions\n" + "".join(f"{n}:{i},0,0::\n" for i, n in enumerate(CLASSES))).encode(),
            CLASSES,
            id="Pascal VOC from CVAT",
        ),
        pytest.param("labelme", "labels.txt", lines(["__ignore__", "_background_", *CLASSES]), CLASSES, id="LabelMe"),
        pytest.param("labelme", "labels.txt", lines(CLASSES[:2]), [*CLASSES[:2], "bus", "red car"], id="an old list"),
        pytest.param("labelme", "labels.txt", lines(["a", "b"]), sorted(CATEGORIES), id="a list of something else"),
        pytest.param("via", "via_attributes.json", json.dumps(VIA).encode(), CLASSES, id="VIA"),
        pytest.param("masks", "classes.txt", lines(OF_MASKS), OF_MASKS[1:], id="masks"),
        pytest.param(
            "csv",
            "classes.csv",
            "".join(f"{name},{i}\n" for i, name in enumerate(CLASSES)).encode(),
            CLASSES,
            id="RetinaNet",
        ),
        pytest.param(
            "csv",
            "class-descriptions.csv",  # of Open Images: far more than a set has
            "".join(f"/m/{i},{name}\n" for i, name in enumerate(CLASSES)).encode(),
            ["red car", "車", "bus"],
            id="Open Images",
        ),
    ],
)
def test_classes_of_the_converted_set(
    name: str, file: str, content: bytes, expected: list[str], tmp_path: Path
) -> None:
    given = write(tmp_path / "in", LAYOUTS[name][1] | {file: content})
    job = augmented([given], tmp_path / "out", to="yolo", variations=1)
    assert not job.report.failures
    names = yaml.safe_load((tmp_path / "out/data.yaml").read_text("utf-8"))["names"]
    assert list(names.values()) == expected
    augmented([given], tmp_path / "same", variations=1)
    assert (tmp_path / "same" / file).read_bytes() == content


def test_a_number_for_a_class_is_not_numbered_again(tmp_path: Path) -> None:
    """In classes.csv the class "1" would be the number of another one, so the class without an object is reported."""
    files = LAYOUTS["masks"][1]  # classes 1, 2 and 3
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", to="csv", variations=1)
    assert not (tmp_path / "out/classes.csv").exists()
    assert "unused class" not in notices(job)
