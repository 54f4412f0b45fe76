"""The measurement end to end: real images, real variations, real (short) training."""

from __future__ import annotations

from pathlib import Path

import pytest

from augmentai.recipe import Recipe
from augmentai.settings import Settings
from benchmarks.from_scratch import LabelledSet, LiftError, LiftPlan, markdown, measure


def test_measured_with_and_without(stripes: Path) -> None:
    plan = LiftPlan(shots=6, seed=1, steps=40, policies=("none", "flip+crop"))
    recipes = {"GAN": Recipe(engine="gan", variations=2, seed=1, strength=1.0)}
    reported: list[str] = []
    results = measure(LabelledSet.read(stripes), plan, recipes, on_progress=reported.append)
    assert [(r.policy, r.made_with) for r in results] == [
        ("none", "without"),
        ("none", "GAN"),
        ("flip+crop", "without"),
        ("flip+crop", "GAN"),
    ]
    assert max(result.clean for result in results) > 65, "stripes are easy to learn"
    assert "flip+crop, GAN" in reported[-1]
    table = markdown(results)
    assert "| none | GAN | " in table
    assert "6-shot shifted" in table


def test_without_any_variation_the_reason_is_reported(stripes: Path, tmp_path: Path) -> None:
    settings = Settings(gan_weights=tmp_path / "missing.safetensors")
    recipes = {"GAN": Recipe(engine="gan", seed=1)}
    with pytest.raises(LiftError, match=r"no variation could be made: .*missing\.safetensors"):
        measure(LabelledSet.read(stripes), LiftPlan(shots=1, steps=1), recipes, settings)


def test_a_single_step_of_training(stripes: Path) -> None:
    [result] = measure(LabelledSet.read(stripes), LiftPlan(shots=2, steps=1, policies=("none",)), recipes={})
    assert (result.set, result.shots, result.policy, result.made_with) == ("stripes", 2, "none", "without")
    assert 0 <= result.clean <= 100
