"""CSV files of boxes and classes: each kind is recognised, read, moved with the pixels and written as it was."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augmentai.dataset.formats.csv_boxes.codec import open_csv
from augmentai.dataset.formats.listed.codec import Row
from augmentai.images.orientation import Frame
from tests.support.dataset_runs import failures, notices
from tests.support.labelled_sets import SIZE_WH, augmented, contents, gathered, mask_of, photo, write
from tests.support.listed_files import assert_read_or_reported
from tests.support.memory_file import MemoryFile, mutated

CAR = ("red car", 4, 6, 24, 20)
PHOTO, OTHER = photo([CAR]), photo([("bus", 30, 10, 60, 40)])

# The text of a file about a.jpg, of which the box is that of CAR, and the row of its mirror image.
KINDS = {
    "TensorFlow, Roboflow": (
        "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,64,48,car,4,6,24,20\n",
        "a__v1.jpg,64,48,car,40,6,60,20",
    ),
    "semicolons, CRLF, a byte order mark, other names": (
        "\ufeffImage_Path;X_Min;Y_Min;X_Max;Y_Max;Label;Score\r\na.jpg;4;6;24;20;car;0.9\r\n",
        "a__v1.jpg;40;6;60;20;car;0.9",
    ),
    "RetinaNet": ("a.jpg,4,6,24,20,car\n", "a__v1.jpg,40,6,60,20,car"),
    "Open Images": (
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\na,verification,car,1,0.0625,0.375,0.125,"
        "0.41666667,1\n",
        "a__v1,verification,car,1,0.625,0.9375,0.125,0.416667,1",
    ),
    "Kaggle": (
        'image_id,width,height,bbox,source\na,64,48,"[4.0, 6.0, 20.0, 14.0]",lab_1\n',
        'a__v1,64,48,"[40, 6, 20, 14]",lab_1',
    ),
    "makesense.ai with a header": (
        "label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n"
        "car,4,6,20,14,a.jpg,64,48\n",
        "car,40,6,20,14,a__v1.jpg,64,48",
    ),
    "makesense.ai": ("car,4,6,20,14,a.jpg,64,48\n", "car,40,6,20,14,a__v1.jpg,64,48"),
    "fractions of a pixel": (
        "path,class,left,top,right,bottom\na.jpg,car,4.0,6.0,24.0,20.0\n",
        "a__v1.jpg,car,40,6,60,20",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_recognised_moved_and_written(kind: str, tmp_path: Path) -> None:
    text, mirrored = KINDS[kind]
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "boxes.csv": text.encode()})
    found = gathered(given)
    assert (found.layout.name, found.layout.label_paths, found.failures) == ("csv", {"boxes.csv"}, ())
    (shape,) = found.sources[0].labels.load().shapes  # type: ignore[union-attr]
    assert shape.box == pytest.approx((4, 6, 24, 20))
    assert shape.category == ("object" if kind == "Kaggle" else "car")
    augmented([given], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1)
    lines = contents(tmp_path / "out")["boxes.csv"].decode().splitlines()
    assert lines[-1] == mirrored
    assert "\n".join(lines[:-1]) == text.replace("\r", "").rstrip("\n").lstrip("\ufeff")


# Several columns say where things are: (header, row, the row of its mirror image, the columns that are removed).
SEVERAL = {
    "sides and a box": (
        "image,x,y,w,h,bbox",
        'a.jpg,4,6,20,14,"[4, 6, 20, 14]"',
        'a__v1.jpg,40,6,20,14,"[40, 6, 20, 14]"',
        (),
    ),
    "width and height of the box": ("image,x,y,width,height", "a.jpg,4,6,20,14", "a__v1.jpg,40,6,20,14", ()),
    "corners and a box": (
        "filename,xmin,ymin,xmax,ymax,bbox",
        'a.jpg,4,6,24,20,"[4, 6, 20, 14]"',
        'a__v1.jpg,40,6,60,20,"[40, 6, 20, 14]"',
        (),
    ),
    "a box of corners": (
        "filename,xmin,ymin,xmax,ymax,bbox",
        'a.jpg,4,6,24,20,"[4, 6, 24, 20]"',
        'a__v1.jpg,40,6,60,20,"[40, 6, 60, 20]"',
        (),
    ),
    "corners and sides": (
        "filename,xmin,ymin,xmax,ymax,bbox_x,bbox_y,bbox_w,bbox_h",
        "a.jpg,4,6,24,20,4,6,20,14",
        "a__v1.jpg,40,6,60,20,40,6,20,14",
        (),
    ),
    "fractions and pixels": (
        "filename,xmin,ymin,xmax,ymax,bbox_x,bbox_y,bbox_w,bbox_h",
        "a.jpg,0.0625,0.125,0.375,0.41666667,4,6,20,14",
        "a__v1.jpg,0.625,0.125,0.9375,0.416667,40,6,20,14",
        (),
    ),
    "an area": ("image,bbox,area", 'a.jpg,"[4, 6, 20, 14]",280', 'a__v1.jpg,"[40, 6, 20, 14]",280', ()),
    "a centre": ("image,bbox,cx,cy,kind", 'a.jpg,"[4, 6, 20, 14]",14,13,b', 'a__v1.jpg,"[40, 6, 20, 14]",50,13,b', ()),
    "a centre of something else": (
        "image,bbox,cx,cy,kind",
        'a.jpg,"[4, 6, 20, 14]",17,9,b',
        'a__v1.jpg,"[40, 6, 20, 14]",,,b',
        ("cx", "cy"),
    ),
    "corners and a box by its centre": (
        "filename,xmin,ymin,xmax,ymax,bbox",
        'a.jpg,4,6,24,20,"[14, 13, 20, 14]"',
        'a__v1.jpg,40,6,60,20,"[50, 13, 20, 14]"',
        (),
    ),
    "corners, and sides by the centre": (
        "filename,xmin,ymin,xmax,ymax,x,y,w,h",
        "a.jpg,4,6,24,20,14,13,20,14",
        "a__v1.jpg,40,6,60,20,50,13,20,14",
        (),
    ),
    "corners, and sides of something else": (
        "filename,xmin,ymin,xmax,ymax,x,y,w,h",
        "a.jpg,4,6,24,20,1,2,3,4",
        "a__v1.jpg,40,6,60,20,,,,",
        ("x", "y", "w", "h"),
    ),
    "sides and a box of something else": (
        "image,x,y,w,h,bbox",
        'a.jpg,4,6,20,14,"[1, 2, 3, 9]"',
        "a__v1.jpg,40,6,20,14,",
        ("bbox",),
    ),
    "width and height of the box beside corners": (
        "filename,xmin,ymin,xmax,ymax,width,height",
        "a.jpg,4,6,24,20,20,14",
        "a__v1.jpg,40,6,60,20,20,14",
        (),
    ),
    "width and height of the image beside corners": (
        "filename,xmin,ymin,xmax,ymax,width,height",
        "a.jpg,4,6,24,20,64,48",
        "a__v1.jpg,40,6,60,20,64,48",
        (),
    ),
    "points by their coordinates": (
        "image,bbox,nose_x,nose_y,scale_x,scale_y",
        'a.jpg,"[4, 6, 20, 14]",11,9,2,2',
        'a__v1.jpg,"[40, 6, 20, 14]",,,2,2',
        ("nose_x", "nose_y"),
    ),
    "a centre in fractions beside pixels": (
        "filename,xmin,ymin,xmax,ymax,cx_norm,age",
        "a.jpg,4,6,24,20,0.21875,20",
        "a__v1.jpg,40,6,60,20,,20",
        ("cx_norm",),
    ),
    "points and an outline": (
        "image,bbox,landmarks,head,colour",
        'a.jpg,"[4, 6, 20, 14]",5 6 7 8,"[[5, 6], [7, 8]]","[1, 2, 3, 4]"',
        'a__v1.jpg,"[40, 6, 20, 14]",,,"[1, 2, 3, 4]"',
        ("landmarks", "head"),
    ),
}


@pytest.mark.parametrize(("header", "row", "mirrored", "removed"), SEVERAL.values(), ids=SEVERAL)
def test_everything_in_pixels_moves_or_is_removed(
    header: str, row: str, mirrored: str, removed: tuple[str, ...], tmp_path: Path
) -> None:
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "boxes.csv": f"{header}\n{row}\n".encode()})
    (shape,) = gathered(given).sources[0].labels.load().shapes  # type: ignore[union-attr]
    assert shape.box == pytest.approx((4, 6, 24, 20))
    job = augmented([given], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1)
    assert contents(tmp_path / "out")["boxes.csv"].decode().splitlines() == [header, row, mirrored]
    said = [
        notice for notice in notices(job).splitlines() if "is removed from geometrically transformed images" in notice
    ]
    assert said == [f"`{name}` is removed from geometrically transformed images" for name in removed]


@pytest.mark.parametrize(
    ("image", "mask", "written", "of_variation"),
    [
        pytest.param("images/a.jpg", "masks/a.png", "masks/a.png", "masks/a__v1.png", id="a folder of masks"),
        pytest.param("a.jpg", "a_mask.png", "a_mask.png", "a__v1_mask.png", id="beside the image"),
        pytest.param("images/a.jpg", "masks/a.png", "a.png", "a__v1.png", id="named without its folder"),
        pytest.param("images/a.jpg", "gt/0017.png", "gt/0017.png", "gt/a__v1/0017.png", id="a name of its own"),
        pytest.param("images/a.jpg", "masks/a_seg.png", "a_seg", "a__v1_seg", id="without its ending"),
    ],
)
def test_a_row_of_a_variation_names_its_own_mask(
    image: str, mask: str, written: str, of_variation: str, tmp_path: Path
) -> None:
    header, row = "filename,class,xmin,ymin,xmax,ymax,mask,scan", f"{image},car,4,6,24,20,{written},a"
    files = {image: PHOTO, mask: mask_of([CAR]), "boxes.csv": f"{header}\n{row}\n".encode()}
    augmented(
        [write(tmp_path / "in", files)], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1
    )
    made = contents(tmp_path / "out")
    mirrored = f"{image.replace('a.jpg', 'a__v1.jpg')},car,40,6,60,20,{of_variation},a"
    assert made["boxes.csv"].decode().splitlines() == [header, row, mirrored]
    assert any(of_variation in path for path in made)


def test_images_without_objects_keep_a_row_where_the_format_has_one(tmp_path: Path) -> None:
    """RetinaNet's empty row; the box that leaves the image leaves such a row too."""
    text = "a.jpg,0,0,2,2,car\nb.jpg,,,,,\n"
    given = write(tmp_path / "in", {"a.jpg": PHOTO, "b.jpg": OTHER, "annotations.csv": text.encode()})
    assert [len(source.labels.load().shapes) for source in gathered(given).sources] == [1, 0]  # type: ignore[union-attr]
    crop = [{"crop": {"scale": [0.25, 0.25]}}]
    augmented([given], tmp_path / "out", operations=crop, variations=6, seed=2)
    rows = list(csv.reader(io.StringIO(contents(tmp_path / "out")["annotations.csv"].decode())))
    made = {row[0]: row[1:] for row in rows if "__v" in row[0]}
    assert len(made) == len(rows) - 2 == 12
    assert ["", "", "", "", ""] in [row for name, row in made.items() if name.startswith("a")]
    assert all(not any(row) for name, row in made.items() if name.startswith("b"))


