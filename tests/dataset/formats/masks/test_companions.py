"""Masks and drawings next to the labels of another format: they move with their images, and are never images."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.labelled_sets import (
    IMAGES,
    Files,
    augmented,
    coco,
    contents,
    gathered,
    imagefolder,
    mask_of,
    photo,
    write,
    yolo,
)


def _with(files: Files, folder: str, drawn: bool = False) -> Files:
    """A set, and a mask (or a drawing) of each image in another folder beside SPLIT or images/SPLIT."""
    made = dict(files)
    for name in files:
        split_and_stem = [(split, stem) for split, stem, _ in IMAGES if name.endswith(f"/{stem}.jpg")]
        for split, stem in split_and_stem:
            objects = next(objects for _, own, objects in IMAGES if own == stem)
            path = f"{folder}/{split}/{stem}" + (".jpg" if drawn else ".png")
            made[path] = photo(objects or [("bus", 1, 1, 9, 9)]) if drawn else mask_of(objects)
    return made


SETS = {"yolo": yolo(), "coco": coco(), "imagefolder": imagefolder()}


@pytest.mark.parametrize("name", SETS)
def test_masks_move_with_the_labels_of_another_format(name: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", _with(SETS[name], "masks"))
    assert {Path(source.path).parts[0] for source in gathered(given).sources}.isdisjoint({"masks"})
    augmented([given], tmp_path / "out", variations=1, geometry="flip", originals="copy")
    made = contents(tmp_path / "out")
    assert gathered(tmp_path / "out").layout.name == name
    masks = sorted(path for path in made if path.startswith("masks/"))
    assert len(masks) == len(IMAGES) + 3
    flipped = 0
    for path in (path for path in masks if "__v1" in path):
        mask = np.asarray(Image.open(io.BytesIO(made[path])))
        own = np.asarray(Image.open(io.BytesIO(made[path.replace("__v1", "")])))
        flipped += not np.array_equal(mask, own)
        image = next(data for file, data in made.items() if file.endswith(Path(path).stem + ".jpg"))
        pixels = np.asarray(Image.open(io.BytesIO(image)), int)
        colourful = np.ptp(pixels, axis=-1) > 60
        assert not mask.any() or (colourful & (mask > 0)).sum() / (colourful | (mask > 0)).sum() > 0.9
    assert flipped


@pytest.mark.parametrize("folder", ["vis", "overlays", "Visualization"])
def test_drawings_are_copied_and_have_no_variations(folder: str, tmp_path: Path) -> None:
    given = write(tmp_path / "in", _with(yolo(), folder, drawn=True))
    found = gathered(given)
    assert any(f"{folder}/test/four.jpg" in one and "visualizations" in one for one in found.notices)
    augmented([given], tmp_path / "out", variations=1)
    drawn = [path for path in contents(tmp_path / "out") if path.startswith(folder)]
    assert sorted(drawn) == sorted(f"{folder}/{split}/{stem}.jpg" for split, stem, _ in IMAGES)


def test_a_drawing_that_sorts_before_its_image_does_not_take_its_labels(tmp_path: Path) -> None:
    """COCO names one.jpg: the one in train/ is meant, and not that in overlay/train/."""
    found = gathered(write(tmp_path / "in", _with(coco(), "overlay", drawn=True)))
    assert {Path(source.path).parts[0] for source in (*found.sources, *found.holdout)} == {"train", "val", "test"}
    assert all(source.labels is not None for source in found.sources)


def test_another_format_has_no_masks(tmp_path: Path) -> None:
    """What a conversion leaves out is reported."""
    given = write(tmp_path / "in", _with(yolo(), "masks"))
    job = augmented([given], tmp_path / "out", variations=1, to="coco")
    assert not any("masks" in path for path in contents(tmp_path / "out"))
    assert any("masks and drawings next to the labels were left out" in one for one in _words(job))


def _words(job: object) -> list[str]:
    return [str(value) for value in vars(job.report).values()]  # type: ignore[attr-defined]


def test_images_called_masks_that_have_labels_stay_images(tmp_path: Path) -> None:
    """People who wear masks, with boxes of their own."""
    files = yolo() | {name.replace("one", "one_mask"): data for name, data in yolo().items()}
    found = gathered(write(tmp_path / "in", files))
    assert {"images/train/one.jpg", "images/train/one_mask.jpg"} <= {source.path for source in found.sources}


@pytest.mark.parametrize("name", ["coco", "imagefolder"])
@pytest.mark.parametrize("called", ["one_mask", "one_gt", "one_alpha", "one_seg"])
def test_an_image_that_a_label_file_lists_stays_one_whatever_it_is_called(
    called: str, name: str, tmp_path: Path
) -> None:
    files = {
        path.replace("/one.", f"/{called}."): re.sub(rb"\bone\.jpg", f"{called}.jpg".encode(), data)
        for path, data in SETS[name].items()
    }
    files = {
        path: photo([("bus", 1, 1, 9, 9)]) if path.endswith(f"{called}.jpg") else data for path, data in files.items()
    }
    found = gathered(write(tmp_path / "in", files))
    (source,) = (source for source in found.sources if called in source.path)
    assert source.labels is not None
    assert len(source.labels.load().shapes) > 0


def test_class_folders_on_request(tmp_path: Path) -> None:
    from tests.support.mask_sets import mask_set

    given = write(tmp_path / "in", mask_set(["images/a.jpg", "images/b.jpg"], ["masks/a.png", "masks/b.png"]))
    found = gathered(given, layout="folders")
    assert len(found.sources) == 4
    assert any("masks/a.png, masks/b.png: masks, augmented as images" in notice for notice in found.notices)
