"""Label files that nothing reads are named before anything is made, with what they look like and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from augmentai.pipeline.plan import plan_run
from augmentai.recipe import Recipe
from tests.support.image_files import jpeg, zipped
from tests.support.labelled_sets import Files, coco, gathered, voc_xml, write, yolo

PHOTOS: Files = {f"cats/cat{i}.jpg": jpeg(seed=i) for i in range(3)} | {
    f"dogs/dog{i}.jpg": jpeg(seed=10 + i) for i in range(3)
}
LOOSE: Files = {f"p{i}.jpg": jpeg(seed=i) for i in range(3)}
LABELME = {"version": "5.4", "shapes": [], "imagePath": "cat0.jpg", "imageData": None}
CREATEML = [{"image": "no.jpg", "annotations": [{"label": "cat", "coordinates": {"x": 1}}]}]
VIA = {"no.jpg123": {"filename": "no.jpg", "regions": [{"shape_attributes": {}, "region_attributes": {}}]}}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


# (other files of a set of six photos in two class folders, what they look like, why they are not read)
UNREAD: dict[str, tuple[Files, str, str]] = {
    # a table that no format defines, but it names images
    "a CSV of its own": ({"notes.csv": b"image;age\ncat0.jpg;3\n"}, ".csv files that name images", "convert"),
    "a TSV": ({"list.tsv": b"cat0.jpg\tfluffy\n"}, ".tsv files that name images", "convert"),
    "a table with a label column": ({"train.csv": b"id,label\n7,cat\n"}, "a table of labels", "convert"),
    # one value per image, whatever the keys are called
    "JSON by image": ({"ages.json": as_json({"cat0.jpg": 3})}, ".json files that name images", "convert"),
    "JSON by stem": ({"x.json": as_json(dict.fromkeys(["cat0", "cat1", "dog0"], 1))}, "that name images", "convert"),
    "JSON lines": ({"a.jsonl": b'{"path": "cats/cat0.jpg", "text": "a cat"}\n'}, ".jsonl files", "convert"),
    "CreateML of other images": ({"cats/_annotations.json": as_json(CREATEML)}, "CreateML JSON", ""),
    "VIA of other images": ({"via.json": as_json(VIA)}, "VGG Image Annotator JSON", ""),
    "LabelMe of other images": ({"ann/other.json": as_json(LABELME | {"imagePath": "no.jpg"})}, "LabelMe JSON", ""),
    "Cityscapes": ({"gt/cat0_p.json": as_json({"imgHeight": 1, "imgWidth": 1, "objects": []})}, "Cityscapes", "conv"),
    # one file per image, in any folder
    "YAML per image": ({"meta/cat0.yaml": b"age: 3\n"}, ".yaml files with the names of images", "convert"),
    "XML of another kind": ({"x/cat0.xml": b"<cat><age>3</age></cat>"}, ".xml files with the names", "convert"),
    # before another word, as ADE20K and pose tools name them
    "JSON of a suffix": ({"cats/cat0_labels.json": as_json({"r": [1]})}, ".json files with the names of im", "convert"),
    "text of a suffix": ({"cats/cat0_atr.txt": b"001 # 0 # 0 # wall\n"}, ".txt files with the names of im", "convert"),
    "named after the file": ({"cats/cat0.jpg.json": as_json({"age": 3})}, ".json files with the names", "convert"),
    # what a format reads, without the image
    "VOC without its image": ({"Annotations/zebra.xml": voc_xml("zebra", [])}, "Pascal VOC XML", "no image has"),
    "YOLO without its image": ({"labels/zebra.txt": b"0 0.5 0.5 0.2 0.2\n"}, "YOLO labels", "no image has the same"),
    "UTF-16": ({"notes.csv": "image;age\ncat0.jpg;3\n".encode("utf-16")}, ".csv files that name images", "convert"),
    # numbers that are not read at all
    "NumPy": ({"cats/cat0.npy": b"\x93NUMPY"}, "NumPy files", "cannot be read"),
    "MATLAB": ({"setid.mat": b"MATLAB 5.0"}, "MATLAB files", "cannot be read"),
    "Parquet": ({"data/train.parquet": b"PAR1"}, "Parquet files", "cannot be read"),
    "pickle": ({"meta.pkl": b"\x80\x04."}, "pickle files", "cannot be read"),
    "HDF5": ({"a.h5": b"\x89HDF\r\n\x1a\n"}, "HDF5 files", "cannot be read"),
    # splits that nothing reads
    "lists of images": ({"mine.txt": b"cats/cat0.jpg\ncats/cat1.jpg\n"}, "lists of images", "train, val and test"),
    "oriented boxes": ({"t/cat0.txt": b"1 1 9 1 9 9 1 9 plane 0\n"}, "DOTA labels", "the set is not recognised as"),
    "landmarks": ({"cats/cat0.pts": b"version: 1\nn_points: 1\n{\n1 2\n}\n"}, ".pts files with the names", "convert"),
    "a list of another tool": ({"mine.lst": b"0\t1\tcats/cat0.jpg\n"}, ".lst files that name images", "convert"),
    "MOT challenge": (
        {"seq/gt/gt.txt": b"1,1,912,484,97,109,0,7,1\n2,1,912,480,97,109,0,7,1\n"},
        "tables of num",
        "conv",
    ),
    "numbered images": ({"bounding_boxes.txt": b"1 60.0 27.0 325.0 304.0\n2 139.0 30.0 153.0 264.0\n"}, "tables", ""),
    "captions by another ending": ({"cats/cat0.ann": b"a cat on a mat\n"}, "captions", "an ending such as .txt"),
    "optical flow": ({"flow/cat0.flo": b"PIEH"}, "optical flow files", "cannot be read"),
    # boxes and outlines under keys that no format defines, also where nothing names an image
    "boxes by stem": (  # Kvasir-SEG
        {"bboxes.json": as_json({"k7": {"bbox": [{"label": "polyp", "xmin": 1}]}})},
        "JSON of boxes or outlines",
        "convert",
    ),
    "nuImages": ({"v1.0/object_ann.json": as_json([{"token": "a", "bbox": [1, 2, 3, 4]}])}, "JSON of boxes", "convert"),
    "CrowdHuman": ({"gt.odgt": as_json({"ID": "x", "gtboxes": [{"fbox": [1, 2, 3, 4]}]})}, "JSON of boxes", "conv"),
    "CVAT for video": (
        {"annotations.xml": b"<annotations><track id='0' label='car'><box frame='0' xtl='1'/></track></annotations>"},
        "CVAT XML of a video",
        "convert",
    ),
    "XML without an ending": ({"Annotation/cats/x_1": voc_xml("x_1", [])}, "Pascal VOC XML", ""),  # Stanford Dogs
    "another XML of boxes": ({"a.xml": b"<root><item><bndbox>1 2 3 4</bndbox></item></root>"}, "XML of boxes", "conv"),
    "ICDAR": ({"gt/gt_img_1.txt": "\ufeff1,2,9,2,9,8,1,8,EXIT\n".encode()}, "boxes with text", "convert"),
    "words in boxes": ({"gt/gt_1.txt": b'1, 2, 30, 40, "EXIT"\n'}, "boxes with text", "convert"),
    "one row of numbers": ({"gt/7.txt": b"20,12,40,32,1,4,0,0\n"}, "tables of numbers", "convert"),
    "TFRecord": ({"train.record": b"\x01\x02"}, "TFRecord files", "cannot be read"),
    "SageMaker": ({"output.manifest": as_json({"source-ref": "s3://b/x.jpg"})}, "SageMaker", "convert"),
    "WebDataset": ({"cats/cat0.cls": b"1"}, ".cls files with the names of images", "convert"),
    "OpenCV's positives": ({"info.dat": b"cats/cat0.jpg 1 10 10 20 20\n"}, ".dat files that name images", "convert"),
    "an ending of one's own": ({"cats/cat0.rect": b"1 2 3 4"}, ".rect files with the names", "convert"),
    "KITTI": ({"t/cat0.txt": b"Car 0 0 0 1 1 9 9 1 1 1 1 1 1 0\n"}, "KITTI labels", "convert"),
}


@pytest.mark.parametrize(("files", "looks_like", "why"), UNREAD.values(), ids=UNREAD)
def test_label_files_are_named_with_the_reason(files: Files, looks_like: str, why: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, PHOTOS | files))
    assert {name for kind in found.unread_labels.kinds for name in kind.files} == set(files)
    first, outcome = found.notices[:2]
    assert "not understood" in first
    assert looks_like in first
    assert why in first
    assert next(iter(files)) in first
    assert "not carried to the result" in outcome
    assert not any("non-image" in notice for notice in found.notices)


# Files that are no labels, however much they look like them.
OTHERS: Files = {
    "README.txt": b"cat0.jpg shows a cat\n",
    "LICENSE.txt": b"cat0.jpg is public\n",
    "requirements.txt": b"torch==2.6\n",
    "classes.txt": b"cats\ndogs\n",
    "version.txt": b"1.2\n",
    "words.txt": b"1 cats\n2 dogs\n",
    "package.json": b'{"name": "tools", "version": "1.0"}',
    "settings.yaml": b"learning_rate: 0.1\n",
    "train.py": b"print('cat0.jpg')",
    "layout.xml": b"<project><module>cats</module></project>",
    "log.csv": b"epoch;loss\n1;0.3\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_only_counted(name: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path, {**PHOTOS, name: OTHERS[name]}))
    assert not found.unread_labels.kinds
    assert found.notices == (f"Skipped 1 non-image file ({name})",)


@pytest.mark.parametrize("files", [LOOSE | {"a.csv": b"file;y\np0.jpg;1\n"}, {f"in/{k}": v for k, v in LOOSE.items()}])
def test_a_set_without_other_labels_is_said_first(files: Files, tmp_path: Path) -> None:
    """Loose images, or all in one folder, have no class: what is not understood is all that was known of them."""
    own = {f"note/{i}/p{i}.yaml": b"x: 1\n" for i in range(3)}
    found = gathered(write(tmp_path, files | own))
    assert found.notices[0] == "the labels of this set are not understood, and the result will not have them"


def test_class_folders_are_not_called_unlabelled(tmp_path: Path) -> None:
    found = gathered(write(tmp_path, PHOTOS | {"x.mat": b"MATLAB"}))
    assert "1 label file is not understood" in found.notices[0]


def test_a_format_that_would_read_the_files_is_named(tmp_path: Path) -> None:
    """A YOLO set that also has COCO's labels: both describe the same images, and one of them is read."""
    files = yolo() | {f"annotations/{k.split('/')[1]}": v for k, v in coco().items() if k.endswith(".json")}
    found = gathered(write(tmp_path, files))
    assert found.layout.name == "yolo"
    assert "COCO JSON" in found.notices[0]
    assert "choose the dataset format coco" in found.notices[0]
    chosen = gathered(tmp_path, layout="coco")
    assert "YOLO" in "".join(chosen.notices)