@pytest.mark.parametrize(
    ("names", "text", "expected"),
    [
        # Open Images: ids of classes, and their names in another file
        (
            {"class-descriptions.csv": b"/m/01yrx,Cat\n/m/0bt9lr,Dog\n"},
            "ImageID,LabelName,XMin,XMax,YMin,YMax\na,/m/0bt9lr,0.1,0.4,0.1,0.4\na,/m/01yrx,0.1,0.4,0.1,0.4\n",
            ["Cat", "Dog"],
        ),
        # RetinaNet: names, and their numbers in another file, which give the order
        ({"classes.csv": b"dog,0\ncat,1\n"}, "a.jpg,1,2,9,9,cat\na.jpg,1,2,9,8,dog\n", ["dog", "cat"]),
        # none: by name, numbers by their value
        ({}, "a.jpg,1,2,9,9,10\na.jpg,1,2,9,8,9\n", ["9", "10"]),
    ],
)
def test_names_and_order_of_classes(names: dict[str, bytes], text: str, expected: list[str], tmp_path: Path) -> None:
    files = {"a.jpg": PHOTO, "train_boxes.csv": text.encode(), **names}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert job.gathered.layout.class_names() == expected
    assert job.gathered.layout.label_paths == {"train_boxes.csv", *names}
    assert all(contents(tmp_path / "out")[name] == data for name, data in names.items())
    augmented([tmp_path / "in"], tmp_path / "yolo", variations=1, to="yolo")
    assert [name for name in expected if name in contents(tmp_path / "yolo")["data.yaml"].decode()] == expected


