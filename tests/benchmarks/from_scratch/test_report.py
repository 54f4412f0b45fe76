"""Tables of results, also of incomplete ones."""

from __future__ import annotations

import pytest

from benchmarks.from_scratch import LiftResult, markdown, summary
from benchmarks.from_scratch.policies import CEILING


def test_means_and_spread() -> None:
    results = [
        LiftResult(name, 10, seed, "none", made, clean, clean - 10)
        for name, base in (("a", 40.0), ("b", 60.0))
        for seed in (1, 2)
        for made, clean in (("without", base + seed), ("GAN", base + 3 * seed + 1))
    ]
    without, gan = summary(results)
    assert (without.clean, gan.clean, gan.shifted) == (51.5, 55.5, 45.5)
    assert without.clean_spread == pytest.approx(0.71)
    assert "| none, GAN, 10-shot | +4.0 ± 1.0 / +4.0 ± 1.0 | +4.0 ± 1.0 / +4.0 ± 1.0 |" in markdown(results)
    one_seed = [result for result in results if result.seed == 1]
    assert "| none, GAN, 10-shot | +3.0 / +3.0 | +3.0 / +3.0 |" in markdown(one_seed)  # one seed has no standard error


def test_a_table_of_results_with_different_policies_and_shots() -> None:
    def both(policy: str, shots: int) -> list[LiftResult]:
        return [LiftResult("a", shots, 1, policy, made, 40.0 + (made == "GAN"), 30.0) for made in ("without", "GAN")]

    lines = markdown(both("none", 10) + both(CEILING, 30)).splitlines()
    assert "| none | GAN | 41.0 ± 0.0 | 30.0 ± 0.0 |  |  |" in lines
    assert f"| {CEILING} | GAN |  |  | 41.0 ± 0.0 | 30.0 ± 0.0 |" in lines
    assert "| none, GAN, 10-shot | +1.0 / +0.0 |" in lines
    assert not any(line.startswith("| none, GAN, 30-shot") for line in lines)


def test_a_table_of_an_unfinished_measurement() -> None:
    results = [LiftResult("a", shots, 1, "none", made, 40.0, 30.0) for shots in (10, 30) for made in ("without", "GAN")]
    results += [LiftResult("b", 10, seed, "none", "GAN", 41.0, 31.0) for seed in (1, 2)] + [
        LiftResult("b", 10, 2, "none", "without", 40, 30)
    ]
    lines = markdown(results).splitlines()
    assert "| none, GAN, 10-shot | +0.0 / +0.0 | +1.0 / +1.0 |" in lines  # only the seed that has both
    assert "| none, GAN, 30-shot | +0.0 / +0.0 | - / - |" in lines
