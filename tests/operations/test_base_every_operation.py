"""The table that every operation goes through, built in or from another package."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai import registry
from augmentai.annotations import Labels, Shape
from augmentai.operations import Operation, apply_operations, build_operations, replay_operations
from augmentai.recipe import Recipe
from tests.support.image_files import alpha_of, colours, deep_values
from tests.support.painted_objects import SIZE_WH, bounds, filled, overlap, rectangles, seen, stars

# Each so that it does something to every image.
OPERATIONS = {
    "flip": "flip(probability=1)",
    "crop": "crop(scale=0.5..0.8)",
    "rotate": "rotate(degrees=20)",
    "perspective": "perspective(tilt=0.2)",
    "shift": "shift",
    "posterize": "posterize(levels=24)",
}
# Settings with which each does nothing.
NEUTRAL = {"flip": "flip(probability=0)", "crop": "crop(scale=1)", "rotate": "rotate(degrees=0)"}
NEUTRAL |= {"perspective": "perspective(tilt=0)", "shift": "shift(share=0)", "posterize": "posterize(probability=0)"}
SEEDS = range(1, 9)

pytestmark = pytest.mark.usefixtures("other_operations")


def images() -> dict[str, Image.Image]:
    """One of each mode that a variation may have."""
    with_alpha, grey_alpha = colours(), colours().convert("L")
    with_alpha.putalpha(alpha_of())
    grey_alpha.putalpha(alpha_of())
    return {
        "L": colours().convert("L"),
        "LA": grey_alpha,
        "RGB": colours(),
        "RGBA": with_alpha,
        "I;16": Image.fromarray(deep_values()),
        "I": Image.fromarray(deep_values(kind=np.int32, top=2_000_000_000)),
        "F": Image.fromarray(deep_values(kind=np.float32, top=1000) - 500),
    }


def masks() -> dict[str, Image.Image]:
    """One of each mode that a mask may have."""
    values = np.full(SIZE_WH[::-1], 255, np.uint8)
    for number, bitmap in enumerate(seen(rectangles()[0])):
        values[bitmap] = number
    palette = Image.new("P", SIZE_WH)
    palette.putpalette(list(range(256)) * 3)
    palette.frombytes(values.tobytes())
    deep = Image.fromarray(values.astype(np.uint16) * 257)
    return {"1": Image.fromarray(values < 3), "L": Image.fromarray(values), "P": palette, "I;16": deep}


def built(step: str) -> Operation:
    (operation,) = build_operations(Recipe(operations=[step]).operations)
    return operation


def test_every_operation_is_in_the_table() -> None:
    assert set(registry.names("operations")) - {"stamp"} == set(OPERATIONS) == set(NEUTRAL)


@pytest.mark.parametrize("name", OPERATIONS)
class TestOperation:
    def test_it_says_what_it_is_and_cannot_be_changed(self, name: str) -> None:
        operation = built(OPERATIONS[name])
        assert operation.name == name
        assert operation.title[0].isupper()
        assert operation.blurb == operation.blurb.lower().removesuffix(".")
        for one in operation.parameters().values():
            assert one.help.endswith(".")
            assert one.kind.values()
            assert one.kind.check(one.name, one.default) == one.default
        with pytest.raises(dataclasses.FrozenInstanceError):
            operation.probability = 0.5  # type: ignore[misc]

    def test_a_recipe_holds_it_and_gives_it_back(self, name: str) -> None:
        operation = built(OPERATIONS[name])
        assert build_operations([operation.as_step()]) == (operation,)
        assert build_operations(json.loads(json.dumps([operation.as_step()]))) == (operation,)

    @pytest.mark.parametrize("mode", images())
    def test_size_mode_and_range_are_kept(self, name: str, mode: str) -> None:
        image = images()[mode]
        before = np.asarray(image)
        for seed in SEEDS:
            applied = apply_operations(image, None, [built(OPERATIONS[name])], seed)
            after = np.asarray(applied.image)
            assert applied.moved
            assert applied.labels is None
            assert (applied.image.mode, applied.image.size) == (mode, image.size)
            assert after.max() <= (255 if after.dtype == np.uint8 else before.max())
            assert after.min() >= min(before.min(), 0)
            assert not np.array_equal(after, before)
        np.testing.assert_array_equal(np.asarray(image), images()[mode])  # not changed in place

    @pytest.mark.parametrize("mode", images())
    def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(self, name: str, mode: str) -> None:
        made = [apply_operations(images()[mode], None, [built(OPERATIONS[name])], seed) for seed in (5, 5, 6)]
        assert made[0].image.tobytes() == made[1].image.tobytes()
        assert made[0].details == made[1].details
        assert name == "flip" or any(
            apply_operations(images()[mode], None, [built(OPERATIONS[name])], seed).details != made[0].details
            for seed in range(6, 12)
        )

    @pytest.mark.parametrize("mode", images())
    def test_what_was_drawn_repeats_it(self, name: str, mode: str) -> None:
        """By what the manifest records alone, without the parameters of the recipe."""
        image = images()[mode]
        for seed in SEEDS:
            applied = apply_operations(image, None, [built(OPERATIONS[name])], seed)
            records = json.loads(json.dumps(applied.details["operations"]))
            assert records == applied.details["operations"]
            assert [record["name"] for record in records] == [name]
            again, _ = replay_operations(image, None, records)
            assert again.tobytes() == applied.image.tobytes()

    def test_labels_are_repeated_too(self, name: str) -> None:
        image, shapes = stars()
        labels = Labels(tuple(shapes), masks()["P"], (masks()["1"],))
        applied = apply_operations(image, labels, [built(OPERATIONS[name])], 3)
        _, again = replay_operations(image, labels, applied.details["operations"])
        assert applied.labels is not None
        assert again == applied.labels
        assert again is not None
        assert again.mask is not None
        assert applied.labels.mask is not None
        assert again.mask.tobytes() == applied.labels.mask.tobytes()

    def test_what_it_draws_does_not_depend_on_other_images_or_operations(self, name: str) -> None:
        """Nor on the order in which they come, nor on anything that went before."""
        operation, others = built(OPERATIONS[name]), [built(OPERATIONS[other]) for other in OPERATIONS if other != name]
        alone = {seed: apply_operations(colours(), None, [operation], seed).details["operations"] for seed in SEEDS}
        for seed in reversed(SEEDS):
            behind = apply_operations(colours(), None, [*others, operation], seed).details["operations"]
            assert behind[-1:] == alone[seed]
            before = apply_operations(colours(), None, [operation, *others], seed).details["operations"]
            assert before[:1] == alone[seed]

    def test_twice_in_a_recipe_it_draws_twice(self, name: str) -> None:
        operation = built(OPERATIONS[name])
        pairs = [apply_operations(colours(), None, [operation] * 2, seed).details["operations"] for seed in SEEDS]
        assert all(first["name"] == second["name"] for first, second in pairs)
        assert any(first != second for first, second in pairs) == (name != "flip")  # of which there is only one kind

    def test_neutral_settings_leave_everything_as_it_is(self, name: str) -> None:
        image, shapes = rectangles()
        labels = Labels(tuple(shapes))
        for seed in SEEDS:
            applied = apply_operations(image, labels, [built(NEUTRAL[name])], seed)
            assert applied.image is image
            assert applied.labels is labels
            assert not applied.moved
            assert applied.details == {}

    def test_probability_is_the_share_of_the_variations(self, name: str) -> None:
        half = dataclasses.replace(built(OPERATIONS[name]), probability=0.5)
        image = Image.new("L", (16, 12), 90)
        image.paste(10, (0, 0, 5, 5))
        count = sum(apply_operations(image, None, [half], seed).moved for seed in range(200))
        assert 75 < count < 125

    @pytest.mark.parametrize("draws", [rectangles, stars])
    def test_boxes_and_outlines_agree_with_the_pixels(self, name: str, draws: Callable[[], Any]) -> None:
        image, shapes = draws()
        compared = 0
        for seed in range(1, 26):
            applied = apply_operations(image, Labels(tuple(shapes)), [built(OPERATIONS[name])], seed)
            assert applied.labels is not None
            whole, tips = found(applied.image, 0.5), found(applied.image, 0.2)
            for shape in applied.labels.shapes:
                number = int(shape.category)
                if shape.polygons:
                    assert overlap(filled(shape.polygons), whole[number]) > 0.88, (seed, shape.category)
                np.testing.assert_allclose(shape.box, bounds(tips[number]), atol=2.5, err_msg=f"{seed}")
                compared += 1
        assert compared > 40

    def test_bitmaps_and_masks_agree_with_the_pixels(self, name: str) -> None:
        image, _ = stars()
        bitmaps = [Shape(str(i), bounds(mask), mask=mask) for i, mask in enumerate(seen(image))]
        values = np.zeros(SIZE_WH[::-1], np.uint8)
        for shape in bitmaps:
            values[shape.mask] = int(shape.category) + 1
        compared = 0
        for seed in range(1, 16):
            labels = Labels(tuple(bitmaps), Image.fromarray(values))
            applied = apply_operations(image, labels, [built(OPERATIONS[name])], seed)
            assert applied.labels is not None
            whole = found(applied.image, 0.5)
            mask = np.asarray(applied.labels.mask)
            for shape in applied.labels.shapes:
                assert shape.mask is not None
                assert shape.mask.dtype == bool
                assert overlap(shape.mask, whole[int(shape.category)]) > 0.88, (seed, shape.category)
                np.testing.assert_array_equal(shape.mask, mask == int(shape.category) + 1)
                compared += 1
        assert compared > 35

    @pytest.mark.parametrize("mode", masks())
    def test_masks_keep_their_mode_and_get_no_new_values(self, name: str, mode: str) -> None:
        image, _ = rectangles()
        mask = masks()[mode]
        for seed in SEEDS:
            applied = apply_operations(image, Labels(mask=mask), [built(OPERATIONS[name])], seed)
            assert applied.labels is not None
            moved = applied.labels.mask
            assert moved is not None
            assert (moved.mode, moved.size, moved.getpalette()) == (mask.mode, mask.size, mask.getpalette())
            assert set(np.unique(np.asarray(moved))) <= {*np.unique(np.asarray(mask)), 0}

    def test_labels_are_untouched_where_no_pixel_moves(self, name: str) -> None:
        image, shapes = rectangles()
        labels = Labels(tuple(shapes))
        applied = apply_operations(image, labels, [built(OPERATIONS[name])], 1)
        assert (applied.labels is labels) == (name == "posterize")


def found(image: Image.Image, share: float) -> list[Any]:
    """The pixels of each object; what was uncovered is black and belongs to none."""
    uncovered = ~np.asarray(image).any(-1)
    return [bitmap & ~uncovered for bitmap in seen(image, share)]
