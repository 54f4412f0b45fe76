"""The operation `background`: labelled pixels stay as they are, everything else is another ground."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo
from augmentai.lift.variations import maker_of
from augmentai.operations import Donor, DonorPool, Donors, apply_operations, replay_operations
from augmentai.operations.background import Background
from augmentai.recipe import Recipe
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.known_labels import KnownLabels

SIZE_WH = (96, 64)
BOX = (30.0, 20.0, 60.0, 50.0)
LOOSE = (26.0, 16.0, 64.0, 54.0)
RING = ((30.0, 20.0), (60.0, 20.0), (60.0, 50.0), (30.0, 50.0))
BITMAP = np.zeros(SIZE_WH[::-1], bool)
BITMAP[20:50, 30:60] = True


def photo(object_colour: Any = "red", ground: Any = (20, 90, 40), size_wh: tuple[int, int] = SIZE_WH) -> Image.Image:
    """A square on a ground of one colour with a little noise."""
    image = Image.new("RGB", size_wh, ground)
    scale = size_wh[0] / SIZE_WH[0]
    ImageDraw.Draw(image).rectangle([round(v * scale) - (n > 1) for n, v in enumerate(BOX)], fill=object_colour)
    noise = np.random.default_rng(1).integers(-4, 5, (*size_wh[::-1], 3))
    return Image.fromarray((np.asarray(image).astype(int) + noise).clip(0, 255).astype(np.uint8))


def mask_of(values: Sequence[int], mode: str = "L") -> Image.Image:
    low, high = values
    return Image.fromarray(np.where(BITMAP, high, low).astype(np.uint8)).convert(mode)


def donors(labels: Labels | None, grounds: Sequence[Any] = ("blue",), label: str | None = "b") -> Donors:
    """Images of another class, each a black square on a ground of its own."""
    images = {f"{number}.png": photo("black", ground) for number, ground in enumerate(grounds)}

    def load(source: Source) -> Donor:
        return Donor(source.path, source.sha256, source.label, Photo(images[source.path], "PNG", "RGB"), labels)

    pool = DonorPool([Source.from_bytes(path, path.encode(), label) for path in images], load)
    return pool.beside(Source.from_bytes("own.png", b"own", "a"))


SQUARE = Labels((Shape("square", BOX, (RING,)),))
LABELS = {
    "a polygon": SQUARE,
    "a bitmap": Labels((Shape("square", BOX, mask=BITMAP),)),
    "a box alone": Labels((Shape("square", LOOSE),)),
    "a mask": Labels(mask=mask_of((0, 3))),
    "a colour mask": Labels(mask=mask_of((0, 200)).convert("RGB")),
    "a black and white mask": Labels(mask=mask_of((0, 255), "1")),
    "nothing but a subject": None,
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("ground", ["other", "plain"])
class TestCutOut:
    def test_the_object_stays_and_the_ground_changes(self, labels: Labels | None, ground: Any) -> None:
        image = photo()
        applied = apply_operations(image, labels, [Background(ground=ground)], 3, donors=donors(SQUARE))
        assert applied.notices == ()
        assert applied.labels is labels
        before, after = np.asarray(image).astype(int), np.asarray(applied.image).astype(int)
        inner = BITMAP if labels is not None and labels.shapes and labels.shapes[0].has_outline else _shrunk(4)
        np.testing.assert_array_equal(after[inner], before[inner])
        changed = np.abs(after - before).max(-1)[~_grown(8)] > 12
        assert changed.mean() > 0.9

    def test_what_was_drawn_repeats_it(self, labels: Labels | None, ground: Any) -> None:
        lenders = donors(SQUARE, ("blue", "orange", "white"))
        applied = apply_operations(photo(), labels, [Background(ground=ground)], 5, donors=lenders)
        records = json.loads(json.dumps(applied.details["operations"]))
        again, _ = replay_operations(photo(), labels, records, donors=lenders)
        assert again.tobytes() == applied.image.tobytes()


def _shrunk(by: int) -> Any:
    out = np.zeros_like(BITMAP)
    out[20 + by : 50 - by, 30 + by : 60 - by] = True
    return out


def _grown(by: int) -> Any:
    out = np.zeros_like(BITMAP)
    out[20 - by : 50 + by, 30 - by : 60 + by] = True
    return out


@pytest.mark.parametrize("lent", [SQUARE, Labels((Shape("square", LOOSE),)), None], ids=["outline", "box", "subject"])
def test_the_donors_own_object_is_painted_over(lent: Labels | None) -> None:
    """A black square on a light ground; nothing of it is left."""
    lenders = donors(lent, [(200, 210, 220)])
    applied = apply_operations(photo(), SQUARE, [Background(ground="other")], 1, donors=lenders)
    outside = np.asarray(applied.image)[~_grown(3)]
    assert outside.min() > 150


def test_a_ground_of_the_same_class_only() -> None:
    other = donors(SQUARE, label="b")
    applied = apply_operations(photo(), None, [Background(ground="same_class")], 1, donors=other)
    assert not applied.moved
    assert applied.notices == ("background was left out: no other training image can lend its background",)
    own = donors(SQUARE, label="a")
    assert apply_operations(photo(), None, [Background(ground="same_class")], 1, donors=own).moved


def test_grounds_where_the_labelled_class_occurs() -> None:
    elsewhere = donors(Labels((Shape("circle", BOX, (RING,)),)))
    assert not apply_operations(photo(), SQUARE, [Background(ground="same_class")], 1, donors=elsewhere).moved


def test_grounds_where_one_of_the_labelled_classes_occurs() -> None:
    """Of ten images that could lend, those with a square do, whatever the seed."""
    with_square = {f"{number}.png" for number in range(0, 10, 3)}

    def load(source: Source) -> Donor:
        assert source.labels is not None
        lent = Photo(photo("black", "blue"), "PNG", "RGB")
        return Donor(source.path, source.sha256, None, lent, source.labels.load())

    def lender(path: str) -> Source:
        plain = Source.from_bytes(path, path.encode())
        name = "square" if path in with_square else "circle"
        labels = KnownLabels(Labels((Shape(name, BOX, (RING,)),)))
        return Source(path, None, plain.sha256, plain.size_bytes, plain.read, labels=labels)

    pool = DonorPool([lender(f"{number}.png") for number in range(10)], load)
    lent = set()
    for seed in range(12):
        lenders = pool.beside(Source.from_bytes("own.png", b"own"))
        applied = apply_operations(photo(), SQUARE, [Background(ground="same_class")], seed, donors=lenders)
        lent.add(applied.details["operations"][0]["drawn"]["donors"][0]["path"])
    assert lent <= with_square
    assert len(lent) > 1


REFUSED = {
    # labels, what the notice says
    "labels all over": (Labels(mask=Image.new("L", SIZE_WH, 1)), "labelled objects cover 100% of it"),
    "an empty mask": (Labels(mask=Image.new("L", SIZE_WH)), "none of its pixels is labelled"),
    "keypoints alone": (
        Labels((Shape("hand", None, keypoints=((3, 3, 2),)),)),
        "nothing says which pixels belong to the object 'hand'",
    ),
    "a box that shows no outline": (
        Labels((Shape("square", BOX),)),
        "no outline of the object 'square' could be found",
    ),
    "a tiny box": (Labels((Shape("dot", (3, 3, 8, 8)),)), "the object 'dot' is too small to be cut out by its box"),
    "a box around everything": (Labels((Shape("all", (0, 0, *SIZE_WH)),)), "the object 'all' fills the image"),
}


@pytest.mark.parametrize(("labels", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_cut_out_stays_as_it_is_and_says_why(labels: Labels, words: str) -> None:
    image = photo()
    applied = apply_operations(image, labels, [Background(ground="plain")], 1)
    assert applied.image is image
    assert len(applied.notices) == 1
    assert words in applied.notices[0]


@pytest.mark.parametrize("labels", [Labels(), Labels(extra={"width": 3})])
def test_an_image_without_objects_is_left_alone_in_silence(labels: Labels) -> None:
    applied = apply_operations(photo(), labels, [Background(ground="plain")], 1)
    assert (applied.moved, applied.notices) == (False, ())


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "I", "F"])
def test_every_kind_of_image(mode: str) -> None:
    grey = np.asarray(photo().convert("L"))
    image = {
        "I;16": lambda: Image.fromarray(grey.astype(np.uint16) * 200),
        "I": lambda: Image.fromarray(grey.astype(np.int32) * 70_000),
        "F": lambda: Image.fromarray(grey.astype(np.float32) / 3 - 20),
    }.get(mode, lambda: photo().convert(mode))()
    applied = apply_operations(image, SQUARE, [Background(ground="other")], 1, donors=donors(SQUARE, ["white"]))
    before, after = np.asarray(image), np.asarray(applied.image)
    assert (applied.image.mode, applied.image.size) == (mode, image.size)
    np.testing.assert_array_equal(after[BITMAP], before[BITMAP])
    assert (after[~_grown(3)] != before[~_grown(3)]).any()
    assert after.max() <= before.max() or after.dtype == np.uint8


def test_a_plain_ground_borrows_from_nobody() -> None:
    """So that a measurement by folds makes its variations once."""
    settings = Settings(stability_api_key="")
    makers = [
        maker_of(ground, Recipe(engine="none", operations=[{"background": {"ground": ground}}]), settings, 1, False, 8)
        for ground in ("other", "plain")
    ]
    assert [maker.borrows for maker in makers] == [True, False]


def test_a_donor_of_another_shape_covers_the_whole_image() -> None:
    tall = Labels((Shape("square", (1, 1, 4, 4), (((1, 1), (4, 1), (4, 4), (1, 4)),)),))
    own = Source.from_bytes("own.png", b"own")
    lender = Source.from_bytes("tall.png", b"tall")
    pool = DonorPool(
        [lender],
        lambda source: Donor(
            source.path, source.sha256, None, Photo(Image.new("RGB", (20, 300), "yellow"), "PNG", "RGB"), tall
        ),
    )
    applied = apply_operations(photo(), SQUARE, [Background()], 1, donors=pool.beside(own))
    assert (np.asarray(applied.image)[~_grown(3)] == (255, 255, 0)).all()
