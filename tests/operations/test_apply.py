"""Operations one after the other: what they draw, what they must respect, and what is said of a faulty one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.operations import (
    DrawSettings,
    Operation,
    OperationError,
    Warp,
    apply_operations,
    apply_warp,
    build_operations,
    replay_operations,
    warp_for,
)
from augmentai.operations.crop import Crop
from augmentai.operations.flip import Flip
from augmentai.operations.homography import Homography
from augmentai.operations.perspective import Perspective
from augmentai.operations.rotate import Rotate
from augmentai.recipe import Recipe
from augmentai.registry import RegistryError
from augmentai.settings import EXAMPLES
from tests.support.image_files import colours
from tests.support.painted_objects import SIZE_WH, rectangles, stars

BOXES = Labels((Shape("cat", (10.0, 10.0, 30.0, 30.0)),))
OUTLINES = Labels((Shape("cat", (10.0, 10.0, 30.0, 30.0), (((10.0, 10.0), (30.0, 10.0), (30.0, 30.0)),)),))


def drawn(operation: Operation, seed: int, labels: Labels | None = None) -> dict[str, Any] | None:
    records = apply_operations(Image.new("L", SIZE_WH), labels, [operation], seed).details.get("operations", [])
    return records[0]["drawn"] if records else None


def test_a_seed_draws_what_it_always_drew() -> None:
    """Runs are resumed and replayed by it."""
    operations = build_operations(["flip", "crop", "rotate", "perspective", "crop"])
    records = apply_operations(Image.new("L", (640, 480)), None, operations, 8).details["operations"]
    keys = ("mirrored", "rotation_deg", "zoom", "tilt")
    assert [(record["name"], *(record["drawn"][key] for key in keys)) for record in records] == [
        ("flip", True, 0.0, 1.0, [0.0, 0.0]),
        ("crop", False, 0.0, 1.1784, [0.0, 0.0]),
        ("rotate", False, -7.709, 1.0, [0.0, 0.0]),
        ("perspective", False, 0.0, 1.0, [0.0174, -0.1315]),
        ("crop", False, 0.0, 1.0444, [0.0, 0.0]),
    ]


def test_operations_follow_each_other() -> None:
    image, shapes = stars()
    labels = Labels(tuple(shapes))
    first = apply_operations(image, labels, [Flip(probability=1)], 3)
    second = apply_operations(first.image, first.labels, [Crop()], 3)
    both = apply_operations(image, labels, [Flip(probability=1), Crop()], 3)
    difference = np.asarray(both.image).astype(int) - np.asarray(second.image)
    assert np.abs(difference).max() <= 1
    assert both.labels is not None
    assert second.labels is not None
    for one, other in zip(both.labels.shapes, second.labels.shapes, strict=True):
        np.testing.assert_allclose(one.box, other.box)
        np.testing.assert_allclose(one.polygons, other.polygons)
    assert both.details["operations"] == [*first.details["operations"], *second.details["operations"]]


class TestMovesAreResampledOnce:
    STEPS = ("flip(probability=1)", "crop", "rotate", "perspective")

    def test_as_by_the_product_of_their_homographies(self) -> None:
        image, shapes = stars()
        labels = Labels(tuple(shapes))
        first = warp_for("strong", SIZE_WH, 5, labels=labels)
        applied = apply_operations(image, labels, build_operations_of(self.STEPS), 7, first=first)
        matrix = first.matrix
        for record in applied.details["operations"]:
            matrix = np.array(record["drawn"]["matrix"]) @ matrix
        expected, moved = apply_warp(Warp("all", SIZE_WH, Homography(matrix)), image, labels)
        assert applied.image.tobytes() == expected.tobytes()
        assert applied.labels == moved
        assert applied.warp is not None
        np.testing.assert_array_equal(applied.warp.matrix, matrix)

    def test_sharper_than_one_by_one(self) -> None:
        """Each resampling blurs."""
        image = Image.open(EXAMPLES / "coffee.png").convert("RGB").resize((320, 240))
        steps = ["rotate(degrees=5)"] * 4
        together = apply_operations(image, None, build_operations_of(steps), 7)
        one_by_one = image
        for record in together.details["operations"]:
            one_by_one, _ = replay_operations(one_by_one, None, [record])

        def detail(of: Image.Image) -> float:
            values = np.asarray(of.convert("L")).astype(float)
            return float(np.abs(np.diff(values)).mean())

        assert detail(together.image) > 1.05 * detail(one_by_one)

    def test_a_replay_gives_the_same(self) -> None:
        image, shapes = stars()
        labels = Labels(tuple(shapes))
        first = warp_for("light", SIZE_WH, 5, labels=labels)
        operations = [*build_operations_of(self.STEPS), Turned(), *build_operations_of(self.STEPS)]
        applied = apply_operations(image, labels, operations, 7, first=first)
        records = [one for one in applied.details["operations"] if one["name"] != "turned"]
        assert len(records) == 8
        alone = apply_operations(image, labels, build_operations_of(self.STEPS), 7, first=first)
        again, moved = replay_operations(image, labels, alone.details["operations"], first=first)
        assert again.tobytes() == alone.image.tobytes()
        assert moved == alone.labels

    def test_what_comes_between_sees_the_image_moved(self) -> None:
        image = colours()
        both = apply_operations(image, None, [Flip(probability=1), Turned(), Flip(probability=1)], 3)
        upside_down = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        assert both.image.tobytes() == upside_down.tobytes()
        assert both.warp is None

    def test_moves_that_cancel_out_leave_the_image_as_it_is(self) -> None:
        image, shapes = rectangles()
        labels = Labels(tuple(shapes))
        applied = apply_operations(image, labels, [Flip(probability=1)] * 2, 3)
        assert applied.image is image
        assert applied.labels is labels
        assert len(applied.details["operations"]) == 2

    def test_objects_that_leave_are_counted_once(self) -> None:
        image, shapes = rectangles()
        labels = Labels(tuple(shapes))
        applied = apply_operations(image, labels, [Crop(scale=0.2), Turned(), Crop(scale=0.2)], 5)  # type: ignore[arg-type]
        assert applied.labels is not None
        assert applied.lost == len(shapes) - len(applied.labels.shapes) > 2


@dataclass(frozen=True)
class Turned(Operation):
    """Upside down, and no homography."""

    name = "turned"

    def draw(self, rng: Any, size_wh: Any, labels: Any, settings: Any) -> Any:
        return {}

    def apply(self, image: Image.Image, labels: Any, drawn: Any) -> Any:
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM), labels


def build_operations_of(steps: Sequence[str]) -> tuple[Operation, ...]:
    return build_operations(Recipe(operations=list(steps)).operations)


def test_no_operations_change_nothing() -> None:
    image = colours()
    applied = apply_operations(image, BOXES, [], 3)
    assert applied.image is image
    assert applied.labels is BOXES
    assert (applied.moved, applied.details) == (False, {})


class TestLabelsAreRespected:
    def test_keypoints_are_never_flipped(self) -> None:
        keypoints = Labels((Shape("cat", (1, 1, 9, 9), keypoints=((2, 2, 2),)),))
        assert all(drawn(Flip(probability=1), seed, keypoints) is None for seed in range(20))
        assert all(drawn(Flip(probability=1), seed, BOXES) for seed in range(20))

    @pytest.mark.parametrize("operation", [Rotate(degrees=30), Perspective(tilt=0.3)])
    def test_no_border_shows_where_objects_are_labelled(self, operation: Operation) -> None:
        """One that is reflected there would have no label."""
        reached = 0
        for seed in range(40):
            for labels in (None, OUTLINES):
                record = drawn(operation, seed, labels)
                assert record is not None
                corners = np.array([[0, 0, 1], [SIZE_WH[0], 0, 1], [*SIZE_WH, 1], [0, SIZE_WH[1], 1]], float)
                seen = corners @ np.linalg.inv(np.array(record["matrix"])).T
                places = seen[:, :2] / seen[:, 2:] / SIZE_WH
                beyond = max(-places.min(), places.max() - 1)
                assert beyond <= (0.2 if labels is None else 0) + 1e-6
                reached += beyond > 0.01
        assert reached > 10

    def test_with_boxes_alone_it_rotates_less(self) -> None:
        most = {
            name: max(abs(record["rotation_deg"]) for seed in range(200) if (record := drawn(Rotate(), seed, labels)))
            for name, labels in (("boxes", BOXES), ("outlines", OUTLINES), ("none", None))
        }
        assert most["boxes"] <= 8 * 0.4 + 1e-3 < 6 < most["outlines"] <= most["none"] <= 8

    @pytest.mark.parametrize("least_visible", [0.1, 0.9])
    def test_an_object_of_which_too_little_is_left_loses_its_label(self, least_visible: float) -> None:
        image, shapes = rectangles()
        settings = DrawSettings(least_visible=least_visible)
        kept = [
            len(apply_operations(image, Labels(tuple(shapes)), [Crop(scale=(0.3, 0.5))], seed, settings).labels.shapes)  # type: ignore[union-attr]
            for seed in range(20)
        ]
        assert sum(kept) < 20 * len(shapes)
        assert (sum(kept) > 55) == (least_visible < 0.5), sum(kept)

    def test_least_visible_is_recorded_so_that_a_replay_loses_the_same(self) -> None:
        image, shapes = rectangles()
        labels = Labels(tuple(shapes))
        applied = apply_operations(image, labels, [Crop(scale=0.3)], 5, DrawSettings(least_visible=0.9))  # type: ignore[arg-type]
        _, again = replay_operations(image, labels, applied.details["operations"])
        assert again == applied.labels


def test_replaying_one_that_is_not_installed() -> None:
    with pytest.raises(RegistryError, match="there is no operation 'wobble'; installed: flip, crop"):
        replay_operations(colours(), None, [{"name": "wobble", "drawn": {}}])


@dataclass(frozen=True)
class Faulty(Operation):
    """Does what a test asks for."""

    name = "faulty"
    drawing: ClassVar[Callable[[], Any]] = dict
    applying: ClassVar[Callable[[Any, Any], Any]] = lambda image, labels: (image, labels)

    def draw(self, rng: Any, size_wh: Any, labels: Any, settings: Any) -> Any:
        return type(self).drawing()

    def apply(self, image: Any, labels: Any, drawn: Any) -> Any:
        return type(self).applying(image, labels)


def fails(*_: Any) -> Any:
    raise ZeroDivisionError("nothing to divide by")


@pytest.mark.parametrize(
    ("drawing", "applying", "words"),
    [
        (fails, None, "could not draw parameters (ZeroDivisionError: nothing to divide by)"),
        (lambda: {"a": object()}, None, "could not draw parameters (TypeError: Object of type object is not JSON"),
        (lambda: {"a": float("nan")}, None, "could not draw parameters (ValueError: Out of range float values"),
        (lambda: [1], None, "drew list; expected a dictionary or None"),
        (dict, fails, "failed on this image (ZeroDivisionError: nothing to divide by)"),
        (dict, lambda image, labels: image, "failed on this image (TypeError"),
        (
            dict,
            lambda image, labels: (image.resize((5, 5)), labels),
            "returned an image of RGB 5x5; expected RGB 48x32",
        ),
        (dict, lambda image, labels: (image.convert("L"), labels), "returned an image of L 48x32; expected RGB 48x32"),
        (dict, lambda image, labels: (None, labels), "returned a NoneType as the image; expected RGB 48x32"),
        (dict, lambda image, labels: (np.asarray(image), labels), "returned a ndarray as the image; expected RGB"),
        (dict, lambda image, labels: (image, None), "lost the labels"),
        (dict, lambda image, labels: (image, [1]), "returned a list as the labels; expected Labels"),
        (
            dict,
            lambda image, labels: (image, Labels((Shape("cat", (0.0, float("nan"), 1.0, 2.0)),))),
            "returned an object 'cat' whose coordinates are not finite numbers",
        ),
        (
            dict,
            lambda image, labels: (image, Labels((Shape("cat", None, (((0.0, 0.0), (float("inf"), 1.0)),)),))),
            "returned an object 'cat' whose coordinates are not finite numbers",
        ),
    ],
)
def test_a_faulty_operation_is_named_with_its_fault(
    drawing: Any, applying: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Faulty, "drawing", staticmethod(drawing))
    if applying is not None:
        monkeypatch.setattr(Faulty, "applying", staticmethod(applying))
    with pytest.raises(OperationError) as caught:
        apply_operations(colours(), BOXES, [Faulty()], 1)
    assert str(caught.value).startswith(f"the operation 'faulty' {words}")


def test_another_package_that_paints_in_place_leaves_the_image_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image may still be compared with its source, and siblings may share it."""

    def painting(image: Image.Image, labels: Any) -> Any:
        image.paste((0, 0, 0), (0, 0, *image.size))
        return image, labels

    monkeypatch.setattr(Faulty, "applying", staticmethod(painting))
    monkeypatch.setattr("augmentai.operations.canvas.package_of", lambda operation: "another-package 1.0")
    image = colours()
    before = image.tobytes()
    applied = apply_operations(image, None, [Faulty()], 1)
    assert applied.image.getextrema() == ((0, 0), (0, 0), (0, 0))
    assert image.tobytes() == before