def test_a_large_group_is_judged_by_a_sample(tmp_path: Path) -> None:
    photos = {f"images/p{i:03}.jpg": jpeg((8, 8), seed=i) for i in range(60)}
    labels = {f"ann/p{i:03}.json": as_json(LABELME | {"imageHeight": 1, "shapes": 3}) for i in range(60)}
    other = {f"logs/{i:03}.txt": b"nothing" for i in range(60)}
    found = gathered(write(tmp_path, photos | labels | other), layout="folders")
    assert [kind.count for kind in found.unread_labels.kinds] == [60]
    assert "and 55 more" in found.notices[1]
    assert any("Skipped 60 non-image files" in notice for notice in found.notices)


def test_a_zip_is_judged_alike(tmp_path: Path) -> None:
    files = LOOSE | {"boxes/a.tsv": b"p0.jpg\t1\n", "b.parquet": b"PAR1", "c.md": b"p0.jpg"}
    path = tmp_path / "set.zip"
    path.write_bytes(zipped(files))
    assert gathered(path).notices == gathered(write(tmp_path / "set", files)).notices


@pytest.mark.parametrize(("files", "_", "why"), UNREAD.values(), ids=UNREAD)
def test_images_whose_labels_are_not_understood_are_not_moved(files: Files, _: str, why: str, tmp_path: Path) -> None:
    assert str(plan_run(gathered(write(tmp_path, PHOTOS)), Recipe()).geometry) == "flip of those with a class"
    assert str(plan_run(gathered(write(tmp_path, files)), Recipe()).geometry) == "none"
