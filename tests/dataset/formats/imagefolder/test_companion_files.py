"""Files that rows name next to their image: masks move with the pixels, others are copied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support import trainers
from tests.support.labelled_sets import (
    IMAGES,
    Files,
    augmented,
    contents,
    mask_of,
    photo,
    write,
)

OBJECTS = {stem: objects for split, stem, objects in IMAGES if split == "train" and objects}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]


def with_masks(mask_name: str = "masks/{}.png") -> Files:
    files: Files = {}
    metadata = []
    for number, (stem, objects) in enumerate(OBJECTS.items()):
        mask = mask_name.format(stem if "{}" in mask_name else number)
        files[f"train/{stem}.jpg"] = photo(objects)
        files[f"train/{mask}"] = mask_of(objects)
        metadata.append({"file_name": f"{stem}.jpg", "mask_file_name": mask, "note": stem})
    files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in metadata).encode()
    return files


@pytest.mark.parametrize("geometry", ["none", "light", "strong"])
@pytest.mark.parametrize("mask_name", ["masks/{}.png", "{}_mask.png", "masks/same.png"])
def test_masks_that_a_column_names_move_with_the_pixels(tmp_path: Path, mask_name: str, geometry: str) -> None:
    files = with_masks(mask_name)
    if mask_name == "masks/same.png":  # one mask for all
        files = {name: data for name, data in files.items() if "two" not in name}
        files["train/other.jpg"] = photo([*OBJECTS["one"], ("bus", 0, 0, 4, 4)])
        metadata = [{"file_name": f"{stem}.jpg", "mask_file_name": mask_name} for stem in ("one", "other")]
        files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in metadata).encode()
        files[f"train/{mask_name}"] = mask_of(OBJECTS["one"])
    out = tmp_path / "out"
    job = augmented([write(tmp_path / "in", files)], out, geometry=geometry)
    assert job.report.sources == 2, "a mask was taken for a source"
    assert job.report.variations == 4
    metadata = rows(out / "train")
    assert len(metadata) == 6
    assert len({row["file_name"] for row in metadata}) == 6
    if "{}" in mask_name:
        assert len({row["mask_file_name"] for row in metadata}) == 6
    for row in metadata:
        with Image.open(out / "train" / row["mask_file_name"]) as opened:
            mask = np.asarray(opened)
        with Image.open(out / "train" / row["file_name"]) as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        assert mask.shape == pixels.shape[:2]
        coloured = (pixels.max(-1) - pixels.min(-1)) > 60
        if row["file_name"].startswith("other"):
            continue  # its mask was drawn for the other picture
        if "__v" in row["file_name"] or geometry == "none":
            agree = (coloured == (mask > 0)).mean()
            assert agree > 0.95, (row, agree)
    assert {name.rpartition("/")[2] for name in contents(out)} >= {row["file_name"] for row in metadata}
    loaded = trainers.loads_as_imagefolder(out, tmp_path / "cache")
    assert loaded["train"].num_rows == 6


def test_other_files_are_copied_and_reported(tmp_path: Path) -> None:
    files = with_masks()
    metadata = [json.loads(line) for line in files["train/metadata.jsonl"].decode().splitlines()]
    for number, row in enumerate(metadata):
        files[f"train/before/{number}.jpg"] = photo([("bus", number, 0, 9, 9)])
        files[f"train/words/{number}.txt"] = b"a word"
        row |= {"before_file_name": f"before/{number}.jpg", "words_file_name": f"words/{number}.txt"}
        row["sound_file_name"] = f"{number}.wav"
    files["train/metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in metadata).encode()
    out = tmp_path / "out"
    job = augmented([write(tmp_path / "in", files)], out, geometry="light", originals="none")
    assert job.report.sources == 2
    for row in rows(out / "train"):
        assert "__v" in row["file_name"]
        for column in ("before_file_name", "words_file_name"):
            assert (out / "train" / row[column]).read_bytes() == files[f"train/{row[column]}"]
    notices = " ".join(job.report.as_dict()["notices"])
    assert "sound_file_name names 2 files (0.wav, 1.wav) not found" in notices
    assert "the images that before_file_name names are not masks and are copied unchanged" in notices
    assert "words_file_name" not in notices


@pytest.mark.parametrize(
    ("image_column", "mask_column"),
    [
        pytest.param("image_file_name", "mask_file_name", id="every column named as datasets has it"),
        pytest.param("file_name", "mask", id="a column of another name"),
        pytest.param("image", "label", id="as the hub's sets for segmentation call them"),
    ],
)
def test_columns_by_what_they_hold(image_column: str, mask_column: str, tmp_path: Path) -> None:
    lines = with_masks("drawn/{}.png")["train/metadata.jsonl"].decode()
    lines = lines.replace('"mask_file_name"', f'"{mask_column}"').replace('"file_name"', f'"{image_column}"')
    files = with_masks("drawn/{}.png") | {"train/metadata.jsonl": lines.encode()}
    job = augmented([write(tmp_path / "in", files)], tmp_path / "out", geometry="light", variations=1)
    assert job.report.variations == len(OBJECTS)
    assert not job.gathered.notices
    made = rows(tmp_path / "out/train")
    assert len(made) == 2 * len(OBJECTS)
    written = contents(tmp_path / "out")
    for row in made:
        assert {f"train/{row[image_column]}", f"train/{row[mask_column]}"} <= written.keys()
    assert len({row[mask_column] for row in made}) == len(made)


def test_photos_in_a_column_are_copied_and_no_images_of_the_set(tmp_path: Path) -> None:
    files = {
        f"{part}/{i}.jpg": photo([("bus", 4, 4 + i, 20, 20 + len(part))])
        for part in ("before", "after")
        for i in range(2)
    }
    table = "file_name,target\nbefore/0.jpg,after/0.jpg\nbefore/1.jpg,after/1.jpg\n"
    job = augmented([write(tmp_path / "in", files | {"metadata.csv": table.encode()})], tmp_path / "out", variations=1)
    assert [source.path for source in job.gathered.sources] == ["before/0.jpg", "before/1.jpg"]
    assert {name for name in contents(tmp_path / "out") if name.startswith("after/")} == {"after/0.jpg", "after/1.jpg"}
    assert "the images that target names are copied unchanged, and are not augmented" in job.gathered.notices