def test_a_column_per_class(tmp_path: Path) -> None:
    """Roboflow's _classes.csv in each split; an image of one class is of that class."""
    files = {"train/a.jpg": PHOTO, "train/b.jpg": OTHER, "valid/c.jpg": photo([])}
    files["train/_classes.csv"] = b"filename, cat, dog\na.jpg, 1, 0\nb.jpg, 1, 1\n"
    files["valid/_classes.csv"] = b"filename, cat, dog\nc.jpg, 0, 1\n"
    given = write(tmp_path / "in", files)
    found = gathered(given)
    assert found.layout.name == "csv"
    assert [(source.path, source.label, source.split) for source in (*found.sources, *found.holdout)] == [
        ("train/a.jpg", "cat", "train"),
        ("train/b.jpg", None, "train"),
        ("valid/c.jpg", "dog", "val"),
    ]
    augmented([given], tmp_path / "out", operations=[{"flip": {"probability": 1.0}}], variations=1)
    made = contents(tmp_path / "out")
    assert made["valid/_classes.csv"] == files["valid/_classes.csv"]
    rows = ["filename,cat,dog", "a.jpg,1,0", "b.jpg,1,1", "a__v1.jpg,1,0", "b__v1.jpg,1,1"]
    assert made["train/_classes.csv"].decode().splitlines() == rows


