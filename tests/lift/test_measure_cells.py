"""The dense look end to end: painted objects on grounds, the shipped network, real variations with their labels."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from augmentai.annotations import Labels, Shape
from augmentai.lift import LiftError, LiftStoppedError, measure
from augmentai.lift.sentences import text
from augmentai.recipe import Recipe
from augmentai.types import Source

NOTHING = Recipe(engine="gan", strength=0, filters=False, geometry="none", variations=1)
PLAIN = Recipe(engine="none", operations=[{"background": {"ground": "plain"}}], variations=1, filters=False)
SIDE_PX = 96


@dataclass(frozen=True)
class _Painted:
    labels: Labels

    def load(self) -> Labels:
        return self.labels


def painted(number: int, outlined: bool = True) -> Source:
    """A disc and a striped square on a noisy ground, in random colours and places."""
    rng = np.random.default_rng(number)
    image = Image.fromarray(
        (rng.normal(rng.integers(60, 200, 3), 20, (SIDE_PX, SIDE_PX, 3))).clip(0, 255).astype("uint8")
    )
    draw = ImageDraw.Draw(image)
    colours = [tuple(map(int, colour)) for colour in rng.integers(0, 255, (2, 3))]
    (x, y), (u, v) = rng.integers(2, 20, 2).tolist(), rng.integers(50, 58, 2).tolist()
    draw.ellipse((x, y, x + 35, y + 35), colours[0])
    for row in range(v, v + 34, 6):
        draw.rectangle((u, row, u + 34, row + 2), colours[1])
    ring = ((u, v), (u + 35, v), (u + 35, v + 34), (u, v + 34))
    disc, square = Shape("disc", (x, y, x + 36, y + 36)), Shape("stripes", None, (ring,))
    labels = Labels((replace(disc, mask=_disc(x, y)), square) if outlined else (disc,))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return replace(Source.from_bytes(f"{number}.png", buffer.getvalue()), labels=_Painted(labels))


def _disc(x: int, y: int) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    return (rows - y - 18) ** 2 + (columns - x - 18) ** 2 <= 18**2


def test_a_set_with_test_images() -> None:
    seen: list[float] = []
    report = measure(
        [painted(number) for number in range(3)],
        {"plain": PLAIN, "nothing": NOTHING},
        test=[painted(number) for number in range(50, 59)],
        seed=3,
        on_progress=lambda words, share: seen.append(share),
    )
    assert (report.task, report.method, report.split, report.classes) == ("segmentation", "cells", "test", 2)
    assert (report.pictures, report.training, report.repeats) == (9, 3, 10)
    plain, nothing = report.recipes
    assert plain.baseline > 60, "discs and stripes are easy to tell from ground"
    assert plain.accuracy - plain.baseline == pytest.approx(plain.difference, abs=0.02)
    assert [(one.name, one.pictures) for one in plain.per_class] == [("disc", 9), ("stripes", 9)]
    assert (nothing.verdict, nothing.difference, nothing.interval) == ("cannot tell", 0.0, (0.0, 0.0))
    assert nothing.notes[0] == "this recipe changes nothing"
    assert report.notes[-1].startswith(
        "cells see context, pasted seams and false alarms; they do not see how exact a box"
    )
    assert "points of mean average precision of cells" in text(report)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1, abs=0.2)


def test_folds_and_the_same_answer_for_the_same_seed() -> None:
    sources = [painted(number, outlined=False) for number in range(3)]
    crops = Recipe(engine="none", operations=["flip", "crop"], variations=1, filters=False)
    first, second = (measure(sources, {"crops": crops}, seed=5) for _ in range(2))
    assert (first.task, first.split, first.pictures, first.training) == ("detection", "folds", 3, 3)
    assert first.recipes == second.recipes
    assert first.recipes[0].verdict == "cannot tell", "three images tell nothing"
    assert not first.recipes[0].failed


def test_a_class_that_covers_hardly_any_cell_is_not_measured() -> None:
    """Specks of a few pixels beside the discs and stripes."""

    def speckled(number: int) -> Source:
        source = painted(number)
        assert source.labels is not None
        known = source.labels.load()
        return replace(source, labels=_Painted(replace(known, shapes=(*known.shapes, Shape("speck", (88, 2, 94, 8))))))

    sources = [speckled(number) for number in range(3)]
    darker = Recipe(engine="none", operations=["exposure"], variations=1, filters=False)
    report = measure(sources, {"darker": darker}, test=[speckled(number) for number in range(50, 53)])
    assert [one.name for one in report.recipes[0].per_class] == ["disc", "stripes"]
    assert any(note.startswith("not measured: speck") for note in report.notes)


class _Empty:
    def load(self) -> Labels:
        return Labels()


def test_what_cannot_be_measured() -> None:
    empty = [replace(painted(number), labels=_Empty()) for number in range(3)]
    with pytest.raises(LiftError, match="no class is labelled in 2 training images or more"):
        measure(empty, {"plain": PLAIN})
    with pytest.raises(LiftError, match="of sets with boxes or masks there is the quick look alone; leave deep out"):
        measure(empty, {"plain": PLAIN}, deep=True)


def test_it_can_be_stopped() -> None:
    asked = iter([False] * 5)
    with pytest.raises(LiftStoppedError):
        measure([painted(number) for number in range(3)], {"plain": PLAIN}, should_stop=lambda: next(asked, True))
