"""Techniques against as many flips and crops."""

from __future__ import annotations

from pathlib import Path

from benchmarks.worth import Plan, Technique, compare, summarise, techniques
from benchmarks.worth.colour import reinhard


def test_functions_and_recipes_are_measured_side_by_side(shapes_set: Path) -> None:
    noise = next(one for one in techniques("operations") if one.name == "noise")
    wanted = [noise, Technique("Reinhard transfer", change=reinhard)]
    plan = Plan(shots=(2, 3, 9), draws=2, pool=3, tests=12)
    found = compare(shapes_set, wanted, plan, lambda words: None)
    assert list(found) == [2, 3], "no class has nine training images"
    assert set(found[2]) == {"nothing", "noise", "Reinhard transfer"}
    assert all(len(draws) == 2 for kinds in found[2].values() for draws in kinds.values())
    assert {row.technique for row in summarise({"shapes": found})} == set(found[2])


def test_a_technique_is_worth_the_same_whatever_is_measured_beside_it(shapes_set: Path) -> None:
    """So that a new operation can be added to an old table."""
    plan = Plan(shots=(2,), draws=1, pool=3, tests=12)
    alone, beside = (
        compare(shapes_set, [one for one in techniques("operations") if one.name in names], plan, lambda words: None)
        for names in (("jpeg",), ("jpeg", "crop"))
    )
    assert alone[2]["jpeg"] == beside[2]["jpeg"]