def test_a_column_of_splits_counts(tmp_path: Path) -> None:
    text = "filename,xmin,ymin,xmax,ymax,class,split\na.jpg,4,6,24,20,car,train\nb.jpg,4,6,24,20,car,TEST\n"
    found = gathered(write(tmp_path / "in", {"x/a.jpg": PHOTO, "x/b.jpg": OTHER, "boxes.csv": text.encode()}))
    assert [source.split for source in (*found.sources, *found.holdout)] == ["train", "test"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.jpg,64,48,car,4,6,24", "line 3: found 7 values; expected 8 values, one per column"),
        (",64,48,car,4,6,24,20", "line 3: found no name of an image"),
    ],
)
def test_a_row_that_names_no_image(line: str, message: str, tmp_path: Path) -> None:
    """It is reported, and costs nothing else."""
    text = KINDS["TensorFlow, Roboflow"][0] + line + "\n"
    found, job = failures({"a.jpg": PHOTO, "boxes.csv": text.encode()}, tmp_path)
    assert list(found) == ["boxes.csv"]
    assert message in found["boxes.csv"]
    assert job.report.variations == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg,64,48,car,4,6,nan,20", "line 2: xmax of car is 'nan'; expected a number"),
        ("a.jpg,64,48,car,4,six,24,20", "line 2: ymin of car is 'six'; expected a number"),
        ("a.jpg,64,48,car,4,²,24,20", "line 2: ymin of car is '²'; expected a number"),
        ("a.jpg,64,48,car,4,1e300,24,20", "line 2: ymin of car is '1e300'; expected a number"),
        ("a.jpg,64,48,,4,6,24,20", "line 2: the class is ''; expected the name of a class"),
        ("a.jpg,64,48,car,4,6,,20", "line 2: xmax of car is ''; expected a number"),
    ],
)
def test_a_broken_row_costs_its_image_alone(row: str, message: str, tmp_path: Path) -> None:
    text = f"filename,width,height,class,xmin,ymin,xmax,ymax\n{row}\nb.jpg,64,48,car,4,6,24,20\n"
    found, job = failures({"a.jpg": PHOTO, "b.jpg": OTHER, "boxes.csv": text.encode()}, tmp_path)
    assert list(found) == ["a.jpg"]
    assert found["a.jpg"].startswith(f"boxes.csv, {message}")
    assert job.report.variations == 1


