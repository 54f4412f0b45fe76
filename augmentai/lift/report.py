"""Rows to means, spreads and a Markdown table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from augmentai.lift.protocol import WITHOUT, Row


@dataclass(frozen=True)
class Line:
    """Mean over sets and seeds, and the spread (standard deviation of the seeds' means); accuracies in percent."""

    policy: str
    made_with: str
    shots: int
    clean: float
    clean_spread: float
    shifted: float
    shifted_spread: float


def summary(rows: Sequence[Row]) -> list[Line]:
    """One line for each way of training, the sets weighing the same."""
    lines = []
    for policy, made_with, shots in dict.fromkeys((r.policy, r.made_with, r.shots) for r in rows):
        own = [r for r in rows if (r.policy, r.made_with, r.shots) == (policy, made_with, shots)]
        clean, shifted = _seed_means(own, "clean"), _seed_means(own, "shifted")
        lines.append(Line(policy, made_with, shots, *_mean_spread(clean), *_mean_spread(shifted)))
    return lines


def _seed_means(rows: Iterable[Row], what: str) -> list[float]:
    by_seed: dict[int, list[float]] = {}
    for row in rows:
        by_seed.setdefault(row.seed, []).append(getattr(row, what))
    return [statistics.fmean(values) for values in by_seed.values()]


def _mean_spread(values: Sequence[float]) -> tuple[float, float]:
    return round(statistics.fmean(values), 2), round(statistics.stdev(values), 2) if len(values) > 1 else 0.0


def markdown(rows: Sequence[Row]) -> str:
    """The means over all sets, then each set's gain or loss by the variations: two Markdown tables.

    A gain is the mean of the seeds' differences with the standard error of that mean: what another draw of training
    pictures may change. What other test pictures would change comes on top.
    """
    return _means(summary(rows)) + "\n\n" + _each_set(rows)


def _means(lines: Sequence[Line]) -> str:
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
            cells += ["", ""] * (not found)  # not measured at this number of shots
        out.append(_cells(cells))
    return "\n".join(out)


def _each_set(rows: Sequence[Row]) -> str:
    makers = [name for name in dict.fromkeys(row.made_with for row in rows) if name != WITHOUT]
    sets, shots = list(dict.fromkeys(row.set for row in rows)), sorted({row.shots for row in rows})
    out = [_cells(["gain in points ± its standard error, clean / shifted", *sets]), _cells(["---"] * (1 + len(sets)))]
    for count in shots:
        for policy in dict.fromkeys(row.policy for row in rows if row.shots == count):
            for maker in makers:
                cells = [f"{policy}, {maker}, {count}-shot"]
                for name in sets:
                    own = [r for r in rows if (r.set, r.shots, r.policy) == (name, count, policy)]
                    cells.append(" / ".join(_gain(own, maker, what) for what in ("clean", "shifted")))
                out.append(_cells(cells))
    return "\n".join(out)


def _gain(rows: Sequence[Row], maker: str, what: str) -> str:
    """Each seed draws its own training pictures, the same with and without: only its two rows compare."""
    with_them = {row.seed: getattr(row, what) for row in rows if row.made_with == maker}
    without = {row.seed: getattr(row, what) for row in rows if row.made_with == WITHOUT}
    gains = [with_them[seed] - without[seed] for seed in with_them if seed in without]
    if not gains:
        return "-"  # not measured, or not yet
    error = f" ± {statistics.stdev(gains) / math.sqrt(len(gains)):.1f}" if len(gains) > 1 else ""
    return f"{statistics.fmean(gains):+.1f}{error}"


def _cells(words: Sequence[str]) -> str:
    return "| " + " | ".join(words) + " |"
