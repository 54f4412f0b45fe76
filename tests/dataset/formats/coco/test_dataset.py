"""COCO sets as pycocotools and supervision read them, and files that are broken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from PIL import Image

from augmentai.annotations import LabelError
from tests.support import trainers
from tests.support.coco_files import annotation, content, image, photos
from tests.support.dataset_runs import failures
from tests.support.expected_boxes import assert_boxes, expected_boxes
from tests.support.image_files import encoded
from tests.support.labelled_sets import (
    LAYOUTS,
    augmented,
    coco,
    contents,
    gathered,
    write,
)


@pytest.mark.parametrize("name", ["coco", "coco beside"])
def test_coco_as_pycocotools_and_supervision_read_it(name: str, tmp_path: Path) -> None:
    files = LAYOUTS[name][1]
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    for split in ("train", "val", "test"):
        file = f"{split}/_annotations.coco.json" if "beside" in name else f"annotations/instances_{split}.json"
        assert_boxes(trainers.pycocotools(tmp_path / "out" / file, tmp_path / "out" / split), expected_boxes(split))
        data = sv.DetectionDataset.from_coco(str(tmp_path / "out" / split), str(tmp_path / "out" / file))
        assert_boxes(trainers.supervision(data), expected_boxes(split))
    file = "train/_annotations.coco.json" if "beside" in name else "annotations/instances_train.json"
    before, after = json.loads(files[file]), trainers.json_of(tmp_path / "out" / file)
    for field in ("info", "licenses", "categories", "version of ours"):
        assert after[field] == before[field]
    assert after["images"][: len(before["images"])] == before["images"]
    assert after["annotations"][: len(before["annotations"])] == before["annotations"]
    made = [image for image in after["images"] if "__v" in image["file_name"]]
    assert all((image["camera"], image["license"]) == ("left", 3) for image in made)
    numbers = {image["id"] for image in made}
    kept = [a for a in after["annotations"] if a["image_id"] in numbers]
    assert all(a["attributes"] == {"occluded": True, "note": "ü"} for a in kept)
    drawn = {json.dumps(a.get("segmentation"), sort_keys=True) for a in before["annotations"]}
    assert {json.dumps(a.get("segmentation"), sort_keys=True) for a in kept} == drawn


def test_several_files_list_one_image(tmp_path: Path) -> None:
    files = coco()
    content = json.loads(files["annotations/instances_train.json"])
    captions = [{"id": 1, "image_id": content["images"][0]["id"], "caption": "a car"}]
    files["annotations/captions_train.json"] = json.dumps(
        {"images": content["images"], "annotations": captions}
    ).encode()
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, geometry="flip", seed=1)
    captions_written = trainers.json_of(tmp_path / "out/annotations/captions_train.json")
    assert [a["caption"] for a in captions_written["annotations"]] == ["a car", "a car"]
    assert len({a["id"] for a in captions_written["annotations"]}) == 2


def test_classes_that_each_file_numbers_in_its_own_way(tmp_path: Path) -> None:
    files = photos("a.jpg", "b.jpg") | {
        "cars.json": content([image(1, "a.jpg")], [annotation(1, 1)], [{"id": 1, "name": "car"}]),
        "people.json": content([image(1, "b.jpg")], [annotation(1, 1)], [{"id": 1, "name": "person"}]),
    }
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, to="yolo")
    lines = {name: data.decode().split()[0] for name, data in contents(tmp_path / "out").items() if ".txt" in name}
    assert {Path(name).stem: number for name, number in lines.items()} == {
        "a": "0",
        "a__v1": "0",
        "b": "1",
        "b__v1": "1",
    }


def test_what_one_file_holds_out_is_held_out(tmp_path: Path) -> None:
    """As COCO's trainval and val list the same images."""
    both = [image(1, "a.jpg"), image(2, "b.jpg")]
    files = photos("a.jpg", "b.jpg") | {
        "instances_trainval.json": content(both, [annotation(1, 1), annotation(2, 2)]),
        "instances_val.json": content(both[1:], [annotation(2, 2)]),
    }
    found = gathered(write(tmp_path, files))
    assert [source.path for source in found.sources] == ["a.jpg"]
    words = "for training in one file, held out in another; held out, so not augmented"
    assert found.notices == (f"1 image (b.jpg): {words}",)


def test_masks_beside_the_files_move_and_are_no_objects(tmp_path: Path) -> None:
    """As COCO's stuff has them; what is in an image is what the files list."""
    pixels = np.zeros((24, 32), np.uint8)
    pixels[5:15, 5:20] = 7
    files = photos("images/a.jpg") | {
        "instances.json": content([image(1, "a.jpg")], []),
        "pixelmaps/a.png": encoded(Image.fromarray(pixels)),
    }
    given = write(tmp_path / "in", files)
    augmented([given], tmp_path / "out", variations=1, operations=["flip(probability=1)"])
    with Image.open(tmp_path / "out/pixelmaps/a__v1.png") as opened:
        assert np.array_equal(np.asarray(opened), pixels[:, ::-1])
    augmented([given], tmp_path / "voc", variations=1, to="voc")
    assert b"<object>" not in contents(tmp_path / "voc")["Annotations/a.xml"]


def test_bitmaps_that_would_fill_the_memory(tmp_path: Path) -> None:
    """A few kilobytes of run lengths may expand to gigabytes."""
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
    with pytest.raises(LabelError, match="20 bitmaps for this one image of 9000x9000, more than fit into memory"):
        source.labels.load()


def test_labels_of_missing_images(tmp_path: Path) -> None:
    files = coco()
    del files["train/two ü.jpg"]
    found, job = failures(files, tmp_path)
    assert not found
    assert (
        "annotations/instances_train.json lists 1 image (two ü.jpg) with 1 annotation; left out, since the images "
        "are missing" in job.gathered.notices
    )
    written = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert {image["file_name"] for image in written["images"]} == {
        *("one.jpg", "empty.jpg", "one__v1.jpg", "empty__v1.jpg"),
    }


def test_a_file_that_is_not_an_image_is_not_listed(tmp_path: Path) -> None:
    found, _ = failures(coco() | {"train/one.jpg": b"no picture"}, tmp_path)
    assert list(found) == ["train/one.jpg"]
    written = json.loads((tmp_path / "out/annotations/instances_train.json").read_bytes())
    assert "one.jpg" not in {image["file_name"] for image in written["images"]}
    assert "train/one.jpg" not in contents(tmp_path / "out")