def test_a_quote_without_an_end_is_reported(tmp_path: Path) -> None:
    """It would swallow every row that follows."""
    text = KINDS["TensorFlow, Roboflow"][0] + 'a.jpg,64,48,"bus,4,6,24,20\nb.jpg,64,48,car,4,6,24,20\n'
    found, job = failures({"a.jpg": PHOTO, "b.jpg": OTHER, "boxes.csv": text.encode()}, tmp_path)
    assert list(found) == ["boxes.csv"]
    assert found["boxes.csv"].startswith("boxes.csv, line 4: unexpected end of data")
    assert job.report.variations == 0


@pytest.mark.parametrize(
    "text",
    [
        "image,caption\na.jpg,a red car\n",  # captions
        "filename,age,price\na.jpg,3,10\n",  # numbers that are no classes
        "id,label\n1,car\n",  # names no image
        "filename,xmin,ymin,xmax,ymax,class\nother.jpg,1,2,3,4,car\n",  # images that are not in the set
    ],
)
def test_other_tables_are_no_labels(text: str, tmp_path: Path) -> None:
    found = gathered(write(tmp_path / "in", {"cats/a.jpg": PHOTO, "table.csv": text.encode()}))
    assert found.layout.name == "folders"


def test_missing_images_are_named(tmp_path: Path) -> None:
    text = KINDS["TensorFlow, Roboflow"][0] + "gone.jpg,64,48,car,4,6,24,20\n"
    job = augmented([write(tmp_path / "in", {"a.jpg": PHOTO, "boxes.csv": text.encode()})], tmp_path / "out")
    assert "boxes.csv lists 1 image (gone.jpg) that the set does not have; left out" in notices(job)
    assert b"gone" not in contents(tmp_path / "out")["boxes.csv"]


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_mutated_files_are_read_or_reported(kind: str, seed: int, count: int) -> None:
    pieces = [b"", b",", b'"', b"nan", b"-", b"\xff", b"\n", b"1e99", b"[", b";;", "²".encode(), b"inf"]
    text = KINDS[kind][0].encode() * 2
    assert_read_or_reported(
        lambda: open_csv(MemoryFile("a.csv", mutated(text, seed, count, pieces)), {}), "a.csv", "line ", SIZE_WH
    )


def test_a_column_without_the_rest_of_its_corners_is_kept_as_it_is() -> None:
    codec = open_csv(MemoryFile("a.csv", b'file,class,xmin,bbox\na.jpg,bus,7,"[4, 6, 20, 14]"\n'), {})
    assert codec is not None
    (row,) = (row for row in codec.rows() if isinstance(row, Row))
    (shape,) = codec.labels([row.raw], Frame(SIZE_WH, SIZE_WH)).shapes
    assert (shape.box, shape.extra["fields"]) == ((4, 6, 24, 20), {"xmin": "7"})
