"""A recipe takes what forms, scripts and numpy send, and refuses the rest in clear words, at once."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from augmentai.recipe import MAX_PROMPT_CHARS, SEED_LIMIT, Recipe, RecipeError
from augmentai.types import Source, variation_seed

NOT_A_NUMBER = float("nan")
INFINITE = float("inf")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("variations", 1, 1),
        ("variations", 16, 16),
        ("variations", 4.0, 4),  # a web form
        ("variations", np.int64(3), 3),
        ("variations", np.float32(3), 3),
        ("variations", Fraction(4, 2), 2),
        ("seed", 0, None),
        ("seed", SEED_LIMIT, SEED_LIMIT),
        ("seed", float(SEED_LIMIT), SEED_LIMIT),
        ("seed", np.uint32(7), 7),
        ("strength", 0, 0.0),
        ("strength", 1, 1.0),
        ("strength", -0.0, 0.0),
        ("strength", np.float64(0.5), 0.5),
        ("strength", np.float32(0.5), 0.5),
        ("engine", "gan", "gan"),
        ("output_format", "webp", "webp"),
        ("prompt", "", ""),
        ("prompt", "ねこ", "ねこ"),
    ],
)
def test_what_is_taken(field: str, value: Any, expected: Any) -> None:
    taken = getattr(Recipe(**{field: value}), field)
    if expected is not None:
        assert taken == expected
        assert type(taken) is type(expected)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("variations", 0, "variations is 0; expected a whole number from 1 to 16"),
        ("variations", 17, "variations is 17; expected"),
        ("variations", -1, "variations is -1"),
        ("variations", 2.5, "variations is 2.5"),
        ("variations", True, "variations is True"),
        ("variations", np.True_, "expected a whole number"),
        ("variations", "4", "variations is '4'"),
        ("variations", None, "variations is None"),
        ("variations", [4], r"variations is \[4\]"),
        ("variations", np.array([4]), "variations is array"),
        ("variations", NOT_A_NUMBER, "variations is nan"),
        ("variations", INFINITE, "variations is inf"),
        ("variations", 1 + 2j, "variations is"),
        ("variations", 10**400, "variations is 1000"),
        ("seed", -1, "seed is -1; expected a whole number from 0 to 4294967294"),
        ("seed", SEED_LIMIT + 1, "seed is 4294967295"),
        ("seed", 1.5, "seed is 1.5"),
        ("seed", NOT_A_NUMBER, "seed is nan"),
        ("seed", -INFINITE, "seed is -inf"),
        ("seed", "random", "seed is 'random'"),
        ("strength", 1.0001, "strength is 1.0001; expected a number from 0 to 1"),
        ("strength", -1e-9, "strength is -1e-09"),
        ("strength", NOT_A_NUMBER, "strength is nan"),
        ("strength", True, "strength is True"),
        ("strength", "0.4", "strength is '0.4'"),
        ("strength", None, "strength is None"),
        (
            "engine",
            "dalle",
            "engine is 'dalle'; expected one of auto, stability, diffusion, gan, none, huggingface, comfy",
        ),
        ("engine", None, "engine is None"),
        ("engine", ["gan"], r"engine is \['gan'\]"),
        ("engine", np.array(["gan", "auto"]), "engine is array"),
        ("output_format", "PNG", "output_format is 'PNG'; expected one of same, png, jpeg, webp"),
        ("output_format", "jpg", "output_format is 'jpg'"),
        ("output_format", "x" * 5000, "output_format is 'xxx"),
        ("prompt", None, "prompt is None; expected text"),
        ("negative_prompt", b"x", "negative_prompt is b'x'; expected text"),
        ("prompt", "x" * (MAX_PROMPT_CHARS + 1), "prompt has 10,001 characters; at most 10,000 are allowed"),
    ],
)
def test_what_is_refused_and_why(field: str, value: Any, words: str) -> None:
    began = time.process_time()
    with pytest.raises(RecipeError, match=words) as caught:
        Recipe(**{field: value})
    assert time.process_time() - began < 1  # and not after a walk through four billion seeds
    assert len(str(caught.value)) < 300


def test_a_random_seed_is_settled_once() -> None:
    recipe = Recipe()
    settled = recipe.with_seed()
    assert 1 <= settled.seed <= SEED_LIMIT
    assert settled.with_seed() is settled
    assert recipe.with_seed().seed != settled.seed
    assert Recipe(seed=5).with_seed().seed == 5


def test_the_seed_of_a_variation() -> None:
    """Of the content, the run and the index alone; these values are those of runs long past, and stay."""
    sha256 = Source.from_bytes("anything", b"content").sha256
    assert sha256 == Source.from_bytes("else", b"content").sha256
    seeds = {variation_seed(run, sha256, index) for run in (1, 2) for index in range(1, 17)}
    assert len(seeds) == 32
    assert all(1 <= seed <= SEED_LIMIT for seed in seeds)
    assert variation_seed(7, sha256, 1) == 484538702
