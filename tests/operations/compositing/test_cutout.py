"""Objects cut out by their boxes: believable ones by GrabCut, poor ones refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo
from augmentai.operations import Donor, OperationSkippedError
from augmentai.operations.compositing.cutout import cut_out, may_lend
from tests.support.painted_objects import overlap

SIZE_WH = (120, 100)
BOX = (30.0, 25.0, 80.0, 75.0)


def scene(*drawn: tuple[str, Any, Any], noise: float = 6) -> Image.Image:
    """Shapes on a grey ground with grain."""
    image = Image.new("RGB", SIZE_WH, (130, 128, 120))
    for kind, place, colour in drawn:
        getattr(ImageDraw.Draw(image), kind)(place, fill=colour)
    grain = np.random.default_rng(3).normal(0, noise, (*SIZE_WH[::-1], 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def donor(image: Image.Image, *shapes: Shape) -> Donor:
    return Donor("a.png", "a", None, Photo(image, "PNG", "RGB"), Labels(shapes))


@pytest.mark.parametrize("colour", [(200, 40, 40), (70, 70, 70), (230, 230, 240)])
def test_a_disc_in_its_box(colour: Any) -> None:
    cutout = cut_out(donor(scene(("ellipse", (30, 25, 79, 74), colour)), Shape("disc", BOX)), 0)
    disc = np.asarray(Image.new("1", SIZE_WH)).copy()
    y, x = np.mgrid[0 : SIZE_WH[1], 0 : SIZE_WH[0]]
    disc = (x - 54.5) ** 2 + (y - 49.5) ** 2 <= 25**2
    left, top, right, bottom = cutout.window
    assert overlap(cutout.mask, disc[top:bottom, left:right]) > 0.95
    assert not (cutout.ring & disc[top:bottom, left:right]).any()
    assert cutout.ring.sum() > 100


REFUSED = {
    # what is drawn, the box, the reason
    "noise alone": (scene(noise=60), BOX, "'thing'"),
    "two things": (
        scene(("ellipse", (31, 30, 47, 72), (200, 40, 40)), ("ellipse", (63, 27, 79, 70), (200, 40, 40))),
        BOX,
        "it is in several pieces",
    ),
    "a box that is far too large": (
        scene(("ellipse", (45, 40, 62, 60), (200, 40, 40))),
        (20.0, 15.0, 90.0, 85.0),
        "",
    ),
    "a star of thin rays": (
        scene(*(("line", (55, 50, 55 + 24 * dx, 50 + 24 * dy), (200, 40, 40)) for dx in (-1, 0, 1) for dy in (-1, 1))),
        BOX,
        "",
    ),
    "hardly any contrast": (scene(("ellipse", (30, 25, 79, 74), (134, 132, 124)), noise=1), BOX, ""),
}


@pytest.mark.parametrize(("image", "box", "words"), REFUSED.values(), ids=REFUSED)
def test_poor_masks_are_refused(image: Image.Image, box: Any, words: str) -> None:
    lender = donor(image, Shape("thing", box))
    for _ in range(2):  # the second time it is known
        with pytest.raises(OperationSkippedError) as caught:
            cut_out(lender, 0)
        assert words in str(caught.value)


def test_a_box_with_another_in_it_is_refused() -> None:
    image = scene(("ellipse", (30, 25, 79, 74), (200, 40, 40)))
    with pytest.raises(OperationSkippedError, match="other objects are in the box of the object 'disc'"):
        cut_out(donor(image, Shape("disc", BOX), Shape("other", (60, 50, 100, 90))), 0)


def test_masks_of_single_objects_beside_boxes_are_exact() -> None:
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    values[25:75, 30:80] = np.tri(50, dtype=np.uint8) * 4
    labels = Labels((Shape("half", BOX),), Image.fromarray(values), extra={"instance_masks": (0,), "mask_classes": {}})
    lender = Donor("a.png", "a", None, Photo(scene(noise=60), "PNG", "RGB"), labels)
    assert cut_out(lender, 0).mask.sum() == (values == 4).sum()


WHOLE = {
    # box, extra, whether it may lend
    "in the middle": (BOX, {}, True),
    "at the border": ((0.0, 25.0, 50.0, 75.0), {}, False),
    "tiny": ((30.0, 30.0, 33.0, 40.0), {}, False),
    "nearly everything": ((5.0, 5.0, 110.0, 90.0), {}, False),
    "truncated": (BOX, {"fields": {"truncated": 1}}, False),
    "not truncated": (BOX, {"fields": {"truncated": 0}}, True),
    "a crowd": (BOX, {"coco": {"iscrowd": 1}}, False),
    "occluded": (BOX, {"coco": {"attributes": {"occluded": True}}}, False),
}


@pytest.mark.parametrize(("box", "extra", "expected"), WHOLE.values(), ids=WHOLE)
def test_which_objects_may_lend(box: Any, extra: Any, expected: bool) -> None:
    assert may_lend(donor(scene(), Shape("thing", box, extra=extra))) == ([0] if expected else [])
