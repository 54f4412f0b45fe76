"""Fine-tuning: the whole network learns, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.lift.fine_tune import LEAST_STEPS, fine_tune, steps_for

SIDE_PX = 32


def striped(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Upright and level stripes of any two colours and at any place."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    squares = np.empty((count, SIDE_PX, SIDE_PX, 3), np.uint8)
    for number, label in enumerate(labels):
        stripes = (np.arange(SIDE_PX) + rng.integers(8)) // 4 % 2
        colours = rng.integers(0, 255, (2, 3))
        square = np.repeat(colours[stripes][None], SIDE_PX, 0)
        squares[number] = square if label else square.transpose(1, 0, 2)
    return squares, labels


def first_weights(squares: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """The last layer after three steps."""
    steps: list[int] = []

    def third() -> bool:
        steps.append(1)
        return len(steps) == 3

    model = fine_tune(lambda rows: squares[rows], labels, 2, seed, on_step=third)
    weights: np.ndarray = model.head.weight.detach().numpy().copy()
    return weights


def test_it_learns_what_two_classes_differ_by() -> None:
    (squares, labels), (tests, expected) = striped(32, 1), striped(40, 2)
    model = fine_tune(lambda rows: squares[rows], labels, 2, seed=1)
    assert (model.predict(tests) == expected).mean() > 0.8


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    squares, labels = striped(8, 1)
    weights = [first_weights(squares, labels, seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).any()


@pytest.mark.parametrize(("views", "steps"), [(4, LEAST_STEPS), (32 * 100, 300), (10**6, 400)])
def test_steps_grow_with_the_views_within_bounds(views: int, steps: int) -> None:
    assert steps_for(views) == steps


def test_no_image_no_prediction() -> None:
    squares, labels = striped(2, 1)
    model = fine_tune(lambda rows: squares[rows], labels, 2, seed=1, on_step=lambda: True)
    assert model.predict(squares[:0]).shape == (0,)
