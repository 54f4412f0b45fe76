"""From features to verdicts: what helps is found, what hurts is found, and noise is neither."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.backbone import load_backbone
from augmentai.lift.arms import BASELINE, Images, Part, scores
from augmentai.lift.classification import Look
from augmentai.lift.learners import LinearProbe
from augmentai.lift.plan import OWN_VIEWS, POOL_VIEWS
from augmentai.lift.variations import Maker, VariationViews
from augmentai.lift.verdicts import verdicts
from augmentai.recipe import Recipe

WIDTH, CLASSES, SHOTS, TESTS = 40, 3, 4, 60
CENTRES = np.random.default_rng(0).normal(0, 1.0, (CLASSES, WIDTH))


def around(classes: np.ndarray, views: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Views of images of these classes: float16 (images, views, width)."""
    image = CENTRES[classes] + rng.normal(0, spread, (len(classes), WIDTH))
    return (image[:, None] + rng.normal(0, 0.3, (len(classes), views, WIDTH))).astype(np.float16)


def looked_at(kind: str, failed: bool = False) -> Look:
    rng = np.random.default_rng(1)
    labels, test_labels = np.arange(CLASSES * SHOTS) % CLASSES, np.arange(TESTS) % CLASSES
    views = around(labels, POOL_VIEWS, 1.5, rng)
    tests = around(test_labels, 1, 1.5, rng)
    shown = {
        "helpful": around(labels, OWN_VIEWS, 0.0, rng),  # other images of the same classes
        "harmful": around((labels + 1) % CLASSES, OWN_VIEWS, 0.0, rng),  # images of another class
        "neutral": views[:, :OWN_VIEWS] + rng.normal(0, 0.3, (len(labels), OWN_VIEWS, WIDTH)).astype(np.float16),
    }[kind]
    made = np.full((len(labels), OWN_VIEWS), not failed)
    made_views = VariationViews(np.arange(len(labels)), shown, made, failed * labels.size, not failed, ("no room",))
    images = Images(views, labels, {"clean": tests, "shifted": tests}, test_labels, CLASSES)
    part = Part(np.arange(len(labels)), np.arange(TESTS), {"it": made_views}, share=0.8)
    found = scores(images, [part], [] if failed else ["it"], 6, 1, LinearProbe(load_backbone()), lambda units: None)
    return Look(("a", "b", "c"), test_labels, found, {"it": [made_views]}, len(labels), 6, ())


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("helpful", "helps", id="other-images-of-the-class"),
        pytest.param("harmful", "hurts", id="images-of-another-class"),
        pytest.param("neutral", "cannot tell", id="more-of-the-same"),
    ],
)
def test_verdict(kind: str, expected: str) -> None:
    look = looked_at(kind)
    [found] = verdicts(look, [Maker("it", Recipe(), (), False)], seed=1)
    assert found.verdict == expected
    assert found.interval[0] <= found.difference <= found.interval[1]
    assert found.difference == pytest.approx(found.accuracy - found.baseline, abs=0.02)
    assert found.baseline == pytest.approx(100 * look.scores["clean"][BASELINE].mean(), abs=0.01)
    assert [(one.name, one.pictures) for one in found.per_class] == [("a", 20), ("b", 20), ("c", 20)]
    assert found.shifted is not None
    assert found.needs is None or expected == "cannot tell"


def test_what_could_not_be_made_is_said() -> None:
    [found] = verdicts(looked_at("neutral", failed=True), [Maker("it", Recipe(), (), False)], seed=1)
    assert (found.verdict, found.difference, found.needs) == ("cannot tell", 0.0, None)
    assert found.notes[0] == "no variation could be made"
    assert "12 variations could not be made; flips and crops stood in for them (no room)" in found.notes
