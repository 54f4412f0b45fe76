"""Which part of an image is painted anew, and that the rest stays the source's own, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.engines.repaint import Part, find_region

SIZE_WH = (120, 80)
WHOLE = (0, 0, *SIZE_WH)
TRIANGLE = ((20.5, 10.2), (90.0, 30.7), (35.0, 70.4))


def noise(seed: int, size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size_wh[1], size_wh[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def drawn(*polygons: Any, fill: int = 1) -> Image.Image:
    """What another program would call the pixels of polygons, their outlines included."""
    mask = Image.new("L", SIZE_WH)
    for polygon in polygons:
        ImageDraw.Draw(mask).polygon([tuple(point) for point in polygon], fill=fill, outline=fill)
    return mask


def bits(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(SIZE_WH[::-1], bool)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


ROTATED = ((30, 10), (60, 25), (50, 45), (20, 30))
LABELS = {
    # what is labelled, and the pixels that are certainly of it
    "a box": (Labels((Shape("cat", (10, 12, 40, 50)),)), bits((10, 12, 40, 50))),
    "a box of fractions counts every pixel it touches": (
        Labels((Shape("cat", (10.6, 12.9, 39.2, 49.1)),)),
        bits((10, 12, 40, 50)),
    ),
    "a box that leaves the image": (Labels((Shape("cat", (-9, 60, 30, 99)),)), bits((0, 60, 30, 80))),
    "several, one over the other": (
        Labels((Shape("cat", (10, 10, 50, 50)), Shape("dog", (40, 40, 70, 70)))),
        bits((10, 10, 50, 50), (40, 40, 70, 70)),
    ),
    "an outline counts rather than its box": (
        Labels((Shape("cat", (20, 10, 90, 71), (TRIANGLE,)),)),
        np.asarray(drawn(TRIANGLE)) > 0,
    ),
    "a rotated box": (Labels((Shape("cat", None, (ROTATED,), oriented=True),)), np.asarray(drawn(ROTATED)) > 0),
    "a bitmap": (Labels((Shape("cat", None, mask=bits((5, 5, 25, 25), (60, 40, 61, 80))),)), bits((5, 5, 25, 25))),
    "a semantic mask": (
        Labels(mask=Image.fromarray(bits((30, 20, 80, 60)).astype(np.uint8) * 7)),
        bits((30, 20, 80, 60)),
    ),
    "a mask in colours": (
        Labels(mask=Image.merge("RGB", [Image.new("L", SIZE_WH), drawn(TRIANGLE, fill=9), Image.new("L", SIZE_WH)])),
        np.asarray(drawn(TRIANGLE)) > 0,
    ),
}


@pytest.mark.parametrize("case", LABELS)
def test_background_leaves_every_labelled_pixel_alone(case: str) -> None:
    labels, labelled = LABELS[case]
    source, painted = noise(1), noise(2)
    region = find_region(source, labels, "background")
    assert not region.fault
    result = np.asarray(region.lay_back(source, painted))
    assert (result[labelled] == np.asarray(source)[labelled]).all()
    assert not (region.painted & labelled).any()
    far = region.kept == 0
    assert far.mean() > 0.3
    assert (result[far] == np.asarray(painted)[far]).all()


@pytest.mark.parametrize("case", [case for case in LABELS if "fractions" not in case])
def test_objects_leaves_every_other_pixel_alone(case: str) -> None:
    labels, labelled = LABELS[case]
    source, painted = noise(1), noise(2)
    region = find_region(source, labels, "objects")
    assert not region.fault
    result = np.asarray(region.lay_back(source, painted))
    outside = ~region.painted
    assert (result[outside] == np.asarray(source)[outside]).all()
    if case != "a bitmap":  # of which the thin part was left out in the table
        assert not (region.painted & ~labelled).any()
    inside = region.kept == 0
    assert inside.mean() > 0.02
    assert (result[inside] == np.asarray(painted)[inside]).all()


def test_only_pixels_entirely_within_a_box_are_painted() -> None:
    region = find_region(noise(1), Labels((Shape("cat", (10.6, 12.9, 39.2, 49.1)),)), "objects")
    assert (region.painted == bits((11, 13, 39, 49))).all()


def test_the_edge_fades_outside_of_what_is_kept_and_inside_of_what_is_painted() -> None:
    labels = Labels((Shape("cat", (20, 20, 60, 60)),))
    kept = find_region(noise(1), labels, "background").kept
    assert kept[40, 20] == 255 > kept[40, 19] > kept[40, 18] == 0
    kept = find_region(noise(1), labels, "objects").kept
    assert kept[40, 19] == 255 > kept[40, 20] > kept[40, 21] > kept[40, 23] == 0


def test_no_edge_fades_towards_that_of_the_image() -> None:
    kept = find_region(noise(1), Labels((Shape("cat", (0, 0, 60, 80)),)), "objects").kept
    assert (kept[:, :50] == 0).all()
    assert (kept[:, 60:] == 255).all()


def test_a_small_object_is_painted_in_its_middle_too() -> None:
    region = find_region(noise(1, (900, 900)), Labels((Shape("cat", (20, 20, 30, 30)),)), "objects")
    assert region.kept[25, 25] == 0
    assert region.focus == (20, 20, 30, 30)


def test_what_is_too_small_to_be_painted_stays_where_it_lies_in_another_object() -> None:
    labels = Labels((Shape("cat", (10, 10, 70, 70)), Shape("flea", (30, 30, 33, 34))))
    region = find_region(noise(1), labels, "objects")
    assert (region.kept[30:34, 30:33] == 255).all()
    assert not region.painted[30:34, 30:33].any()
    assert region.kept[50, 50] == 0


def test_keypoints_and_lines_are_kept_with_their_surroundings() -> None:
    shape = Shape("face", (10, 10, 40, 40), keypoints=((100, 20, 2), (5, 70, 0)), lines=(((60, 60), (90, 60)),))
    region = find_region(noise(1), Labels((shape,)), "background")
    assert region.kept[20, 100] == region.kept[21, 101] == 255
    assert (region.kept[60, 60:91] == 255).all()
    assert region.kept[70, 5] == 0, "a point that is not labelled keeps nothing"


FAULTS: list[tuple[str, Labels | None, Part, str]] = [
    ("no objects", Labels(), "background", "nothing is labelled in it"),
    ("no objects", Labels(), "objects", "nothing is labelled in it"),
    ("an empty mask", Labels(mask=Image.new("L", SIZE_WH)), "objects", "nothing is labelled in it"),
    (
        "all of it",
        Labels((Shape("room", WHOLE),)),
        "background",
        "its objects cover 100% of it, which leaves no background to repaint",
    ),
    ("too small", Labels((Shape("ant", (4, 4, 9, 30)),)), "objects", "its objects are smaller than 8 pixels"),
    (
        "points",
        Labels((Shape("face", (10, 10, 60, 60), keypoints=((20, 20, 2),)),)),
        "objects",
        "it has keypoints or lines, which would not fit an object that is painted anew",
    ),
    (
        "no place",
        Labels((Shape("cat", None),)),
        "background",
        "nothing says which pixels belong to the object 'cat'",
    ),
    (
        "another mask",
        Labels(mask=Image.new("L", (12, 8), 1)),
        "background",
        "its mask is of 12x8 pixels and does not fit it",
    ),
]


@pytest.mark.parametrize(("what", "labels", "part", "fault"), FAULTS, ids=[f"{row[0]}, {row[2]}" for row in FAULTS])
def test_what_cannot_be_repainted_says_why(what: str, labels: Labels | None, part: Part, fault: str) -> None:
    assert find_region(noise(1), labels, part).fault == fault


def test_an_image_without_labels_keeps_its_subject() -> None:
    photo = Image.new("RGB", (160, 160), (90, 120, 150))
    ImageDraw.Draw(photo).ellipse((50, 50, 110, 110), fill=(220, 60, 20))
    region = find_region(photo, None, "background")
    assert not region.fault
    assert region.by_subject
    assert region.as_record()["by"] == "subject"
    assert region.kept[80, 80] == 255
    assert region.kept[5, 5] == 0
    inside = find_region(photo, None, "objects")
    assert inside.kept[80, 80] == 0
    assert inside.kept[5, 5] == 255
    assert (
        find_region(Image.new("RGB", (64, 64)), None, "background").fault == "nothing stands out from the surroundings"
    )
