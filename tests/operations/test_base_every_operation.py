"""The table that every operation goes through, built in or from another package. A new one is in it by itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.images import Photo
from augmentai.operations import (
    BUILT_IN,
    Applied,
    BorrowingOperation,
    Donor,
    DonorPool,
    Donors,
    Operation,
    apply_operations,
    build_operations,
    replay_operations,
)
from augmentai.operations.base import CAMERA, OTHER, WEATHER
from augmentai.recipe import Recipe
from augmentai.registry import find
from augmentai.types import Source
from tests.support.image_files import alpha_of, colours, deep_values, png
from tests.support.painted_objects import BOXES, COLOURS, SIZE_WH, bounds, filled, overlap, seen

NAMES = (*BUILT_IN, "shift", "posterize", "stamp")
SEEDS = range(1, 9)
TINY = [(1, 1), (2, 1), (16, 16), (1, 64), (300, 3)]

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


MODES = tuple(images())


def painted(number: int = 0) -> tuple[Image.Image, list[Shape]]:
    """Rectangles on grey, the same ones at other places in each image, with boxes and outlines."""
    image = Image.new("RGB", SIZE_WH, (120, 120, 120))
    shapes = []
    for name, (box, colour) in enumerate(zip(BOXES, COLOURS, strict=True)):
        x0, y0, x1, y1 = box
        if number & 1:
            x0, x1 = SIZE_WH[0] - x1, SIZE_WH[0] - x0
        if number & 2:
            y0, y1 = SIZE_WH[1] - y1, SIZE_WH[1] - y0
        image.paste(colour, (x0, y0, x1, y1))
        ring = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        shapes.append(Shape(str(name), (x0, y0, x1, y1), (ring,)))
    return image, shapes


def with_bitmaps(image: Image.Image) -> Labels:
    """The same objects as bitmaps, and as one mask of classes."""
    found = seen(image)
    values = np.zeros(SIZE_WH[::-1], np.uint8)
    for number, bitmap in enumerate(found):
        values[bitmap] = number + 1
    shapes = (Shape(str(number), bounds(bitmap), mask=bitmap) for number, bitmap in enumerate(found))
    return Labels(tuple(shapes), Image.fromarray(values))


SOURCES = [Source.from_bytes(f"{n}.png", png(seed=n), "painted") for n in range(4)]


def pool(size_wh: tuple[int, int] = SIZE_WH, bitmaps: bool = False, sources: Sequence[Source] = SOURCES) -> DonorPool:
    """Painted images that lend."""

    def load(source: Source) -> Donor:
        image, shapes = painted(int(source.path[0]))
        if size_wh != SIZE_WH:
            image, shapes = colours(size_wh, seed=int(source.path[0])), [Shape("0", (0, 0, *size_wh))]
        labels = with_bitmaps(image) if bitmaps and size_wh == SIZE_WH else Labels(tuple(shapes))
        return Donor(source.path, source.sha256, source.label, Photo(image, "PNG", "RGB"), labels)

    return DonorPool(sources, load)


def donors(size_wh: tuple[int, int] = SIZE_WH, bitmaps: bool = False) -> Donors:
    return pool(size_wh, bitmaps).beside(SOURCES[0])


def class_of(name: str) -> type[Operation]:
    found: type[Operation] = find("operations", name)
    return found


def built(name: str, **parameters: Any) -> Operation:
    """An operation with its defaults, applied to every image."""
    return class_of(name)(**{"probability": 1.0, **parameters})


def applied(
    operation: Operation, image: Image.Image, labels: Labels | None, seed: int, lenders: Donors | None = None
) -> Applied:
    return apply_operations(image, labels, [operation], seed, donors=lenders or donors(image.size))


def boxes_of(image: Image.Image) -> Labels:
    """Labels with one object in the middle, for images that show none."""
    width, height = image.size
    x0, y0, x1, y1 = box = (width / 4, height / 4, width * 3 / 4, height * 3 / 4)
    return Labels((Shape("0", box, (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)),))


@cache
def on_every_mode(name: str, mode: str) -> tuple[Applied, ...]:
    image = images()[mode]
    return tuple(applied(built(name), image, boxes_of(image), seed) for seed in SEEDS)


@pytest.mark.parametrize("name", NAMES)
class TestOperation:
    def test_it_says_what_it_is_and_cannot_be_changed(self, name: str) -> None:
        operation = built(name)
        assert operation.name == name
        assert operation.title[0].isupper()
        assert operation.blurb == operation.blurb.removesuffix(".")
        assert operation.blurb[0].islower()
        assert operation.group != OTHER or name not in BUILT_IN
        assert (type(operation).__doc__ or "").strip()
        for one in operation.parameters().values():
            assert one.help.endswith(".")
            assert one.kind.values()
            assert one.kind.check(one.name, one.default) == one.default
        with pytest.raises(dataclasses.FrozenInstanceError):
            operation.probability = 0.5  # type: ignore[misc]

    def test_a_recipe_holds_it_and_gives_it_back(self, name: str) -> None:
        for operation in (built(name), built(name, probability=0.25)):
            assert build_operations([operation.as_step()]) == (operation,)
            assert build_operations(json.loads(json.dumps([operation.as_step()]))) == (operation,)
            assert build_operations(Recipe(operations=[operation]).operations) == (operation,)
            (typed,) = Recipe.__dataclass_fields__["operations"].metadata["setting"].kind.typed([operation.as_step()])
            assert build_operations(Recipe(operations=[typed]).operations) == (operation,)

    @pytest.mark.parametrize("mode", MODES)
    def test_size_mode_and_range_are_kept(self, name: str, mode: str) -> None:
        image = images()[mode]
        before = np.asarray(image)
        for one in on_every_mode(name, mode):
            after = np.asarray(one.image)
            assert (one.image.mode, one.image.size, after.dtype) == (mode, image.size, before.dtype)
            assert np.isfinite(after.astype(np.float64)).all()
            if mode in {"I", "F"}:
                assert before.min() <= after.min() <= after.max() <= before.max()
        changed = (not np.array_equal(np.asarray(one.image), before) for one in on_every_mode(name, mode))
        assert any(changed) or all(one.notices for one in on_every_mode(name, mode))

    @pytest.mark.parametrize("mode", MODES)
    def test_the_same_seed_gives_the_same_pixels_and_nothing_is_changed_in_place(self, name: str, mode: str) -> None:
        image = images()[mode]
        labels = boxes_of(image)
        for seed, before in zip(SEEDS, on_every_mode(name, mode), strict=True):
            if seed in {1, 5}:
                again = applied(built(name), image, labels, seed)
                assert again.image.tobytes() == before.image.tobytes()
                assert again.details == before.details
                assert again.labels == before.labels
        assert image.tobytes() == images()[mode].tobytes()
        assert labels == boxes_of(image)

    def test_other_seeds_draw_other_numbers(self, name: str) -> None:
        image, shapes = painted()
        drawn = [json.dumps(applied(built(name), image, Labels(tuple(shapes)), seed).details) for seed in SEEDS]
        assert name in {"flip", "turn90"} or len(set(drawn)) > 2  # those two have one way to move this image

    @pytest.mark.parametrize("mode", MODES)
    def test_what_was_drawn_is_json_and_repeats_it(self, name: str, mode: str) -> None:
        """By what the manifest records alone, without the parameters of the recipe."""
        image = images()[mode]
        for one in on_every_mode(name, mode)[:4]:
            records = json.loads(json.dumps(one.details.get("operations", []), allow_nan=False))
            assert records == one.details.get("operations", [])
            again, labels = replay_operations(image, boxes_of(image), records, donors(image.size))
            assert again.tobytes() == one.image.tobytes()
            assert labels == one.labels

    def test_labels_are_repeated_too(self, name: str) -> None:
        image, _ = painted()
        labels = with_bitmaps(image)
        one = applied(built(name), image, labels, 3, donors(bitmaps=True))
        _, again = replay_operations(image, labels, one.details.get("operations", []), donors(bitmaps=True))
        assert again == one.labels
        assert one.labels is not None
        assert again is not None
        assert again.mask is not None
        assert one.labels.mask is not None
        assert again.mask.tobytes() == one.labels.mask.tobytes()
        for shape, other in zip(one.labels.shapes, again.shapes, strict=True):
            np.testing.assert_array_equal(shape.mask, other.mask)

    def test_what_it_draws_does_not_depend_on_other_operations_or_on_the_order_of_the_set(self, name: str) -> None:
        operation = built(name)
        image, shapes = painted()
        labels = Labels(tuple(shapes))
        shuffled = pool(sources=Random(1).sample(SOURCES, len(SOURCES))).beside(SOURCES[0])
        for seed in SEEDS:
            alone = applied(operation, image, labels, seed).details.get("operations", [])
            assert applied(operation, image, labels, seed, shuffled).details.get("operations", []) == alone
            first = apply_operations(image, labels, [operation, built("flip")], seed, donors=donors())
            assert first.details["operations"][: len(alone)] == alone

    def test_twice_in_a_recipe_it_draws_twice(self, name: str) -> None:
        image, shapes = painted()
        several = [
            apply_operations(image, Labels(tuple(shapes)), [built(name)] * 2, seed, donors=donors()).details
            for seed in SEEDS
        ]
        pairs = [one["operations"] for one in several if len(one.get("operations", ())) == 2]
        assert pairs
        assert name in {"flip", "turn90"} or any(first != second for first, second in pairs)

    def test_neutral_settings_leave_everything_as_it_is(self, name: str) -> None:
        image, shapes = painted()
        labels = Labels(tuple(shapes))
        assert not built(name).is_idle
        for parameters in ({"probability": 0.0}, class_of(name).neutral):
            assert built(name, **parameters).is_idle == bool(parameters)
            for seed in SEEDS if parameters else ():
                one = applied(built(name, **parameters), image, labels, seed)
                assert one.image.tobytes() == image.tobytes()
                assert one.labels == labels
                assert one.lost == 0

    def test_probability_is_the_share_of_the_variations(self, name: str) -> None:
        image, shapes = painted()
        small = image.resize((24, 18), Image.Resampling.NEAREST)
        half = dataclasses.replace(built(name), probability=0.5)
        labels = Labels(tuple(dataclasses.replace(shape, polygons=(), box=(1.0, 1.0, 9.0, 9.0)) for shape in shapes))
        always = sum(bool(applied(built(name), small, labels, seed).details) for seed in range(100))
        count = sum(bool(applied(half, small, labels, seed).details) for seed in range(100))
        assert 0.3 * always <= count <= 0.7 * always

    def test_outlines_and_boxes_agree_with_the_pixels(self, name: str) -> None:
        image, shapes = painted()
        compared = 0
        for seed in range(1, 13):
            labels = Labels(tuple(shapes))
            one = applied(built(name), image, labels, seed)
            assert one.labels is not None
            if one.labels is labels:
                assert stays_in_place(image, one.image), seed
                continue
            for bitmap, alike in by_class(one):
                outline = filled([ring for shape in alike for ring in shape.polygons]) & ~uncovered(one.image)
                assert overlap(outline, bitmap) >= 0.95, (seed, alike[0].category)
                around = np.array([shape.box for shape in alike])
                box = (*around[:, :2].min(0), *around[:, 2:].max(0))
                np.testing.assert_allclose(box, bounds(bitmap), atol=2.5, err_msg=f"{seed}")
                compared += 1
        assert compared == 0 or compared > 8

    def test_bitmaps_and_masks_agree_with_the_pixels(self, name: str) -> None:
        image, _ = painted()
        for seed in range(1, 9):
            labels = with_bitmaps(image)
            one = applied(built(name), image, labels, seed, donors(bitmaps=True))
            assert one.labels is not None
            if one.labels is labels:
                continue
            mask = np.asarray(one.labels.mask)
            for bitmap, alike in by_class(one):
                assert all(shape.mask is not None and shape.mask.dtype == bool for shape in alike)
                together = np.any([shape.mask for shape in alike], axis=0)
                assert overlap(together, bitmap) >= 0.95, (seed, alike[0].category)
                assert overlap(mask == int(alike[0].category) + 1, bitmap) >= 0.95, (seed, alike[0].category)

    @pytest.mark.parametrize("mode", ["1", "L", "P", "I;16"])
    def test_masks_keep_their_mode_and_get_no_new_values(self, name: str, mode: str) -> None:
        image, _ = painted()
        values = np.asarray(with_bitmaps(image).mask)
        mask = mask_of(mode, values)
        if issubclass(class_of(name), BorrowingOperation):
            pytest.skip("its donors have masks of another mode")
        for seed in SEEDS:
            one = applied(built(name), image, Labels(mask=mask), seed)
            assert one.labels is not None
            moved = one.labels.mask
            assert moved is not None
            assert (moved.mode, moved.size, moved.getpalette()) == (mask.mode, mask.size, mask.getpalette())
            assert set(np.unique(np.asarray(moved))) <= {*np.unique(np.asarray(mask)), 0}

    @pytest.mark.parametrize("mode", ["LA", "RGBA"])
    def test_light_and_weather_leave_transparency_as_it_is(self, name: str, mode: str) -> None:
        if class_of(name).group in {CAMERA, WEATHER}:
            for one in on_every_mode(name, mode):
                assert one.image.getchannel("A").tobytes() == images()[mode].getchannel("A").tobytes()

    @pytest.mark.parametrize("size_wh", TINY, ids=str)
    @pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
    def test_tiny_and_narrow_images(self, name: str, size_wh: tuple[int, int], mode: str) -> None:
        image = {
            "L": colours(size_wh).convert("L"),
            "RGBA": colours(size_wh).convert("RGBA"),
            "I;16": Image.fromarray(
                (np.arange(size_wh[0] * size_wh[1]) % 65536).astype(np.uint16).reshape(size_wh[::-1])
            ),
        }[mode]
        for seed in range(1, 5):
            for labels in (None, boxes_of(image)):
                one = applied(built(name), image, labels, seed)
                assert (one.image.mode, one.image.size) == (mode, size_wh)
                assert (one.labels is None) == (labels is None)


def by_class(one: Applied) -> Iterator[tuple[Any, list[Shape]]]:
    """The pixels of each class and the shapes that claim them; what was uncovered is black and belongs to none."""
    assert one.labels is not None
    shapes = one.labels.shapes
    for number, bitmap in enumerate(seen(one.image)):
        if alike := [shape for shape in shapes if shape.category == str(number)]:
            yield bitmap & ~uncovered(one.image), alike


def uncovered(image: Image.Image) -> Any:
    return ~np.asarray(image).any(-1)


def mask_of(mode: str, values: Any) -> Image.Image:
    """A mask of one of the modes that masks have."""
    if mode == "P":
        palette = Image.new("P", SIZE_WH)
        palette.putpalette(list(range(256)) * 3)
        palette.frombytes(values.tobytes())
        return palette
    return Image.fromarray({"1": values < 3, "L": values, "I;16": values.astype(np.uint16) * 257}[mode])


def stays_in_place(before: Image.Image, after: Image.Image) -> bool:
    """Whether two images agree best where they are, and not when one of them is shifted or mirrored."""
    one, other = (np.asarray(image.convert("RGB")).astype(np.float64) for image in (before, after))
    one, other = one - one.mean((0, 1)), other - other.mean((0, 1))

    def agreement(moved: Any) -> float:
        return float((one * moved).sum())

    moves = [np.roll(other, (down, across), (0, 1)) for down, across in ((0, 12), (0, -12), (12, 0), (-12, 0))]
    return agreement(other) > max(map(agreement, [*moves, other[:, ::-1], other[::-1]]))
