"""What labels have that a user should know of is said before a run: dry run, first lines, inspection and page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.cli.console import print_plan
from augmentai.engines import available
from augmentai.inspection import inspect_set
from augmentai.pipeline import moved_labels
from augmentai.pipeline.job import Job
from augmentai.pipeline.label_check import check_labels
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.web.jobs.uploads import inspect_uploads
from tests.support import labelled_sets
from tests.support.command_line import augmentai
from tests.support.image_files import jpeg
from tests.support.labelled_sets import RED, Files, augmented, contents, gathered, photo, write
from tests.support.mask_sets import mask_set

PHOTO = photo([RED])
BOX, OTHER = [4, 6, 20, 14], [30, 10, 20, 20]
Named = list[tuple[str, list[int]]]  # class, box as [x, y, width, height]


def yolo(objects: Named) -> Files:
    numbers = ["cup", "pan"]
    lines = [
        f"{numbers.index(name)} {(x + w / 2) / 64} {(y + h / 2) / 48} {w / 64} {h / 48}"
        for name, (x, y, w, h) in objects
    ]
    return {"data.yaml": b"names: [cup, pan]\n", "images/a.jpg": PHOTO, "labels/a.txt": "\n".join(lines).encode()}


def coco(objects: Named) -> Files:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 64, "height": 48}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1 + (name == "pan"), "bbox": box}
            for n, (name, box) in enumerate(objects)
        ],
        "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "pan"}],
    }
    return {"images/a.jpg": PHOTO, "annotations.json": json.dumps(content).encode()}


def voc(objects: Named) -> Files:
    one = (
        "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"
    )
    inner = "".join(one.format(name, x + 1, y + 1, x + w, y + h) for name, (x, y, w, h) in objects)
    return {"images/a.jpg": PHOTO, "images/a.xml": f"<annotation>{inner}</annotation>".encode()}


def csv(objects: Named) -> Files:
    rows = [f"images/a.jpg,{name},{x},{y},{x + w},{y + h}\n" for name, (x, y, w, h) in objects]
    return {"images/a.jpg": PHOTO, "boxes.csv": ("filename,class,xmin,ymin,xmax,ymax\n" + "".join(rows)).encode()}


def labelme(objects: Named) -> Files:
    shapes = [
        {"label": name, "shape_type": "rectangle", "points": [[x, y], [x + w, y + h]]} for name, (x, y, w, h) in objects
    ]
    content = {"imagePath": "a.jpg", "imageWidth": 64, "imageHeight": 48, "shapes": shapes}
    return {"images/a.jpg": PHOTO, "images/a.json": json.dumps(content).encode()}


FORMATS = {"YOLO": yolo, "COCO": coco, "Pascal VOC": voc, "CSV": csv, "LabelMe": labelme}
# (objects, what is said of them)
BOXES: dict[str, tuple[Named, str]] = {
    "one box, two classes": ([("cup", BOX), ("pan", BOX)], "has two classes, such as cup and pan: both are kept"),
    "one object twice": ([("cup", BOX), ("cup", BOX)], "repeats another one: both are kept"),
    "beyond the edge": ([("cup", [50, 10, 24, 20])], "reaches outside the image: unchanged, but cut off where pixels"),
    "two boxes, two classes": ([("cup", BOX), ("pan", OTHER)], ""),
}


def said(given: Path, files: Files, capsys: pytest.CaptureFixture[str], **recipe: Any) -> list[str]:
    """What the dry run, the first lines of a run, the inspection and the page say."""
    job = augmented([given], given.parent / "out", variations=1, **recipe)
    print_plan(job)
    captured = capsys.readouterr()
    found = inspect_set(gathered(given), Recipe(engine="gan", **recipe), Settings(), available(Settings()))
    page = inspect_uploads([(f"in/{one}", str(given / one)) for one in files], Settings())
    return ["\n".join(job.plan.notices), captured.err + captured.out, "\n".join(found.notices), "\n".join(page.notices)]


@pytest.mark.parametrize(("objects", "words"), BOXES.values(), ids=BOXES)
@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_boxes(make: Any, objects: Named, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = make(objects)
    given = write(tmp_path / "in", files)
    for place in said(given, files, capsys):
        if words:
            assert f"1 box in 1 image (images/a.jpg) {words}" in place
        else:
            assert "box in" not in place


MASKS = mask_set([f"images/{one}.png" for one in "abcd"], [f"gt/{one}_m.png" for one in "abd"])
TABLE = "image,mask\n" + "".join(f"images/{one}.png,gt/{one}_m.png\n" for one in "abcd")
# (files, the image without labels)
UNLABELLED: dict[str, tuple[Files, str]] = {
    "YOLO has no text for it": ({**yolo([("cup", BOX)]), "images/b.jpg": jpeg((64, 48))}, "images/b.jpg"),
    "COCO does not list it": ({**coco([("cup", BOX)]), "images/b.jpg": jpeg((64, 48))}, "images/b.jpg"),
    "a table names a mask that is missing": ({**MASKS, "pairs.csv": TABLE.encode()}, "images/c.png"),
    "it has no mask": (MASKS, "images/c.png"),
}


@pytest.mark.parametrize(("files", "image"), UNLABELLED.values(), ids=UNLABELLED)
def test_images_without_labels(files: Files, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = write(tmp_path / "in", files)
    for place in said(given, files, capsys):
        assert f"1 image ({image}) without labels" in place


def sized(make: Any, old: str, new: str) -> Files:
    """A set whose label file states another size for its image than the image has."""
    files = make([("cup", BOX)])
    return {name: data.replace(old.encode(), new.encode()) for name, data in files.items()}


CVAT = (
    '<annotations><image id="0" name="images/a.jpg" width="640" height="480">'
    '<box label="cup" xtl="4" ytl="6" xbr="24" ybr="20"/></image></annotations>'
)
OTHER_SIZES: dict[str, Files] = {
    "COCO": sized(coco, '"width": 64, "height": 48', '"width": 640, "height": 480'),
    "LabelMe": sized(labelme, '"imageWidth": 64, "imageHeight": 48', '"imageWidth": 640, "imageHeight": 480'),
    "Pascal VOC": sized(voc, "<annotation>", "<annotation><size><width>640</width><height>480</height></size>"),
    "CSV": {
        "images/a.jpg": PHOTO,
        "boxes.csv": b"filename,width,height,class,xmin,ymin,xmax,ymax\nimages/a.jpg,640,480,cup,4,6,24,20\n",
    },
    "CVAT": {"images/a.jpg": PHOTO, "annotations.xml": CVAT.encode()},
}


@pytest.mark.parametrize("files", OTHER_SIZES.values(), ids=OTHER_SIZES)
def test_labels_of_an_image_of_another_size(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "1 image (images/a.jpg) is of another size than the labels state (as images/a.jpg, 640x480)"
    for place in said(write(tmp_path / "in", files), files, capsys):
        assert words in place


# (files, the row of the image whose mask is missing, that of its variation)
MISSING: dict[str, tuple[Files, str, str, str]] = {
    "a table": ({**MASKS, "pairs.csv": TABLE.encode()}, "pairs.csv", "images/c.png,gt/c_m.png", "images/c__v1.png,"),
    "metadata": (
        {**MASKS, "metadata.csv": TABLE.replace("image,mask", "file_name,mask").encode()},
        "metadata.csv",
        "images/c.png,gt/c_m.png",
        "images/c__v1.png,",
    ),
    "metadata as JSON lines": (
        {
            **MASKS,
            "metadata.jsonl": "".join(
                json.dumps({"file_name": f"images/{one}.png", "mask": f"gt/{one}_m.png"}) + "\n" for one in "abcd"
            ).encode(),
        },
        "metadata.jsonl",
        '{"file_name": "images/c.png", "mask": "gt/c_m.png"}',
        '{"file_name": "images/c__v1.png", "mask": null}',
    ),
}


@pytest.mark.parametrize(("files", "table", "row", "of_variation"), MISSING.values(), ids=MISSING)
def test_a_missing_mask_is_named_and_no_variation_claims_it(
    files: Files, table: str, row: str, of_variation: str, tmp_path: Path
) -> None:
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert "names 1 mask (gt/c_m.png) that the set does not have; rows of variations leave it empty" in "\n".join(
        job.plan.notices
    )
    lines = contents(tmp_path / "out")[table].decode().splitlines()
    assert row in lines
    assert of_variation in lines


def test_what_will_be_skipped_is_in_the_first_lines_of_a_run(tmp_path: Path) -> None:
    good, images = yolo([("cup", BOX)]), [f"images/{n}.jpg" for n in range(7)]
    files = {**good, **dict.fromkeys(images, PHOTO), "labels/0.txt": b"0 0.5\n", "images/1.jpg": PHOTO[:-90]}
    files |= {f"labels/{n}.txt": b"9 0.5 0.5 0.1 0.1\n" for n in range(2, 7)}
    done = augmentai(write(tmp_path / "in", files), "-o", tmp_path / "out", "--operation", "flip", "--engine", "none")
    first, _, rest = done.stderr.partition("7 images will be skipped:\n")
    assert "Failed" not in first
    assert rest.startswith("- images/0.jpg: labels/0.txt, line 1: found 1 numbers after the class; expected 4")
    assert "\n- images/1.jpg: the file is corrupt or truncated" in rest
    assert "\n- and 2 more\n" in rest
    assert rest.index("and 2 more") < rest.index("Failed (7)")


def test_a_field_on_few_images_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    write_moved = moved_labels._write_moved
    monkeypatch.setattr(moved_labels, "_write_moved", lambda *given: tried.append(1) or write_moved(*given))
    shape = {"label": "cup", "shape_type": "rectangle", "points": [[4, 6], [24, 20]]}
    files: Files = {}
    for n in range(60):
        more = {"heading": 30} if n == 37 else {"note": f"number {n}"}
        content = {"imagePath": f"{n}.jpg", "imageWidth": 64, "imageHeight": 48, "shapes": [{**shape, **more}]}
        files |= {f"{n}.jpg": jpeg((64, 48), n), f"{n}.json": json.dumps(content).encode()}
    found = gathered(write(tmp_path / "in", files))
    check = check_labels(found.layout, found.sources, moves=True)
    assert check.lost == ("`heading` is removed from geometrically transformed images",)
    assert len(tried) < 30


def test_images_over_the_limit_are_not_counted(tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", {"a.jpg": PHOTO, "b.jpg": jpeg((1001, 1000))}))
    job = Job(found, Recipe(engine="gan"), Settings(max_megapixels=1), available(Settings()))
    assert [one.file for one in job.plan.unusable.values()] == ["b.jpg"]
    assert job.plan.expected == job.plan.total // 2


@pytest.mark.parametrize("repaint", ["all", "background", "objects"])
def test_what_a_dry_run_says_of_a_repaint(repaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Images without objects, what an engine ignores, the price of that call, and the first prompts."""
    settings = Settings(stability_api_key="sk-1", stability_api_base="http://127.0.0.1:9", stability_endpoint="ultra")
    recipe = Recipe(repaint=repaint, prompt="in {weather}", seed=3, variations=2, strength=0.4)
    found = gathered(write(tmp_path, labelled_sets.yolo()))
    job = Job(found, recipe, settings, available(settings))
    empty = "nothing is labelled in 1 image (images/train/empty.jpg): not repainted"
    assert any(notice.startswith(empty) for notice in job.plan.notices) == (repaint != "all")
    print_plan(job)
    said = capsys.readouterr().out
    ignored = f"Local GAN changes whole images and cannot repaint a part: repaint {repaint} has no effect"
    assert (ignored in said) == (repaint != "all")
    assert ("paints a part entirely anew: the strength has no effect on it" in said) == (repaint != "all")
    credits = 5 if repaint != "all" else 8
    assert f"cost: up to {credits * 6} credits (6 images at {credits})" in said
    assert "prompts (the first 5):\n" in said
    assert said.count(", variation 1: in ") == 3
    assert said.count(", variation 2: in ") == 2
