"""Random chains of operations over painted objects: what labels say afterwards, compared with the pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from augmentai.operations import Applied, DrawSettings, apply_operations
from tests.support.painted_scenes import (
    COLOURS,
    SIZE_WH,
    Kind,
    Scene,
    beyond_the_edge,
    bounds,
    cover,
    drawn_by,
    labelled,
    lenders,
    operations_of,
    overlap,
    scenes,
    seen,
)

AFFINE = ("flip(probability=1)", "crop", "rotate", "turn90(probability=1)")
MOVES = (*AFFINE, "perspective")
BORROWING = ("copy_paste(probability=1, objects=1..2)", "mosaic")
# From this many pixels on, an object has to agree by this much. In smaller ones the edge weighs more: a third of the
# pixels of these stars are on it. Bitmaps and masks are moved to whole pixels, each time without new values, so that
# their edges may be half a pixel off after each.
LARGE_PX = 800
LEAST_OVERLAP: dict[Kind, float] = {"outlines": 0.95, "bitmaps": 0.92, "mask": 0.92}
CHAINS = {"outlines": [(), ("erase",), ("background",)], "bitmaps": [()], "mask": [("erase",)]}
SEEDS = range(8)


def chain(seed: int, images: Sequence[Scene], steps: Sequence[str], least_visible: float = 0.0) -> Applied:
    """With the least share of 0, nothing that still shows loses its label."""
    image, labels = images[0]
    settings = DrawSettings(least_visible=least_visible)
    return apply_operations(image, labels, operations_of(steps), seed, settings, lenders(images))


def drawn_steps(seed: int, steps: Sequence[str]) -> list[str]:
    rng = Random(f"steps {seed}")
    return rng.sample(steps, rng.randint(2, 5))


@pytest.mark.parametrize(("kind", "last"), [(kind, last) for kind, chains in CHAINS.items() for last in chains])
def test_labels_agree_with_the_pixels(kind: Kind, last: tuple[str, ...]) -> None:
    """Beyond two pixels from the edge they do however small an object is; what is erased keeps its label."""
    large = 0
    for seed in SEEDS:
        applied = chain(seed, scenes(seed, kind), [*drawn_steps(seed, [*MOVES, *BORROWING]), *last])
        assert applied.labels is not None
        kept = np.ones(SIZE_WH[::-1], bool)
        for drawn in drawn_by(applied.details, "erase"):
            for x0, y0, x1, y1 in drawn["boxes"]:
                kept[y0:y1, x0:x1] = False
        found, said = seen(applied.image), labelled(applied.labels)
        for name in COLOURS:
            one, other = found[name] & kept, said[name] & kept
            assert beyond_the_edge(one, other, 2) <= 4, (seed, name)
            if max(one.sum(), other.sum()) >= LARGE_PX:
                assert overlap(one, other) >= LEAST_OVERLAP[kind], (seed, name)
                large += 1
    assert large >= 5


def enlargements(images: Sequence[Scene], details: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """(colour, how many times its area an object has become) of each that was ever in the image."""
    present = [(name, 1.0) for name in names_of(images[0])]
    for record in details.get("operations", []):
        drawn = record["drawn"]
        if record["name"] == "copy_paste":
            present += [(one["class"], one["scale"] ** 2) for one in drawn["objects"]]
        elif record["name"] == "mosaic":
            numbers = [0, *(int(donor["path"].split(".")[0]) for donor in drawn["donors"])]
            parts = []
            for tile in drawn["tiles"]:
                times = area_of(tile["window"]) / area_of(tile["view"])
                own = present if tile["image"] == 0 else [(n, 1.0) for n in names_of(images[numbers[tile["image"]]])]
                parts += [(name, before * times) for name, before in own]
            present = parts
        elif "matrix" in drawn:
            times = abs(np.linalg.det(np.array(drawn["matrix"])[:2, :2]))
            present = [(name, before * times) for name, before in present]
    yield from present


def names_of(scene: Scene) -> list[str]:
    return [shape.category for shape in scene[1].shapes]


def area_of(window: Sequence[int]) -> int:
    return (window[2] - window[0]) * (window[3] - window[1])


def test_an_object_loses_its_label_when_too_little_of_it_can_be_seen() -> None:
    """What is visible of each object is counted in the pixels: after crops, in mosaics, behind what was pasted."""
    kept = lost = 0
    for seed in range(24):
        images = scenes(seed, "outlines")
        applied = chain(seed, images, drawn_steps(seed, [*AFFINE, *BORROWING]), least_visible=0.3)
        assert applied.labels is not None
        found, present = seen(applied.image), list(enlargements(images, applied.details))
        once = {name for name, count in Counter(name for name, _ in present).items() if count == 1}
        areas = {shape.category: cover(shape.polygons).sum() for _, labels in images for shape in labels.shapes}
        shapes = {shape.category: shape for shape in applied.labels.shapes}
        for name, times in present:
            if name not in once or areas[name] * times < 250:
                continue
            share = float(found[name].sum() / (areas[name] * times))
            if name in shapes:
                assert abs(shapes[name].visible - share) < 0.1, (seed, name)
                assert share > 0.2, (seed, name)
                kept += 1
            else:
                assert share < 0.4, (seed, name)
                lost += 1
    assert kept > 40
    assert lost > 5


def test_boxes_are_around_what_shows() -> None:
    """A box that has been turned is around the turned box, so only the last move turns."""
    compared = 0
    for seed in range(12):
        steps = drawn_steps(seed, ["flip(probability=1)", "crop", "turn90(probability=1)", *BORROWING])
        applied = chain(seed, scenes(seed, "boxes"), [*steps, "rotate" if seed % 2 else "perspective"])
        assert applied.labels is not None
        found = seen(applied.image)
        counts = Counter(shape.category for shape in applied.labels.shapes)
        for shape in applied.labels.shapes:
            if counts[shape.category] == 1 and found[shape.category].sum() >= 30:
                np.testing.assert_allclose(shape.box, bounds(found[shape.category]), atol=1, err_msg=f"{seed} {shape}")  # type: ignore[arg-type]
                compared += 1
    assert compared > 30


MILD = [
    "exposure(stops=-0.3..0.3)",
    "white_balance(warmth=-0.2..0.2)",
    "noise(amount=0.02)",
    "jpeg(quality=60..80)",
    "defocus_blur",
    "downscale(scale=0.6..0.8)",
]


@pytest.mark.parametrize("step", MILD)
def test_camera_faults_leave_everything_at_its_place(step: str) -> None:
    """Mild ones, after which the colours can still be told apart."""
    for seed in range(3):
        images, moves = scenes(seed, "outlines"), drawn_steps(seed, MOVES)
        applied, plain = chain(seed, images, [*moves, step]), chain(seed, images, moves)
        assert applied.labels == plain.labels
        assert applied.labels is not None
        found, said = seen(applied.image), labelled(applied.labels)
        for name in names_of(images[0]):
            if said[name].sum() >= LARGE_PX:
                assert overlap(found[name], said[name]) >= 0.9, (seed, name)
