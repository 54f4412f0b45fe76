"""From results to means, spreads and a Markdown table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.from_scratch.protocol import WITHOUT, LiftResult


@dataclass(frozen=True)
class SummaryLine:
    """Mean accuracy over sets and seeds, and spread (standard deviation of the seeds' means), in percent."""

    policy: str
    made_with: str
    shots: int
    clean: float
    clean_spread: float
    shifted: float
    shifted_spread: float


def summary(results: Sequence[LiftResult]) -> list[SummaryLine]:
    """Average the results per policy, variations and shots, with equal weight for each set.

    Args:
        results: From `measure`, of any number of sets.
    """
    lines = []
    for policy, made_with, shots in dict.fromkeys((r.policy, r.made_with, r.shots) for r in results):
        own = [r for r in results if (r.policy, r.made_with, r.shots) == (policy, made_with, shots)]
        clean, shifted = _seed_means(own, "clean"), _seed_means(own, "shifted")
        lines.append(SummaryLine(policy, made_with, shots, *_mean_spread(clean), *_mean_spread(shifted)))
    return lines


def _seed_means(results: Iterable[LiftResult], what: str) -> list[float]:
    by_seed: dict[int, list[float]] = {}
    for result in results:
        by_seed.setdefault(result.seed, []).append(getattr(result, what))
    return [statistics.fmean(values) for values in by_seed.values()]


def _mean_spread(values: Sequence[float]) -> tuple[float, float]:
    return round(statistics.fmean(values), 2), round(statistics.stdev(values), 2) if len(values) > 1 else 0.0


def markdown(results: Sequence[LiftResult]) -> str:
    """Render two tables: the means over all sets, then each set's gain or loss by the variations.

    A gain is the mean of the seeds' differences with the standard error of that mean: how much another draw of training
    images may change it. The uncertainty from the choice of test images comes on top.

    Args:
        results: From `measure`, of any number of sets.

    Returns:
        Markdown.

    Example:
        >>> without = LiftResult("pets", 10, 1, "none", "without", clean=50.0, shifted=40.0)
        >>> augmented = LiftResult("pets", 10, 1, "none", "GAN", clean=52.0, shifted=40.0)
        >>> print(markdown([without, augmented]).splitlines()[-1])
        | none, GAN, 10-shot | +2.0 / +0.0 |
    """
    return _means(summary(results)) + "\n\n" + _each_set(results)


def _means(lines: Sequence[SummaryLine]) -> str:
    shots = sorted({line.shots for line in lines})
    head = ["batches", "variations", *(f"{count}-shot {what}" for count in shots for what in ("clean", "shifted"))]
    out = [_cells(head), _cells(["---"] * len(head))]
    for policy, made_with in dict.fromkeys((line.policy, line.made_with) for line in lines):
        cells = [policy, made_with]
        for count in shots:
            found = [x for x in lines if (x.policy, x.made_with, x.shots) == (policy, made_with, count)]
            for line in found:
                cells.append(f"{line.clean:.1f} ± {line.clean_spread:.1f}")
                cells.append(f"{line.shifted:.1f} ± {line.shifted_spread:.1f}")
            cells += ["", ""] * (not found)  # not measured with this many shots
        out.append(_cells(cells))
    return "\n".join(out)


def _each_set(results: Sequence[LiftResult]) -> str:
    makers = [name for name in dict.fromkeys(result.made_with for result in results) if name != WITHOUT]
    sets, shots = list(dict.fromkeys(result.set for result in results)), sorted({result.shots for result in results})
    out = [_cells(["gain in points ± its standard error, clean / shifted", *sets]), _cells(["---"] * (1 + len(sets)))]
    for count in shots:
        for policy in dict.fromkeys(result.policy for result in results if result.shots == count):
            for maker in makers:
                cells = [f"{policy}, {maker}, {count}-shot"]
                for name in sets:
                    own = [r for r in results if (r.set, r.shots, r.policy) == (name, count, policy)]
                    cells.append(" / ".join(_gain(own, maker, what) for what in ("clean", "shifted")))
                out.append(_cells(cells))
    return "\n".join(out)


def _gain(results: Sequence[LiftResult], maker: str, what: str) -> str:
    """Mean difference. Each seed draws its own training images, the same with and without, so results pair by seed."""
    with_them = {result.seed: getattr(result, what) for result in results if result.made_with == maker}
    without = {result.seed: getattr(result, what) for result in results if result.made_with == WITHOUT}
    gains = [with_them[seed] - without[seed] for seed in with_them if seed in without]
    if not gains:
        return "-"  # not measured yet
    error = f" ± {statistics.stdev(gains) / math.sqrt(len(gains)):.1f}" if len(gains) > 1 else ""
    return f"{statistics.fmean(gains):+.1f}{error}"


def _cells(words: Sequence[str]) -> str:
    return "| " + " | ".join(words) + " |"
