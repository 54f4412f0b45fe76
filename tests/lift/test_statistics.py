"""Intervals and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from augmentai.lift.statistics import Effect, Table, effect, hidden_by_luck, images_needed


def answers(rng: np.random.Generator, repeats: int, images: int, gain: float) -> Table:
    """Differences of two arms: images differ in how hard they are, repeats in their luck; `gain` in points."""
    hard, luck = rng.normal(0, 1, images), rng.normal(0, 0.1, (2, repeats))
    arms = [hard + luck[arm][:, None] + rng.normal(0, 0.5, (repeats, images)) for arm in (0, 1)]
    return ((arms[1] + gain * 0.028 > 0).astype(np.float32) - (arms[0] > 0)).astype(np.float32)


@pytest.mark.parametrize(
    ("gain", "expected"),
    [pytest.param(30.0, "helps", id="large"), pytest.param(-30.0, "hurts", id="harmful")],
)
def test_large_effects_are_found(gain: float, expected: str) -> None:
    found = [effect(answers(np.random.default_rng(n), 10, 100, gain), 3).verdict for n in range(3)]
    assert found == [expected] * 3


def test_luck_is_not_taken_for_an_effect() -> None:
    claims = [effect(answers(np.random.default_rng(n), 10, 100, 0.0)).verdict != "cannot tell" for n in range(60)]
    assert sum(claims) <= 3, "one in twenty"


def test_the_luck_of_views_that_all_repeats_share_is_not_taken_for_an_effect() -> None:
    """Each measurement has a luck of its own, as large as that by which its repeats differ."""

    def claims(few_views: bool) -> int:
        found = 0
        for number in range(60):
            rng = np.random.default_rng(number)
            luck = rng.normal(0, 0.02) + rng.normal(0, 0.02, (10, 1))
            table = (luck + rng.normal(0, 0.05, (10, 60))).astype(np.float32)
            found += effect(table, few_views=few_views).verdict != "cannot tell"
        return found

    assert claims(few_views=True) <= 6 < 12 <= claims(few_views=False), "one in twenty would be 3"


def test_no_difference_at_all_cannot_tell() -> None:
    found = effect(np.zeros((10, 50), np.float32))
    assert (found.mean, found.interval, found.verdict) == (0.0, (0.0, 0.0), "cannot tell")
    assert images_needed(found, 50) is None


@pytest.mark.parametrize("images", [1, 2, 3, 7])
def test_few_images_cannot_tell_even_if_all_agree(images: int) -> None:
    assert effect(np.ones((10, images), np.float32)).verdict == "cannot tell"


def test_more_comparisons_make_wider_intervals() -> None:
    table = answers(np.random.default_rng(1), 10, 60, 5.0)
    one, ten = effect(table, 1), effect(table, 10)
    assert ten.interval[0] < one.interval[0] < one.mean == ten.mean < one.interval[1] < ten.interval[1]


@pytest.mark.parametrize(
    ("mean", "error", "images", "comparisons", "expected"),
    [
        pytest.param(3.0, 2.0, 100, 1, 350, id="as-large-as-seen"),
        pytest.param(0.1, 2.0, 100, 1, 790, id="no-less-than-two-points"),
        pytest.param(3.0, 2.0, 100, 3, 470, id="three-recipes"),
        pytest.param(0.1, 0.2, 100, 1, None, id="these-would-have-shown-it"),
    ],
)
def test_how_many_images_would_do(
    mean: float, error: float, images: int, comparisons: int, expected: int | None
) -> None:
    found = Effect(mean, (mean - 2 * error, mean + 2 * error), error)
    assert images_needed(found, images, comparisons) == expected


@pytest.mark.parametrize(
    ("luck", "needs", "hidden"),
    [
        pytest.param(0.0, 350, False, id="no luck"),
        pytest.param(1.0, 2100, False, id="some luck: more images than without"),
        pytest.param(1.5, None, True, id="more luck than effect: no number would do"),
    ],
)
def test_test_images_do_not_take_the_luck_of_views_away(luck: float, needs: int | None, hidden: bool) -> None:
    found = Effect(3.0, (-1.0, 7.0), 2.0, luck)
    assert (images_needed(found, 100), hidden_by_luck(found)) == (needs, hidden)
