"""The operation `copy_paste`: what is pasted, where, from whom, and what the labels say of what it hides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo
from augmentai.operations import Applied, Donor, DonorPool, Donors, DrawSettings, apply_operations
from augmentai.operations.copy_paste import CopyPaste
from augmentai.types import Source
from tests.support.flat_scenes import GROUND, SIZE_WH, Ellipses, bitmap, painted, visible
from tests.support.painted_objects import bounds, overlap

OWN: Ellipses = [("red", (40, 30, 90, 80)), ("green", (100, 70, 150, 110))]
LENT: Ellipses = [("blue", (60, 30, 100, 80))]


def ring_of(ellipse: tuple[int, int, int, int]) -> tuple[tuple[float, float], ...]:
    x0, y0, x1, y1 = ellipse
    turns = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    points = np.column_stack([np.cos(turns) * (x1 - x0) / 2, np.sin(turns) * (y1 - y0) / 2])
    return tuple((float(x), float(y)) for x, y in np.add(points, ((x0 + x1) / 2, (y0 + y1) / 2)))


def labelled(ellipses: Ellipses, kind: str) -> Labels:
    shapes = []
    for name, ellipse in ellipses:
        box: Any = bounds(bitmap(ellipse))
        rings = (ring_of(ellipse),) if kind == "outlines" else ()
        shapes.append(Shape(name, box, rings, bitmap(ellipse) if kind == "bitmaps" else None))
    return Labels(tuple(shapes))


def donors(
    labels: Labels | None,
    image: Image.Image | None = None,
    label: str | None = None,
    others: Sequence[tuple[Image.Image, Labels]] = (),
) -> Donors:
    """One image that lends, or several."""
    lending = [(image or painted(LENT), labels), *others]
    sources = [Source.from_bytes(f"{n}.png", bytes([n]), label) for n in range(len(lending))]

    class Reader:
        def __init__(self, number: int) -> None:
            self.number = number

        def load(self) -> Labels:
            return lending[self.number][1] or Labels()

    sources = [replace(source, labels=Reader(n)) for n, source in enumerate(sources)]

    def load(source: Source) -> Donor:
        pixels, said = lending[int(source.path[0])]
        return Donor(source.path, source.sha256, source.label, Photo(pixels, "PNG", "RGB"), said)

    return DonorPool(sources, load).beside(Source.from_bytes("own.png", b"own", label))


def pasted(
    labels: Labels | None,
    lenders: Donors,
    seed: int = 1,
    image: Image.Image | None = None,
    settings: DrawSettings | None = None,
    **parameters: Any,
) -> Applied:
    operation = CopyPaste(**{"probability": 1.0, "objects": 1, **parameters})
    return apply_operations(image or painted(OWN), labels, [operation], seed, settings, lenders)


@pytest.mark.parametrize("kind", ["outlines", "bitmaps", "boxes"])
@pytest.mark.parametrize("place", ["class", "same", "anywhere"])
def test_labels_are_what_can_be_counted_in_the_pixels(kind: str, place: Any) -> None:
    """Everything is counted by its colour: what is pasted, what of the others still shows, what is lost."""
    hidden = 0
    for seed in range(1, 17):
        one = pasted(labelled(OWN, kind), donors(labelled(LENT, kind)), seed, place=place)
        assert one.labels is not None
        seen = {name: visible(one.image, name) for name in ("red", "green", "blue")}
        shapes = {shape.category: shape for shape in one.labels.shapes}
        assert "blue" in shapes
        gone = 0
        for name, ellipse in OWN:
            whole = bitmap(ellipse)
            share = seen[name].sum() / whole.sum()
            if name not in shapes:
                gone += int(seen[name].sum())
                assert share < 0.34, seed
                hidden += 1
            elif kind != "boxes":
                assert share > 0.26, seed
        for name, shape in shapes.items():
            if kind == "bitmaps":
                assert shape.mask is not None
                assert overlap(shape.mask, seen[name]) > 0.93, seed
            if kind != "boxes" or name == "blue":
                np.testing.assert_allclose(shape.box, bounds(seen[name]), atol=2.1, err_msg=str(seed))  # type: ignore[arg-type]
        assert one.labels.hidden.objects == len(OWN) + 1 - len(shapes)
        if kind != "boxes":
            assert abs(one.labels.hidden.pixels - gone) <= 0.1 * gone + 30
        assert one.lost == 0
    assert hidden <= 2  # places that hide little are preferred


@pytest.mark.parametrize(("least_visible", "kept"), [(0.9, False), (0.02, True)])
@pytest.mark.parametrize("kind", ["outlines", "bitmaps", "boxes"])
def test_an_object_that_is_mostly_hidden_loses_its_label(kind: str, least_visible: float, kept: bool) -> None:
    """The image is hardly larger than what is pasted, so that there is no other place."""
    image, own = painted([("red", (6, 6, 40, 44))], (48, 52)), labelled([("red", (6, 6, 40, 44))], kind)
    small = labelled([("blue", (4, 6, 30, 44))], kind)
    own, small = (Labels(tuple(_cropped(shape) for shape in labels.shapes)) for labels in (own, small))
    lender = donors(small, painted([("blue", (4, 6, 30, 44))], (120, 130)))
    settings = DrawSettings(least_visible=least_visible)
    one = pasted(own, lender, image=image, settings=settings, scale=2.3, place="same")
    assert one.labels is not None
    assert ("red" in {shape.category for shape in one.labels.shapes}) == kept
    assert one.labels.hidden.objects == (not kept)


def _cropped(shape: Shape) -> Shape:
    return replace(shape, mask=None if shape.mask is None else shape.mask[:52, :48])


@pytest.mark.parametrize("kind", ["outlines", "bitmaps", "boxes"])
def test_the_pasted_pixels_are_the_objects_own(kind: str) -> None:
    """No background comes along, and on the same ground the colour stays."""
    one = pasted(labelled(OWN, kind), donors(labelled(LENT, kind)), scale=1)
    pixels = np.asarray(one.image).astype(int)
    blue = visible(one.image, "blue")
    inner = blue & ~np.isin(np.arange(SIZE_WH[0]), [0])[None]
    assert overlap(inner, blue) == 1
    assert abs(int(blue.sum()) - int(bitmap(LENT[0][1]).sum())) < 60
    assert np.median(np.abs(pixels[blue] - (40, 60, 240)).max(-1)) <= 2
    before = np.asarray(painted(OWN)).astype(int)
    x0, y0, x1, y1 = map(int, bounds(blue))
    outside = np.ones(SIZE_WH[::-1], bool)
    outside[max(0, y0 - 6) : y1 + 6, max(0, x0 - 6) : x1 + 6] = False
    np.testing.assert_array_equal(pixels[outside], before[outside])


@pytest.mark.parametrize("edge", ["soft", "poisson"])
def test_it_takes_on_the_light_of_its_new_place(edge: Any) -> None:
    """From a dark ground to a light one; no halo of the old ground is left around it."""
    dark = Image.fromarray((np.asarray(painted(LENT)) * 0.8).astype(np.uint8))
    one = pasted(labelled(OWN, "bitmaps"), donors(labelled(LENT, "bitmaps"), dark), edge=edge, scale=1)
    assert one.labels is not None
    mask = one.labels.shapes[-1].mask
    assert mask is not None
    pixels = np.asarray(one.image).astype(int)
    assert pixels[mask][:, 2].mean() > 0.87 * 240
    import cv2

    ring = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7))) - cv2.dilate(mask.astype(np.uint8), np.ones((5, 5)))
    around = pixels[(ring > 0) & (np.abs(pixels - GROUND).max(-1) < 60)]
    assert np.abs(around - GROUND).mean() < 4


def test_poisson_puts_it_where_the_labels_say() -> None:
    for seed in range(1, 6):
        soft, poisson = (
            pasted(labelled(OWN, "bitmaps"), donors(labelled(LENT, "bitmaps")), seed, edge=edge)
            for edge in ("soft", "poisson")
        )
        assert overlap(visible(soft.image, "blue"), visible(poisson.image, "blue")) > 0.9


def test_poor_cuts_are_refused_and_the_report_says_so() -> None:
    """A box on noise, in which nothing stands out."""
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (*SIZE_WH[::-1], 3), np.uint8))
    image = painted(OWN)
    one = pasted(labelled(OWN, "boxes"), donors(labelled(LENT, "boxes"), noise), image=image)
    assert one.image is image
    (notice,) = one.notices
    assert notice.startswith("copy_paste was left out: ")
    assert "'blue'" in notice


WHAT_LENDS_NOTHING: Mapping[str, tuple[Labels, str]] = {
    # labels of the only donor; what the notice says
    "no object": (Labels(), "no other training image has an object that could be lent"),
    "cut by the border": (Labels((Shape("blue", (0, 30, 40, 80)),)), "no other training image has an object"),
    "a crowd": (
        Labels((Shape("blue", (60, 30, 100, 80), extra={"coco": {"iscrowd": 1}}),)),
        "no other training image has an object",
    ),
    "marked as truncated": (
        Labels((Shape("blue", (60, 30, 100, 80), extra={"fields": {"truncated": 1}}),)),
        "no other training image has an object",
    ),
    "too large": (Labels((Shape("blue", (5, 5, 150, 110)),)), "no other training image has an object"),
    "a line": (Labels((Shape("blue", None, lines=(((1, 1), (9, 9)),)),)), "no other training image has an object"),
}


@pytest.mark.parametrize(("labels", "words"), WHAT_LENDS_NOTHING.values(), ids=WHAT_LENDS_NOTHING)
def test_what_cannot_be_lent(labels: Labels, words: str) -> None:
    one = pasted(labelled(OWN, "boxes"), donors(labels))
    assert not one.moved
    assert one.notices[0].startswith(f"copy_paste was left out: {words}")


def test_an_image_without_labels_is_skipped_in_words() -> None:
    """Such as those of class folders."""
    one = pasted(None, donors(labelled(LENT, "boxes")))
    assert one.notices == ("copy_paste was left out: it has no labels into which a pasted object could be written",)


def test_an_image_without_objects_gets_one() -> None:
    one = pasted(Labels(), donors(labelled(LENT, "outlines")), image=painted([]))
    assert one.labels is not None
    assert [shape.category for shape in one.labels.shapes] == ["blue"]


def test_in_class_folders_only_the_same_class_lends() -> None:
    pool = DonorPool(
        [Source.from_bytes("other/0.png", b"0", "other")],
        lambda source: Donor(source.path, source.sha256, source.label, Photo(painted(LENT), "PNG", "RGB")),
    )
    one = pasted(labelled(OWN, "boxes"), pool.beside(Source.from_bytes("own/0.png", b"own", "own")))
    assert not one.moved


def test_keypoints_come_along() -> None:
    points = ((70.0, 40.0, 2.0), (90.0, 60.0, 2.0), (0.0, 0.0, 0.0))
    lent = replace(labelled(LENT, "bitmaps").shapes[0], keypoints=points, flip_order=(1, 0, 2))
    mirrored = 0
    for seed in range(1, 12):
        one = pasted(labelled(OWN, "bitmaps"), donors(Labels((lent,))), seed)
        assert one.labels is not None
        last = one.labels.shapes[-1]
        assert last.mask is not None
        for x, y, seen in last.keypoints[:2]:
            assert last.mask[int(y), int(x)]
            assert seen == 2
        assert last.keypoints[2] == (0, 0, 0)
        left, right = last.keypoints[0][0], last.keypoints[1][0]
        assert left < right  # the left one is the left one in a mirrored object, too
        mirrored += one.details["operations"][0]["drawn"]["objects"][0]["mirrored"]
    assert 0 < mirrored < 11


def test_without_left_and_right_nothing_is_mirrored() -> None:
    lent = replace(labelled(LENT, "bitmaps").shapes[0], keypoints=((70.0, 40.0, 2.0),))
    settings = (DrawSettings(mirror=False), DrawSettings())
    for shape, setting in zip((labelled(LENT, "bitmaps").shapes[0], lent), settings, strict=True):
        for seed in range(1, 12):
            one = pasted(labelled(OWN, "bitmaps"), donors(Labels((shape,))), seed, settings=setting)
            assert not one.details["operations"][0]["drawn"]["objects"][0]["mirrored"]


def test_a_rotated_box_stays_one_and_its_corners_are_not_pasted() -> None:
    corners = ((60.0, 55.0), (80.0, 28.0), (101.0, 55.0), (80.0, 82.0))  # around a lozenge-like ellipse
    lent = Shape("blue", (60, 28, 101, 82), (corners,), oriented=True)
    image = painted([("blue", (66, 36, 94, 74))])
    one = pasted(labelled(OWN, "outlines"), donors(Labels((lent,)), image), scale=1)
    assert one.labels is not None
    shape = one.labels.shapes[-1]
    assert shape.oriented
    assert len(shape.polygons[0]) == 4
    found = visible(one.image, "blue")
    assert abs(int(found.sum()) - int(bitmap((66, 36, 94, 74)).sum())) < 80
    x0, y0, x1, y1 = shape.box or (0, 0, 0, 0)
    fx0, fy0, fx1, fy1 = bounds(found)
    assert max(x0 - fx0, y0 - fy0, fx1 - x1, fy1 - y1) <= 1


def test_rare_classes_first_where_classes_are_balanced() -> None:
    common = [(painted([("red", (60, 30, 100, 80))]), labelled([("red", (60, 30, 100, 80))], "outlines"))] * 6
    rare = labelled(LENT, "outlines")
    lenders = donors(rare, others=[(image, labels) for image, labels in common])

    def classes(settings: DrawSettings) -> Counter[str]:
        made = (pasted(Labels(), lenders, seed, painted([]), settings) for seed in range(1, 25))
        return Counter(one.details["operations"][0]["drawn"]["objects"][0]["class"] for one in made)

    assert classes(DrawSettings(balance=True)) == {"blue": 24}
    assert classes(DrawSettings())["red"] > 12


def test_several_objects_and_their_donors_in_the_manifest() -> None:
    lenders = donors(labelled(LENT, "bitmaps"), others=[(painted(OWN), labelled(OWN, "bitmaps"))])
    counts: Counter[int] = Counter()
    for seed in range(1, 20):
        one = pasted(Labels(), lenders, seed, painted([]), objects=(1, 3))
        drawn = one.details["operations"][0]["drawn"]
        assert len(drawn["donors"]) == len(drawn["objects"])
        assert one.labels is not None
        assert len(one.labels.shapes) + one.labels.hidden.objects == len(drawn["objects"])
        counts[len(drawn["objects"])] += 1
    assert set(counts) == {1, 2, 3}


def test_by_default_half_of_the_variations_get_one_object() -> None:
    operation, lenders = CopyPaste(), donors(labelled(LENT, "bitmaps"))
    made = [apply_operations(painted([]), Labels(), [operation], seed, donors=lenders) for seed in range(200)]
    assert 70 < sum(one.moved for one in made) < 130
    assert {len(one.labels.shapes) for one in made if one.labels is not None} == {0, 1}