def test_labels_out_of_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Faulty, "applying", staticmethod(lambda image, labels: (image, BOXES)))
    with pytest.raises(OperationError, match="'faulty' returned labels for an image that has none"):
        apply_operations(colours(), None, [Faulty()], 1)


def test_what_is_drawn_is_what_json_makes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a replay applies exactly the same."""
    monkeypatch.setattr(Faulty, "drawing", staticmethod(lambda: {"at": (1, 2), 3: "x"}))
    (record,) = apply_operations(colours(), None, [Faulty()], 1).details["operations"]
    assert record == {"name": "faulty", "drawn": {"at": [1, 2], "3": "x"}}


def test_running_out_of_memory_is_not_blamed_on_the_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Faulty, "applying", staticmethod(out_of_memory))
    with pytest.raises(MemoryError):
        apply_operations(colours(), None, [Faulty()], 1)


LEAVES_AS_IT_IS = {
    # which operation between two moves, labels of the image
    "while it draws": ("copy_paste(probability=1)", None),
    "by drawing nothing": ("background", Labels()),
    "when it is applied": ("white_balance", None),  # the image has no colour
}


@pytest.mark.parametrize("case", LEAVES_AS_IT_IS)
def test_what_leaves_the_image_as_it_is_does_not_part_the_moves(case: str) -> None:
    """A replay knows nothing of it, and has to resample as often."""
    step, labels = LEAVES_AS_IT_IS[case]
    image = colours((64, 48)).convert("L").convert("RGB")
    operations = build_operations(Recipe(operations=["rotate(degrees=20)", step, "rotate(degrees=20)"]).operations)
    applied = apply_operations(image, labels, operations, seed=3)
    assert [one["name"] for one in applied.details["operations"]] == ["rotate", "rotate"]
    again, _ = replay_operations(image, labels, applied.details["operations"])
    assert again.tobytes() == applied.image.tobytes()
    assert applied.warp is not None
    assert applied.warp.image(image).tobytes() == applied.image.tobytes()
