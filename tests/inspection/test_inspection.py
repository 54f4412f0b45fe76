"""What an inspection says of small sets whose every object and fault is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import augmentai
from augmentai.engines import available
from augmentai.inspection import Inspection, inspect_set
from augmentai.inspection.findings import KINDS, PROBLEMS
from augmentai.recipe import Recipe
from augmentai.settings import ROOT, Settings
from tests.support.image_files import colours, encoded, jpeg
from tests.support.labelled_sets import (
    BUS,
    CATEGORIES,
    IMAGES,
    LAYOUTS,
    RED,
    TRAIN,
    Files,
    class_folders,
    gathered,
    photo,
    voc_xml,
    write,
    yolo,
    yolo_line,
)
from tests.support.unlike_images import unlike

SETTINGS = Settings()


def inspected(place: Path, files: Files, **recipe: Any) -> Inspection:
    write(place, files)
    asked = Recipe(**recipe)
    return inspect_set(gathered(place, layout=asked.layout), asked, SETTINGS, available(SETTINGS))


def kinds(found: Inspection) -> dict[str, int]:
    """How many of each kind were found."""
    return {one.kind: one.count for one in found.findings}


def examples(found: Inspection, kind: str) -> list[str]:
    return [str(example) for one in found.findings if one.kind == kind for example in one.examples]


WITH_OBJECTS = ["yolo", "yolo, split first", "yolo polygons", "coco", "coco beside", "voc", "imagefolder jsonl"]


@pytest.mark.parametrize("name", WITH_OBJECTS)
def test_images_and_objects_are_counted_by_class_and_split(name: str, tmp_path: Path) -> None:
    layout, files = LAYOUTS[name]
    found = inspected(tmp_path, files)
    assert found.status == 0
    assert found.layout["name"] == layout
    assert [(one["split"], one["images"], one["augmented"]) for one in found.splits] == [
        ("train", 3, True),
        ("val", 1, False),
        ("test", 1, False),
    ]
    counted = {one["name"]: one for one in found.classes if one["images"]}
    assert set(counted) == set(CATEGORIES)
    for category in CATEGORIES:
        showing = [(split, [o for o in objects if o[0] == category]) for split, _, objects in IMAGES]
        one = counted[category]
        assert one["images"] == sum(bool(objects) for _, objects in showing)
        assert one["objects"] == sum(len(objects) for _, objects in showing)
        assert one["augmented_images"] == sum(bool(objects) for split, objects in showing if split == "train")
        for split, counts in one["splits"].items():
            assert counts["objects"] == sum(len(objects) for of, objects in showing if of == split)
    assert found.images["sizes"] == {name: [64, 48] for name in ("min", "median", "max")}
    assert found.images["augmented"] == len(TRAIN)


@pytest.mark.parametrize("splits", [False, True])
def test_class_folders_are_counted_without_objects(splits: bool, tmp_path: Path) -> None:
    found = inspected(tmp_path, class_folders(splits))
    assert {one["name"]: (one["images"], one["objects"]) for one in found.classes} == {
        "red car": (2, None),
        "車": (1, None),
        "nothing": (1, None),
        "bus": (1, None),
    }
    assert next(one for one in found.classes if one["name"] == "bus")["augmented_images"] == (0 if splits else 1)
    assert found.status == 0


def test_masks_say_which_classes_an_image_shows(tmp_path: Path) -> None:
    found = inspected(tmp_path, LAYOUTS["masks"][1])
    assert {one["name"]: one["images"] for one in found.classes} == {"1": 2, "2": 2, "3": 1}
    assert kinds(found) == {"images_without_objects": 1}


def yolo_of(lines: str, **more: bytes) -> Files:
    """A YOLO set of two images, one of them with these lines."""
    return {
        "data.yaml": b"names: [red car, bus]\n",
        "images/a.jpg": photo([RED]),
        "labels/a.txt": lines.encode(),
        "images/b.jpg": photo([BUS]),
        "labels/b.txt": b"1 0.5 0.5 0.2 0.2\n",
        **more,
    }


# (files, what is found, an example)
FAULTS: dict[str, tuple[Files, str, str]] = {
    "a broken line": (yolo_of("0 0.5 0.5 0.2 0.2\n0 0.5\n"), "broken_labels", "labels/a.txt, line 2: found 1 numbers"),
    "a class that is not named": (yolo_of("7 0.5 0.5 0.2 0.2\n"), "broken_labels", "labels/a.txt, line 1: class 7"),
    "a box beyond the edge": (yolo_of("0 0.95 0.5 0.4 0.4\n"), "boxes_outside", "images/a.jpg: object 1, red car"),
    "a box without area": (yolo_of("0 0.5 0.5 0 0\n"), "boxes_without_area", "images/a.jpg: object 1"),
    "a tiny box": (yolo_of("0 0.5 0.5 0.01 0.5\n"), "tiny_boxes", "images/a.jpg: object 1"),
    "an object twice": (yolo_of("0 0.5 0.5 0.2 0.2\n" * 2), "repeated_objects", "images/a.jpg: object 2"),
    "no object": (yolo_of(""), "images_without_objects", "images/a.jpg"),
    "no label file": (
        {k: v for k, v in yolo_of("").items() if k != "labels/a.txt"},
        "images_without_labels",
        "images/a.jpg: it has no label file",
    ),
    "no image": (yolo_of("0 .5 .5 .2 .2\n") | {"labels/c.txt": b"1 .5 .5 .2 .2\n"}, "labels_without_image", "labels/c"),
    "a row without its image": (
        {"a.jpg": photo([RED]), "metadata.csv": b"file_name,text\na.jpg,x\nb.jpg,y\n"},
        "labels_left_out",
        "metadata.csv: 1 row (b.jpg) left out",
    ),
    "not understood": (yolo_of("0 .5 .5 .2 .2\n") | {"x.mat": b"MATLAB"}, "unread_labels", "x.mat: MATLAB files"),
    "not an image": (yolo_of("0 .5 .5 .2 .2\n") | {"images/c.jpg": b"text"}, "unreadable_images", "images/c.jpg: not"),
    "broken XML": (
        {"a.jpg": photo([RED]), "a.xml": voc_xml("a", [RED]), "b.jpg": photo([BUS]), "b.xml": b"<annotation>"},
        "broken_labels",
        "b.xml",
    ),
    "two classes": (
        {"cats/a.jpg": jpeg(seed=1), "dogs/b.jpg": jpeg(seed=1), "dogs/c.jpg": jpeg(seed=9)},
        "conflicting_classes",
        "cats/a.jpg: also dogs/b.jpg; classes cats, dogs",
    ),
    "the same image twice": (
        {"cats/a.jpg": jpeg(seed=1), "cats/b.jpg": jpeg(seed=1), "dogs/c.jpg": encoded(colours((40, 40)).rotate(90))},
        "duplicates",
        "cats/a.jpg: cats/b.jpg",
    ),
    "nearly the same": (
        {"cats/a.jpg": jpeg(seed=1, quality=95), "cats/b.jpg": jpeg(seed=1, quality=70)},
        "near_duplicates",
        "cats/a.jpg: cats/b.jpg",
    ),
    "across splits": (
        {
            "train/cats/a.jpg": jpeg(seed=1, quality=95),
            "val/cats/b.jpg": jpeg(seed=1, quality=70),
            "train/dogs/c.jpg": encoded(colours((40, 40)).rotate(90)),
        },
        "duplicates_across_splits",
        "train/cats/a.jpg: nearly the same as val/cats/b.jpg (val)",
    ),
    "no object beside others": (
        {
            "a.jpg": photo([RED]),
            "b.jpg": photo([]),
            "metadata.jsonl": b'{"file_name": "a.jpg", "objects": {"bbox": [[4, 6, 20, 14]], "categories": ["car"]}}\n'
            b'{"file_name": "b.jpg", "objects": {"bbox": [], "categories": []}}\n',
        },
        "images_without_objects",
        "b.jpg: nothing is labelled in it",
    ),
    "outside any class": (
        {"cats/a.jpg": jpeg(), "dogs/b.jpg": jpeg(seed=3), "c.jpg": jpeg(seed=5)},
        "images_without_c",
        "c.jpg",
    ),
}


@pytest.mark.parametrize(("files", "kind", "example"), FAULTS.values(), ids=FAULTS)
def test_faults_are_found_with_file_and_line(files: Files, kind: str, example: str, tmp_path: Path) -> None:
    found = inspected(tmp_path, files)
    one = next(one for one in found.findings if one.kind.startswith(kind))
    assert one.count == 1
    assert str(one.examples[0]).startswith(example)
    assert found.status == (1 if one.is_problem else found.status)


def test_a_set_without_faults_is_fine(tmp_path: Path) -> None:
    found = inspected(tmp_path, yolo_of("0 0.5 0.5 0.2 0.2\n"))
    assert (found.status, kinds(found)) == (0, {})


def test_what_a_run_would_do(tmp_path: Path) -> None:
    found = inspected(tmp_path, class_folders(), variations=3, engine="gan")
    assert found.plan == {
        "variations": 15,
        "engine": "gan",
        "geometry": "flip of those with a class",
        "cost": "",
        "reason": "",
    }
    unable = inspected(tmp_path / "loose", {"a.jpg": jpeg()}, balance=True)
    assert "cannot be balanced" in unable.plan["reason"]


@pytest.mark.parametrize("files", [{}, {"notes.txt": b"hello"}, {"a.jpg": b"text"}])
def test_nothing_that_can_be_read(files: Files, tmp_path: Path) -> None:
    found = inspected(tmp_path, {"folder/x.md": b"", **files})
    assert found.status == 2


def test_from_python(tmp_path: Path) -> None:
    """Also of sources in memory; the result can be written as JSON."""
    place = write(tmp_path, yolo())
    found = augmentai.inspect(place, variations=2)
    assert found.plan["variations"] == 6
    assert json.loads(json.dumps(found.as_dict()))["layout"]["name"] == "yolo"
    assert augmentai.inspect([(jpeg(), "cats"), (jpeg(seed=4), "dogs")]).images["count"] == 2
    with pytest.raises(TypeError, match="not a field"):
        augmentai.inspect(place, colour=1)


def test_a_line_is_named_only_where_there_is_one(tmp_path: Path) -> None:
    found = inspected(tmp_path, yolo_of("0 0.5\n") | {"labels/z.txt": yolo_line(*RED).encode()})
    by_kind = {one["kind"]: one["examples"][0]["line"] for one in found.as_dict()["findings"]}
    assert by_kind["broken_labels"] == 1
    assert by_kind["labels_without_image"] is None


def test_every_kind_and_key_is_documented(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "inspect.md").read_text()
    for kind in KINDS:
        assert f"| `{kind}` | {'problem' if kind in PROBLEMS else 'note'} |" in page
    content = inspected(tmp_path, yolo_of("0 0.5\n")).as_dict()
    rows = [content, content["layout"], content["images"], content["plan"]]
    rows += [content[name][0] for name in ("splits", "classes", "findings")] + content["findings"][0]["examples"]
    for key in {key for row in rows for key in row}:
        assert f"`{key}`" in page


def test_a_split_that_a_run_would_make_is_shown(tmp_path: Path) -> None:
    found = inspected(tmp_path, {f"cats/{i}.jpg": unlike(i) for i in range(10)}, make_split="80/20", seed=4)
    assert [(one["split"], one["images"], one["augmented"]) for one in found.splits] == [
        ("train", 8, True),
        ("val", 2, False),
    ]
    assert found.plan["variations"] == 8
    refused = inspected(tmp_path / "yolo", yolo(), make_split="80/20")
    assert "the set has a split already" in refused.plan["reason"]
    assert refused.images["count"] == 5


def test_captions_are_not_called_images_without_objects(tmp_path: Path) -> None:
    rows = b"file_name,text\n" + b"".join(b"%d.jpg,a cat\n" % i for i in range(3))
    found = inspected(tmp_path, {f"{i}.jpg": unlike(i) for i in range(3)} | {"metadata.csv": rows})
    assert found.layout["name"] == "imagefolder"
    assert (found.status, kinds(found)) == (0, {})


@pytest.mark.parametrize(("filters", "augmented"), [pytest.param(True, 2, id="on"), pytest.param(False, 3, id="off")])
def test_what_the_leak_filter_drops_is_not_counted(filters: bool, augmented: int, tmp_path: Path) -> None:
    files = {
        "train/cats/a.jpg": jpeg(seed=1, quality=95),
        "train/cats/b.jpg": unlike(1),
        "train/dogs/c.jpg": unlike(2),
        "val/cats/d.jpg": jpeg(seed=1, quality=70),
    }
    found = inspected(tmp_path, files, filters=filters, variations=3, engine="gan")
    assert found.images["augmented"] == augmented
    assert found.plan["variations"] == 3 * augmented
    assert [one["augmented_images"] for one in found.classes] == [augmented - 1, 1]
