"""Average precision and what each image adds to it, against the definition with weights."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.lift.average_precision import pseudo_values


def weighted(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Average precision by its definition, each cell counted as often as its weight says."""
    order = np.argsort(-scores)
    hits, all_ = np.cumsum((weights * positive)[order]), np.maximum(np.cumsum(weights[order]), 1e-9)
    return float(((weights * positive)[order] * hits / all_).sum() / (weights * positive).sum())


@pytest.fixture
def cells() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    positive = rng.random(600) < 0.2
    return (rng.normal(size=600) + positive).astype(np.float32), positive, np.repeat(np.arange(12), 50)


def test_the_mean_is_the_average_precision(cells: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, image = cells
    assert pseudo_values(scores, positive, image, 12).mean() == pytest.approx(
        weighted(scores, positive, np.ones(600)), abs=1e-6
    )
    assert pseudo_values(positive.astype(np.float32), positive, image, 12) == pytest.approx(1), "perfect in each image"


def test_each_image_adds_what_its_weight_changes(cells: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, image = cells
    found, step = pseudo_values(scores, positive, image, 12), 1e-5
    for number in range(12):
        up, down = (weighted(scores, positive, 1 + sign * step * (image == number)) for sign in (1, -1))
        assert (found[number] - found.mean()) / 12 == pytest.approx((up - down) / (2 * step), abs=1e-5)


def test_its_spread_is_that_of_the_bootstrap(cells: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    scores, positive, image = cells
    rng = np.random.default_rng(1)
    drawn = [weighted(scores, positive, rng.multinomial(12, np.full(12, 1 / 12))[image]) for _ in range(400)]
    expected = pseudo_values(scores, positive, image, 12).std() / np.sqrt(12)
    assert np.std(drawn) == pytest.approx(expected, rel=0.25)
