"""Every layout: recognised by itself, from a folder and from a ZIP, and written again as it came."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
from PIL import Image

from tests.support import trainers
from tests.support.labelled_sets import (
    CATEGORIES,
    COLOURS,
    LAYOUTS,
    PICTURES,
    TRAIN,
    as_zip,
    augmented,
    coco,
    contents,
    gathered,
    masks,
    voc,
    voc_xml,
    write,
    yolo,
)

every_layout = pytest.mark.parametrize("name", LAYOUTS)
EXPECTED = {stem: [(c, (x0, y0, x1, y1)) for c, x0, y0, x1, y1 in things] for _, stem, things in PICTURES}


def expected(split: str, variations: int = 2) -> trainers.Boxes:
    found: trainers.Boxes = {}
    for of, stem, _ in PICTURES:
        if of == split:
            ends = ["", *(f"__v{i}" for i in range(1, variations + 1))] if split == "train" else [""]
            found.update({stem + end: EXPECTED[stem] for end in ends})
    return found


def alike(found: trainers.Boxes, wanted: trainers.Boxes, tolerance: float = 1e-3) -> None:
    assert set(found) == set(wanted)
    for stem, things in wanted.items():
        assert [name for name, _ in sorted(found[stem])] == [name for name, _ in sorted(things)], stem
        for (_, box), (_, other) in zip(sorted(found[stem]), sorted(things), strict=True):
            assert np.allclose(box, other, atol=tolerance), stem


@every_layout
def test_recognised_from_folder_and_zip(name: str, tmp_path: Path) -> None:
    layout, files = LAYOUTS[name]
    has_splits = name != "class folders"
    for given in (write(tmp_path / "set", files), as_zip(tmp_path / "set.zip", files)):
        found = gathered(given)
        assert found.layout.name == layout
        assert not found.failures + found.notices
        assert {Path(source.path).stem for source in found.sources} == (set(TRAIN) if has_splits else set(EXPECTED))
        assert {source.split for source in found.sources} == {"train" if has_splits else None}
        holdout = {(Path(source.path).stem, source.split) for source in found.holdout}
        assert holdout == ({("three", "val"), ("four", "test")} if has_splits else set())
        for source in (*found.sources, *found.holdout):
            labels = source.labels.load() if source.labels is not None else None
            if layout in {"yolo", "coco", "voc"}:
                assert labels is not None
                alike(
                    {"x": [(s.category, s.box) for s in labels.shapes if s.box]},
                    {"x": EXPECTED[Path(source.path).stem]},
                )
            elif layout == "masks":
                assert labels is not None
                assert labels.mask is not None
                assert labels.mask.mode == "P"


@every_layout
@pytest.mark.parametrize("to_zip", [False, True], ids=["folder", "ZIP"])
def test_the_set_comes_back_with_its_variations(name: str, to_zip: bool, tmp_path: Path) -> None:
    """Originals to the byte, label files where nothing was added too, and of each training picture two variations."""
    _, files = LAYOUTS[name]
    given = as_zip(tmp_path / "given.zip", files) if to_zip else write(tmp_path / "given", files)
    out = tmp_path / ("out.zip" if to_zip else "out")
    job = augmented([given], out)
    assert not job.report.failures
    if to_zip:
        with zipfile.ZipFile(out) as archive:
            assert archive.testzip() is None
            archive.extractall(tmp_path / "unpacked")
        found = contents(tmp_path / "unpacked" / "my set")
    else:
        found = contents(out)
    lists = {n for n in files if n.endswith((".json", ".yaml", ".jsonl", ".csv")) or "ImageSets" in n}
    assert {n for n in files if n not in lists and found.get(n) != files[n]} == set()
    assert {
        n for n in lists if ("val" in n or "test" in n) and "trainval" not in n and found.get(n) != files[n]
    } == set()
    sources = TRAIN if name != "class folders" else list(EXPECTED)
    made = {Path(n).name for n in found if "__v" in n and n.endswith(".jpg")}
    assert made == {f"{stem}__v{i}.jpg" for stem in sources for i in (1, 2)}


@every_layout
def test_written_sets_are_read_as_before(name: str, tmp_path: Path) -> None:
    """A second generation sees each variation with the labels of its source."""
    layout, files = LAYOUTS[name]
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    again = gathered(tmp_path / "out")
    assert again.layout.name == layout
    assert not again.failures
    first = {Path(s.path).stem: s for s in gathered(tmp_path / "in").sources}
    for source in again.sources:
        was = first[Path(source.path).stem.split("__v")[0]]
        assert (source.label, source.split) == (was.label, was.split)
        assert (source.labels is None) == (was.labels is None)
        if source.labels is not None and was.labels is not None:
            new, old = source.labels.load(), was.labels.load()
            assert [(s.category, s.box, s.polygons) for s in new.shapes] == [
                (s.category, s.box, s.polygons) for s in old.shapes
            ]
            assert (new.mask is None) == (old.mask is None)
            if new.mask is not None and old.mask is not None:
                assert (new.mask.mode, new.mask.getpalette()) == (old.mask.mode, old.mask.getpalette())
                assert np.array_equal(np.asarray(new.mask), np.asarray(old.mask))


@pytest.mark.parametrize("name", ["yolo", "yolo, split first", "yolo polygons"])
def test_yolo_as_ultralytics_and_supervision_read_it(name: str, tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out")
    for split in ("train", "val", "test"):
        alike(trainers.ultralytics(tmp_path / "out" / "data.yaml", split), expected(split))
    folders = ("train/images", "train/labels") if "first" in name else ("images/train", "labels/train")
    data = sv.DetectionDataset.from_yolo(*(str(tmp_path / "out" / f) for f in folders), str(tmp_path / "out/data.yaml"))
    alike(trainers.supervision(data), expected("train"), tolerance=1.01 if "polygons" in name else 0.01)
    kept = (tmp_path / "out" / "data.yaml").read_text("utf-8")
    assert "nc: 3" in kept
    assert "made_by: someone" in kept


@pytest.mark.parametrize("name", ["coco", "coco beside"])
def test_coco_as_pycocotools_and_supervision_read_it(name: str, tmp_path: Path) -> None:
    files = LAYOUTS[name][1]
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    for split in ("train", "val", "test"):
        file = f"{split}/_annotations.coco.json" if "beside" in name else f"annotations/instances_{split}.json"
        alike(trainers.pycocotools(tmp_path / "out" / file, tmp_path / "out" / split), expected(split))
        data = sv.DetectionDataset.from_coco(str(tmp_path / "out" / split), str(tmp_path / "out" / file))
        alike(trainers.supervision(data), expected(split))
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


def test_voc_as_supervision_reads_it_and_nothing_is_dropped(tmp_path: Path) -> None:
    files = voc()
    files["VOC/Annotations/one.xml"] = files["VOC/Annotations/one.xml"].replace(
        b"<segmented>", b"<ours>1</ours><segmented>"
    )
    augmented([write(tmp_path / "in", files)], tmp_path / "out")
    out = tmp_path / "out" / "VOC"
    data = sv.DetectionDataset.from_pascal_voc(str(out / "JPEGImages"), str(out / "Annotations"))
    alike(trainers.supervision(data), expected("train") | expected("val") | expected("test"))
    made = (out / "Annotations" / "one__v1.xml").read_text("utf-8")
    assert "<filename>one__v1.jpg</filename>" in made
    for kept in (
        "<ours>1</ours>",
        "<pose>Left</pose>",
        "<truncated>1</truncated>",
        "<difficult>1</difficult>",
        "<part>",
    ):
        assert kept in made
    sets = out / "ImageSets" / "Main"
    names = [f"{stem}{end}" for stem in TRAIN for end in ("__v1", "__v2")]
    assert (sets / "train.txt").read_text("utf-8").splitlines() == TRAIN + names
    assert (sets / "trainval.txt").read_text("utf-8").splitlines() == [*TRAIN, "three", *names]
    assert (sets / "bus_train.txt").read_text().splitlines() == [
        *("one  1", "empty -1", "one__v1  1", "one__v2  1", "empty__v1 -1", "empty__v2 -1"),
    ]


def test_voc_masks_of_classes_and_objects_go_along(tmp_path: Path) -> None:
    files = voc()
    for folder in ("SegmentationClass", "SegmentationObject"):
        files[f"VOC/{folder}/one.png"] = masks()["masks/train/one.png"]
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert len(job.gathered.sources) == 3
    for folder in ("SegmentationClass", "SegmentationObject"):
        made = Image.open(tmp_path / f"out/VOC/{folder}/one__v1.png")
        source = Image.open(io.BytesIO(files[f"VOC/{folder}/one.png"]))
        assert (made.mode, made.getpalette()) == (source.mode, source.getpalette())
        assert np.array_equal(np.asarray(made), np.asarray(source))


@pytest.mark.parametrize("name", [name for name in LAYOUTS if "imagefolder" in name or "class" in name])
def test_folders_load_as_imagefolder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    augmented([write(tmp_path / "in", LAYOUTS[name][1])], tmp_path / "out")
    loaded = trainers.loads_as_imagefolder(tmp_path / "out", tmp_path / "cache")
    if name == "class folders":
        assert len(loaded["train"]) == 15
        assert loaded["train"].features["label"].names == sorted([*CATEGORIES, "nothing"])
        return
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9, "validation": 1, "test": 1}
    if "imagefolder" in name:
        texts = sorted(loaded["train"]["text"])
        assert texts == sorted(f'{stem}, "seen"' for stem in TRAIN for _ in range(3))
    if name == "imagefolder jsonl":
        found = {len(row["objects"]["bbox"]) for row in loaded["train"]}
        assert found == {0, 1, 2}


def test_labels_lie_on_the_pixels_they_were_drawn_on(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", yolo())], tmp_path / "out")
    boxes = trainers.ultralytics(tmp_path / "out" / "data.yaml", "train")
    for stem in ("one", "two ü"):
        for index in (1, 2):
            seen = trainers.by_eye(tmp_path / f"out/images/train/{stem}__v{index}.jpg", COLOURS, (90 - index) / 100)
            alike({stem: seen}, {stem: boxes[f"{stem}__v{index}"]}, tolerance=1.01)


def test_splits_left_out_and_originals_left_out(tmp_path: Path) -> None:
    given = write(tmp_path / "in", coco())
    augmented([given], tmp_path / "out", originals="none", splits="leave-out")
    made = {f"train/{stem}__v{i}.jpg" for stem in TRAIN for i in (1, 2)}
    assert set(contents(tmp_path / "out")) == made | {"annotations/instances_train.json"}
    boxes = trainers.pycocotools(tmp_path / "out/annotations/instances_train.json", tmp_path / "out/train")
    alike(boxes, {stem: things for stem, things in expected("train").items() if "__v" in stem})


@pytest.mark.parametrize("to", ["same", "yolo"])
def test_ultralytics_opens_a_set_whose_validation_was_left_out(tmp_path: Path, to: str) -> None:
    """It refuses a set without val. What stands in for it is said where the user looks, and in the file itself."""
    files = yolo() if to == "same" else voc()
    job = augmented([write(tmp_path / "in", files)], tmp_path / "left", splits="leave-out", to=to)
    text = (tmp_path / "left/data.yaml").read_text("utf-8")
    assert "test:" not in text
    boxes = trainers.ultralytics(tmp_path / "left/data.yaml", "val")
    assert {name for name in boxes if "__v" not in name} == set(TRAIN)
    assert "Replace val with your own" in text
    assert any("no validation images" in notice for notice in job.report.as_dict()["notices"])
    job = augmented([tmp_path / "in"], tmp_path / "copied", to=to)
    assert "Replace val" not in (tmp_path / "copied/data.yaml").read_text("utf-8")
    assert set(trainers.ultralytics(tmp_path / "copied/data.yaml", "val")) == {"three"}
    assert not any("no validation images" in notice for notice in job.report.as_dict()["notices"])


def test_originals_may_be_linked(tmp_path: Path) -> None:
    given = write(tmp_path / "in", yolo())
    augmented([given], tmp_path / "out", originals="link")
    for name in ("images/train/one.jpg", "images/val/three.jpg"):
        assert (tmp_path / "out" / name).samefile(given / name)
    augmented([as_zip(tmp_path / "in.zip", yolo())], tmp_path / "unzipped", originals="link")  # nothing to link to
    assert (tmp_path / "unzipped/my set/images/train/one.jpg").read_bytes() == yolo()["images/train/one.jpg"]


def test_loose_photos_are_no_set(tmp_path: Path) -> None:
    """Whoever gives a few photos has them; a set that trains at once needs its originals."""
    files = {"a.jpg": yolo()["images/train/one.jpg"]}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    assert set(contents(tmp_path / "out")) == {"a__v1.jpg"}
    augmented([tmp_path / "in"], tmp_path / "copied", variations=1, originals="copy")
    assert contents(tmp_path / "copied")["a.jpg"] == files["a.jpg"]


def test_an_original_is_never_overwritten_by_a_variation(tmp_path: Path) -> None:
    files = {"cats/a.jpg": yolo()["images/train/one.jpg"], "cats/a__v1.jpg": yolo()["images/val/three.jpg"]}
    augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
    found = contents(tmp_path / "out")
    assert {name: found[name] for name in files} == files
    assert len(found) == 4


def test_layout_can_be_forced(tmp_path: Path) -> None:
    given = write(tmp_path / "in", masks("beside"))
    assert gathered(given, layout="folders").layout.name == "folders"
    assert len(gathered(given, layout="folders").sources) == 6  # masks are pictures then
    wrong = gathered(given, layout="coco")
    assert not wrong.sources
    assert "not a COCO dataset: expected a .json file with images" in wrong.failures[0].reason


def test_manifest_names_label_files_and_splits(tmp_path: Path) -> None:
    augmented([write(tmp_path / "in", yolo())], tmp_path / "out", variations=1)
    lines = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text("utf-8").splitlines()]
    by_source = {line["source"]: line for line in lines}
    assert by_source["images/train/one.jpg"]["label_files"] == ["labels/train/one__v1.txt"]
    assert {line["split"] for line in lines} == {"train"}
    assert "label_files" not in by_source["images/train/empty.jpg"]


class TestArrangements:
    """The same layouts as others lay them out."""

    def splits(self, tmp_path: Path, files: dict[str, bytes]) -> dict[str, Any]:
        found = gathered(write(tmp_path / "in", files))
        return {source.path: source.split for source in (*found.sources, *found.holdout)}

    def test_yolo_lists_of_pictures(self, tmp_path: Path) -> None:
        files = {name: data for name, data in yolo().items() if name != "data.yaml"}
        for split in ("train", "val"):
            names = [n for n in files if n.startswith(f"images/{split}/")]
            files[f"{split}.txt"] = "".join(f"./{name}\n" for name in names).encode()
        yaml = "path: /home/somebody/sets/mine\ntrain: train.txt\nval: val.txt\nnames: [red car, bus, 車]\n"
        augmented([write(tmp_path / "in", {**files, "data.yaml": yaml.encode()})], tmp_path / "out")
        for split in ("train", "val"):
            alike(trainers.ultralytics(tmp_path / "out/data.yaml", split), expected(split))

    def test_yolo_without_data_yaml(self, tmp_path: Path) -> None:
        files = {Path(n).name: d for n, d in yolo().items() if n != "data.yaml"}
        files["classes.txt"] = "\n".join(CATEGORIES).encode()
        augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1)
        found = contents(tmp_path / "out")
        assert found["one__v1.txt"] == files["one.txt"]
        assert found["classes.txt"] == files["classes.txt"]
        one = next(s for s in gathered(tmp_path / "in").sources if s.path == "one.jpg")
        assert one.labels is not None
        assert [shape.category for shape in one.labels.load().shapes] == ["red car", "bus"]

    def test_captions_are_no_labels(self, tmp_path: Path) -> None:
        files = {"a.jpg": yolo()["images/train/one.jpg"], "a.txt": b"a red car and a bus, 4 k"}
        assert gathered(write(tmp_path / "in", files)).layout.name == "folders"

    def test_xml_beside_pictures(self, tmp_path: Path) -> None:
        files = {}
        for split, stem, things in PICTURES:
            files[f"{split}/{stem}.jpg"] = voc()[f"VOC/JPEGImages/{stem}.jpg"]
            files[f"{split}/{stem}.xml"] = voc_xml(stem, things)
        assert gathered(write(tmp_path / "in", files)).layout.name == "voc"
        assert self.splits(tmp_path, files)["train/one.jpg"] == "train"

    def test_pictures_and_labels_in_zips_of_their_own(self, tmp_path: Path) -> None:
        """As COCO itself is handed out: train2017.zip, val2017.zip and annotations_trainval2017.zip."""
        files = {n.replace("train", "train2017").replace("val/", "val2017/"): d for n, d in coco().items()}
        parts = []
        for part in ("train2017/", "val2017/", "annotations/"):
            held = {n: d for n, d in files.items() if n.startswith(part)}
            parts.append(tmp_path / f"{part[:-1]}.zip")
            from tests.support.image_files import zipped

            parts[-1].write_bytes(zipped(held))
        found = gathered(*parts)
        assert found.layout.name == "coco"
        assert {Path(s.path).stem for s in found.sources} == set(TRAIN)
        assert [s.path for s in found.holdout] == ["val2017/three.jpg"]

    def test_several_files_tell_of_one_picture(self, tmp_path: Path) -> None:
        files = coco()
        content = json.loads(files["annotations/instances_train.json"])
        captions = [{"id": 1, "image_id": content["images"][0]["id"], "caption": "a car"}]
        files["annotations/captions_train.json"] = json.dumps(
            {"images": content["images"], "annotations": captions}
        ).encode()
        augmented([write(tmp_path / "in", files)], tmp_path / "out", variations=1, geometry="flip", seed=1)
        told = trainers.json_of(tmp_path / "out/annotations/captions_train.json")
        assert [a["caption"] for a in told["annotations"]] == ["a car", "a car"]
        assert len({a["id"] for a in told["annotations"]}) == 2

    def test_a_class_may_be_called_train(self, tmp_path: Path) -> None:
        photo = yolo()["images/train/one.jpg"]
        files = {f"{label}/{i}.jpg": photo + bytes([i]) for i, label in enumerate(("train", "car", "plane"))}
        assert set(self.splits(tmp_path, files).values()) == {None}

    def test_splits_below_classes(self, tmp_path: Path) -> None:
        photo = yolo()["images/train/one.jpg"]
        files = {
            f"{label}/{split}/a.jpg": photo + f"{label}{split}".encode()
            for label in ("cats", "dogs")
            for split in ("train", "test")
        }
        found = gathered(write(tmp_path / "in", files))
        assert {s.path: s.label for s in found.sources} == {"cats/train/a.jpg": "cats", "dogs/train/a.jpg": "dogs"}

    def test_only_validation_pictures(self, tmp_path: Path) -> None:
        files = {n: d for n, d in coco().items() if "train" not in n}
        found = gathered(write(tmp_path / "in", files))
        assert len(found.sources) == 2
        assert "the set names test and val images and none for training; all of them are augmented" in found.notices[0]

    def test_photos_that_share_stems_are_photos(self, tmp_path: Path) -> None:
        """a.jpg and a.png are two photos unless the PNG is even and of few values, as masks are."""
        rng = np.random.default_rng(0)
        noisy = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(noisy, "PNG")
        files = {"a.jpg": yolo()["images/train/one.jpg"], "a.png": noisy.getvalue()}
        found = gathered(write(tmp_path / "in", files))
        assert found.layout.name == "folders"
        assert len(found.sources) == 2


@every_layout
def test_a_broken_off_run_ends_with_the_same_set(name: str, tmp_path: Path) -> None:
    """Ended after its third variation, with a half-written list on disk, and gone on with."""
    _, files = LAYOUTS[name]
    given = write(tmp_path / "in", files)
    augmented([given], tmp_path / "whole", geometry="flip")
    from augmentai.dataset.readers.gather import gather
    from augmentai.pipeline.job import Job, limits
    from augmentai.pipeline.run import run_to_disk
    from augmentai.recipe import Recipe
    from augmentai.settings import Settings
    from tests.support.jobs import Darker

    recipe = Recipe(seed=5, engine="gan", variations=2, geometry="flip", filters=False)
    out = tmp_path / "broken"
    running = run_to_disk(Job(gather([given], limits(Settings())), recipe, Settings(), [Darker()]), out, [given])
    for _ in range(3):
        next(running)
    running.close()
    augmented([given], out, geometry="flip")
    assert contents(out) == contents(tmp_path / "whole")
