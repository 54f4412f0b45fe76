"""Broken label files: the picture is told, with the file and the line, and the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from augmentai.annotations import LabelError
from augmentai.dataset.formats.coco.annotation import mask_to_box, polygon_area, shape_from_coco
from augmentai.dataset.formats.coco.rle import mask_to_rle
from augmentai.dataset.formats.yolo.annotation import Classes, labels_from_yolo, shape_to_yolo
from augmentai.images.orientation import Frame
from tests.support.image_files import encoded, png
from tests.support.labelled_sets import (
    SIZE_WH,
    Files,
    augmented,
    coco,
    contents,
    gathered,
    imagefolder,
    masks,
    voc,
    write,
    yolo,
)


def failures(files: Files, tmp_path: Path) -> tuple[dict[str, str], Any]:
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    return {row["file"]: row["reason"] for row in job.report.failures}, job


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "0 0.5 0.5 0.2 0.2\n1 0.5 x 0.2 0.2\n",
            'line 2: found "1 0.5 x 0.2 0.2"; expected a class number and coordinates',
        ),
        ("0 0.5 0.5\n", "line 1: found 2 numbers after the class; expected 4"),
        ("0 32 24 10 10\n", "line 1: found 32; expected fractions of the image's width and height, 0 to 1, not pixels"),
        ("7 0.5 0.5 0.2 0.2\n", "line 1: class 7 is not among the 3 names of data.yaml"),
        ("-1 0.5 0.5 0.2 0.2\n", "line 1: found"),
        ("0 0.5 0.5 nan 0.2\n", "expected a whole class number and finite coordinates"),
        ("0 0.5 0.5 0.2 -0.2\n", "-0.2"),
        ("\n\n0 0.1 0.1 0.2 0.2 0.3 0.3 0.4\n", "line 3: found 7 numbers after the class"),
    ],
)
def test_a_broken_line_of_yolo(text: str, told: str, tmp_path: Path) -> None:
    found, job = failures(yolo() | {"labels/train/one.txt": text.encode()}, tmp_path)
    assert list(found) == ["images/train/one.jpg"]
    assert found["images/train/one.jpg"].startswith("labels/train/one.txt, line")
    assert told in found["images/train/one.jpg"]
    assert job.report.variations == 2
    made = contents(tmp_path / "out")
    assert made["labels/train/one.txt"] == text.encode()  # what was given stays as it was given
    assert "images/train/one__v1.jpg" not in made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"names: [a, b", "data.yaml: not valid YAML"),
        (b"names: 7\ntrain: images/train\n", "names is int; expected a list"),
        (b"names: {a: b}\ntrain: images/train\n", "names has 'a'"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b]\n", "names has 0: list"),
    ],
)
def test_a_broken_data_yaml_is_told(text: bytes, told: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", yolo() | {"data.yaml": text}))
    assert told in f"{found.failures[0].file}: {found.failures[0].reason}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.update(bbox=[1, 2, 3]), "bbox is [1, 2, 3]; expected [x, y, width, height] in pixels"),
        (lambda a: a.update(bbox=[1, 2, -3, 4]), "expected a width and a height above 0"),
        (lambda a: a.update(bbox=["1", 2, 3, 4]), "bbox is ['1', 2, 3, 4]"),
        (lambda a: a.update(category_id=99), "category_id is 99, which is not among its categories"),
        (lambda a: a.update(segmentation=[[1, 2, 3]]), "segmentation has [1, 2, 3]; expected pairs of x and y"),
        (lambda a: a.update(segmentation={"size": [1, 2], "counts": [2]}), "the size of its RLE is [1, 2]"),
        (lambda a: a.update(segmentation={"size": [48, 64], "counts": [5]}), "add up to 5; expected 3072 pixels"),
        (
            lambda a: a.update(segmentation={"size": [48, 64], "counts": [1.5]}),
            "the counts of its RLE are not all whole numbers",
        ),
        (lambda a: a.update(segmentation={"size": [48, 64]}), "the counts of its RLE are None"),
    ],
)
def test_a_broken_annotation_of_coco(change: Any, told: str, tmp_path: Path) -> None:
    files = coco()
    content = json.loads(files["annotations/instances_train.json"])
    change(content["annotations"][0])
    files["annotations/instances_train.json"] = json.dumps(content).encode()
    found, job = failures(files, tmp_path)
    assert list(found) == ["train/one.jpg"]
    assert found["train/one.jpg"].startswith("annotations/instances_train.json, annotation 1: ")
    assert told in found["train/one.jpg"]
    assert job.report.variations == 2


def test_bitmaps_that_would_fill_the_memory(tmp_path: Path) -> None:
    """A few kilobytes of run lengths may stand for gigabytes."""
    files = coco() | {"train/one.jpg": encoded(Image.new("L", (9000, 9000)), "PNG")}
    content = json.loads(files["annotations/instances_train.json"])
    content["images"][0] |= {"width": 9000, "height": 9000}
    rle = {"size": [9000, 9000], "counts": [81_000_000]}
    many = [
        {"id": 100 + i, "image_id": 100, "category_id": 7, "bbox": [0, 0, 1, 1], "segmentation": rle} for i in range(20)
    ]
    content["annotations"] = many
    files["annotations/instances_train.json"] = json.dumps(content).encode()
    source = next(s for s in gathered(write(tmp_path / "in", files)).sources if s.path == "train/one.jpg")
    assert source.labels is not None
    with pytest.raises(LabelError, match="20 RLE bitmaps for this one image of 9000x9000, more than fit into memory"):
        source.labels.load()


def test_json_that_breaks_off(tmp_path: Path) -> None:
    """What it would have said of its pictures nobody knows; those of the other files are still done."""
    files = coco()
    text = json.dumps(json.loads(files["annotations/instances_val.json"]), indent=1)
    files["annotations/instances_val.json"] = text[: text.index('"area"')].encode()
    found, job = failures(files, tmp_path)
    assert list(found) == ["annotations/instances_val.json"]
    assert ", line " in found["annotations/instances_val.json"]
    assert "skipped 1 image(s) without labels, since a label file is broken" in job.report.as_dict()["notices"]
    assert job.report.variations == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"<annotation><object><name>bus</name></annotation>", "line 1: not valid XML (mismatched tag"),
        (b"<annotation>\n<object>\n<name>bus</name></object></annotation>", "object 1: bus has no <bndbox>"),
        (
            b"<annotation><object><name>b</name><bndbox><xmin>1</xmin><ymin>x</ymin></bndbox></object></annotation>",
            'object 1: ymin of b is "x"; expected a number of pixels',
        ),
        (b"<annotation><object><bndbox/></object></annotation>", "object 1: it has no <name>"),
        (
            b'<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]>'
            b"<annotation><object><name>&b;</name></object></annotation>",
            "XML of an unsafe kind (EntitiesForbidden)",
        ),
    ],
)
def test_broken_xml(text: bytes, told: str, tmp_path: Path) -> None:
    found, job = failures(voc() | {"VOC/Annotations/one.xml": text}, tmp_path)
    assert list(found) == ["VOC/JPEGImages/one.jpg"]
    assert found["VOC/JPEGImages/one.jpg"].startswith("VOC/Annotations/one.xml")
    assert told in found["VOC/JPEGImages/one.jpg"]
    assert job.report.variations == 2


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (png((10, 10)), "masks/train/one.png has 10x10 pixels; expected 64x48, as its image"),
        (b"\x89PNG\r\n\x1a\n broken", "masks/train/one.png is not a valid PNG"),
    ],
)
def test_broken_masks(mask: bytes, told: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", masks() | {"masks/train/one.png": mask})
    job = augmented([given], tmp_path / "out", variations=1, layout="masks")
    assert [row["file"] for row in job.report.failures] == ["images/train/one.jpg"]
    assert told in job.report.failures[0]["reason"]
    assert job.report.variations == 2


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("csv", b"file_name,text\none.jpg\n", "train/metadata.csv, line 2: expected 2 values, one per column"),
        ("jsonl", b'{"file_name": "one.jpg"}\n{"file_name": \n', "train/metadata.jsonl, line 2: not valid JSON"),
        ("jsonl", b'{"name": "one.jpg"}\n', "train/metadata.jsonl, line 1: no file_name"),
    ],
)
def test_broken_metadata(kind: str, text: bytes, told: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", imagefolder(kind) | {f"train/metadata.{kind}": text}))
    assert told in found.failures[0].reason
    assert "skipped 3 image(s), since their metadata is broken" in found.notices


def test_labels_of_pictures_that_are_not_there(tmp_path: Path) -> None:
    files = coco()
    del files["train/two ü.jpg"]
    found, job = failures(files, tmp_path)
    assert not found
    assert (
        "annotations/instances_train.json lists 1 image(s) that are missing; they are skipped" in job.gathered.notices
    )
    written = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert {image["file_name"] for image in written["images"]} == {
        *("one.jpg", "empty.jpg", "one__v1.jpg", "empty__v1.jpg"),
    }


def test_a_picture_that_is_none_is_in_no_list(tmp_path: Path) -> None:
    found, _ = failures(coco() | {"train/one.jpg": b"no picture"}, tmp_path)
    assert list(found) == ["train/one.jpg"]
    written = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert "one.jpg" not in {image["file_name"] for image in written["images"]}
    assert "train/one.jpg" not in contents(tmp_path / "out")


class TestTurnedPictures:
    """EXIF turns the picture. Labels drawn on the stored pixels turn with it; those drawn upright stay."""

    def photo(self, orientation: int) -> bytes:
        from tests.support.image_files import exif_with
        from tests.support.labelled_sets import COLOURS

        stored = Image.new("RGB", SIZE_WH, (128, 128, 128))
        stored.paste(COLOURS["bus"], (4, 6, 24, 20))
        return encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif_with(orientation))

    @pytest.mark.parametrize("orientation", [5, 6, 7, 8])
    @pytest.mark.parametrize("layout", ["coco", "voc"])
    def test_boxes_lie_on_the_pixels(self, orientation: int, layout: str, tmp_path: Path) -> None:
        from tests.support import trainers
        from tests.support.labelled_sets import COLOURS, voc_xml

        if layout == "voc":
            files = {"a.jpg": self.photo(orientation), "a.xml": voc_xml("a", [("bus", 4, 6, 24, 20)])}
        else:
            content = {
                "images": [{"id": 1, "file_name": "a.jpg", "width": SIZE_WH[0], "height": SIZE_WH[1]}],
                "categories": [{"id": 1, "name": "bus"}],
                "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 20, 14]}],
            }
            files = {"a.jpg": self.photo(orientation), "coco.json": json.dumps(content).encode()}
        augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
        made = next(s for s in gathered(tmp_path / "out").sources if s.path == "a__v1.jpg")
        assert made.labels is not None
        box = made.labels.load().shapes[0].box
        ((_, seen),) = trainers.by_eye(tmp_path / "out/a__v1.jpg", COLOURS, 0.89)
        assert box is not None
        assert max(abs(a - b) for a, b in zip(box, seen, strict=True)) <= 1

    def test_masks_stand_upright(self, tmp_path: Path) -> None:
        mask = Image.new("L", SIZE_WH)
        mask.paste(7, (4, 6, 24, 20))
        files = {"images/a.jpg": self.photo(6), "masks/a.png": encoded(mask)}
        augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
        with Image.open(tmp_path / "out/masks/a__v1.png") as made:
            assert made.size == (48, 64)
            assert made.getbbox() == (28, 4, 42, 24)


shares = st.floats(0, 1).map(lambda value: round(value, 6))


@given(st.lists(st.tuples(st.integers(0, 2), shares, shares, shares, shares), max_size=5))
def test_yolo_lines_come_back_as_they_stood(boxes: list[tuple[float, ...]]) -> None:
    classes = Classes({0: "a", 1: "b", 2: "c"})
    text = "".join(" ".join(map(str, box)) + "\n" for box in boxes)
    labels = labels_from_yolo(text, "x.txt", classes, SIZE_WH)
    written = [line for shape in labels.shapes for line in shape_to_yolo(shape, classes, SIZE_WH, as_polygons=False)]
    assert "".join(line + "\n" for line in written) == text


@given(st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_read_or_told(text: str) -> None:
    told = ""
    try:
        labels_from_yolo(text, "x.txt", Classes({}), SIZE_WH)
    except LabelError as error:
        told = str(error)
    assert not told or "x.txt, line " in told


@given(st.lists(st.booleans(), min_size=48, max_size=48), st.booleans())
def test_run_lengths_come_back(pixels: list[bool], packed: bool) -> None:
    import numpy as np

    mask = np.array(pixels).reshape(6, 8)
    annotation = {"category_id": 1, "segmentation": mask_to_rle(mask, packed)}
    shape = shape_from_coco(annotation, {1: "a"}, Frame((8, 6), (8, 6)), on_stored=False)
    assert shape.mask is not None
    assert np.array_equal(shape.mask, mask)
    assert shape.box == mask_to_box(mask)


def test_area_of_a_triangle() -> None:
    assert polygon_area(((0, 0), (4, 0), (0, 3))) == 6
