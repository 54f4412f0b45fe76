"""Sets whose label files list many images: which image a name means, what files say together, names that stay true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import list_sets, tool_sets
from tests.support.dataset_runs import notices
from tests.support.image_files import encoded
from tests.support.labelled_sets import IMAGES, SIZE_WH, augmented, contents, drawn, gathered, photo, write

HEAD = "filename,xmin,ymin,xmax,ymax,class\n"
CAR = ("red car", 4, 6, 24, 20)
PHOTO, OTHER = photo([CAR]), photo([("bus", 30, 10, 60, 40)])


def table(*rows: str) -> bytes:
    return (HEAD + "".join(f"{row}\n" for row in rows)).encode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a.jpg", "a__v1.jpg"),
        ("images/a.jpg", "images/a__v1.jpg"),  # seen from the set
        ("../images/a.jpg", "../images/a__v1.jpg"),  # seen from the file
        (".\\images\\a.jpg", "images/a__v1.jpg"),
        # somebody else's machine: the variation is named as it lies, and its source as well
        ("/home/me/data/a.jpg", "../images/a__v1.jpg"),
        ("C:\\data\\a.jpg", "../images/a__v1.jpg"),
        ("a", "a__v1"),  # without an ending
    ],
)
def test_names_lead_to_the_images(name: str, written: str, tmp_path: Path) -> None:
    files = {"images/a.jpg": PHOTO, "labels/boxes.csv": table(f"{name},4,6,24,20,car")}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    _, own, made = contents(tmp_path / "out")["labels/boxes.csv"].decode().splitlines()
    assert made == f"{written},4,6,24,20,car"
    assert own.split(",")[0] in {name, written.replace("__v1", "")}


def test_several_files_add_to_an_image_and_each_is_written(tmp_path: Path) -> None:
    files = {
        "a.jpg": PHOTO,
        "b.jpg": OTHER,
        "cars.csv": table("a.jpg,4,6,24,20,car"),
        "dots.csv": table("a.jpg,1,1,9,9,dot"),
    }
    given = write(tmp_path / "in", files)
    (first, _) = gathered(given).sources
    assert [shape.category for shape in first.labels.load().shapes] == ["car", "dot"]  # type: ignore[union-attr]
    augmented([given], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1)
    found = contents(tmp_path / "out")
    assert found["cars.csv"].decode().splitlines()[2:] == ["a__v1.jpg,40,6,60,20,car"]
    assert found["dots.csv"].decode().splitlines()[2:] == ["a__v1.jpg,55,1,63,9,dot"]


def test_files_of_splits_and_lists_beside_them(tmp_path: Path) -> None:
    """train_labels.csv and test_labels.csv over one folder of images, as TensorFlow's tutorials have it."""
    files = {"images/a.jpg": PHOTO, "images/b.jpg": OTHER, "train_labels.csv": table("a.jpg,4,6,24,20,car")}
    files["test_labels.csv"] = table("b.jpg,4,6,24,20,car")
    found = gathered(write(tmp_path / "tables", files))
    assert [(source.path, source.split) for source in (*found.sources, *found.holdout)] == [
        ("images/a.jpg", "train"),
        ("images/b.jpg", "test"),
    ]
    files = {
        "images/a.jpg": PHOTO,
        "images/b.jpg": OTHER,
        "boxes.csv": table("a.jpg,4,6,24,20,car", "b.jpg,1,1,9,9,car"),
    }
    files |= {"train.txt": b"a.jpg\n", "val.txt": b"b.jpg\n"}
    given = write(tmp_path / "lists", files)
    found = gathered(given)
    assert found.layout.label_paths == {"boxes.csv", "train.txt", "val.txt"}
    assert [source.split for source in (*found.sources, *found.holdout)] == ["train", "val"]
    augmented([given], tmp_path / "out", variations=1)
    assert contents(tmp_path / "out")["train.txt"].decode().splitlines() == ["a.jpg", "a__v1.jpg"]


@pytest.mark.parametrize("to", ["yolo", "coco", "voc", "imagefolder", "createml", "csv"])
def test_what_another_format_cannot_hold_is_said(to: str, tmp_path: Path) -> None:
    """Lines, points, image-level classes, attributes."""
    shapes = [
        tool_sets.labelme_shape(CAR),
        {"label": "lane", "points": [[1, 1], [60, 40]], "shape_type": "line"},
        {"label": "screw", "points": [[5, 5]], "shape_type": "point"},
    ]
    file = tool_sets.labelme_file("a", [], SIZE_WH, shapes=shapes)
    job = augmented([write(tmp_path / "in", {"a.jpg": PHOTO, "a.json": file})], tmp_path / "out", to=to, variations=1)
    assert not job.report.failures
    said = notices(job)
    assert "lines and points were left out: this format has none" in said
    assert "image-level labels were left out: this format has none" in said
    assert "attributes of objects" in said or to == "coco"


@pytest.mark.parametrize("name", ["labelme", "cvat", "csv"])
def test_labels_on_the_stored_pixels_are_turned_upright(name: str, tmp_path: Path) -> None:
    """A photo that is shown turned by a quarter, labelled by a tool that does not turn it, and says so by its size."""
    stored = drawn([CAR])
    exif = stored.getexif()
    exif[0x0112] = 6  # shown turned clockwise
    picture = encoded(stored, "JPEG", quality=95, subsampling=0, exif=exif)
    corners = [(4.0, 6.0), (24.0, 6.0), (24.0, 20.0), (4.0, 20.0)]
    files = {
        "labelme": {"a.jpg": picture, "a.json": tool_sets.labelme_file("a", [CAR], SIZE_WH)},
        "cvat": {"a.jpg": picture} | list_sets.cvat_drawn([("car", "box", corners)], b"", SIZE_WH),
        "csv": {
            "a.jpg": picture,
            "a.csv": b"filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,48,car,4,6,24,20\n",
        },
    }[name]
    files = {key: data.replace(b"a.png", b"a.jpg") for key, data in files.items() if key != "a.png"}
    given = write(tmp_path / "in", files)
    (source,) = gathered(given).sources
    labels = source.labels.load()  # type: ignore[union-attr]
    assert labels.reoriented
    assert labels.shapes[0].box == (28, 4, 42, 24)
    augmented([given], tmp_path / "out", variations=1)
    (made,) = (one for one in gathered(tmp_path / "out").sources if "__v1" in one.path)
    assert made.labels.load().shapes[0].box == (28, 4, 42, 24)  # type: ignore[union-attr]
    assert not made.labels.load().reoriented  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("extra", "layout"),
    [
        # what lies beside the labels of another tool does not make the set another one
        ({"results.csv": b"epoch,loss\n1,0.5\n"}, "cvat"),
        ({"train/_annotations.csv": table("one.jpg,4,6,24,20,car")}, "cvat"),
        ({"annotations.json": json.dumps({"images": [], "categories": []}).encode()}, "cvat"),
        ({"images/train/one.txt": b"a photo of a car\n"}, "cvat"),
    ],
)
def test_a_set_stays_what_it_is(extra: dict[str, bytes], layout: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", list_sets.cvat(IMAGES, SIZE_WH, photo) | extra))
    assert found.layout.name == layout
