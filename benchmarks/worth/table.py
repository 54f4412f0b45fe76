"""From the differences of all draws to a table: what each technique is worth, on which sets, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.worth.compare import KINDS, Differences

Results = Mapping[str, Mapping[int, Differences]]  # by set and training images per class


@dataclass(frozen=True)
class Row:
    """A technique, over all sets, in points.

    Attributes:
        technique, shots, kind: what was measured.
        mean: of the sets' means.
        error: standard error of that mean over the sets; None with one set.
        lowest, highest: the sets' means.
        spread: standard deviation of the draws within a set, averaged over the sets; None with one draw each.
        sets, draws: how many.
    """

    technique: str
    shots: int
    kind: str
    mean: float
    error: float | None
    lowest: float
    highest: float
    spread: float | None
    sets: int
    draws: int


def summarise(results: Results) -> list[Row]:
    """A row for each technique, number of training images and kind of test images, in the order of the first set.

    Example:
        >>> draws = {"nothing": {"clean": [0.0, 1.0], "shifted": [0.0, 0.0]}}
        >>> row = summarise({"a": {5: draws}, "b": {5: draws}})[0]
        >>> row.mean, row.error, row.sets, row.draws
        (0.5, 0.0, 2, 4)
    """
    keys = dict.fromkeys(
        (name, shots, kind)
        for sets in results.values()
        for shots, by_technique in sets.items()
        for name in by_technique
        for kind in KINDS
    )
    return [_row(results, *key) for key in keys]


def _row(results: Results, technique: str, shots: int, kind: str) -> Row:
    cells = [sets[shots][technique][kind] for sets in results.values() if technique in sets.get(shots, {})]
    means = [float(np.mean(draws)) for draws in cells]
    several = [np.std(draws, ddof=1) for draws in cells if len(draws) > 1]
    return Row(
        technique,
        shots,
        kind,
        round(float(np.mean(means)), 2),
        round(float(np.std(means, ddof=1) / len(means) ** 0.5), 2) if len(means) > 1 else None,
        round(min(means), 2),
        round(max(means), 2),
        round(float(np.mean(several)), 2) if several else None,
        len(cells),
        sum(map(len, cells)),
    )


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table: a line for each technique, columns for each kind and number of training images.

    A cell is the mean over the sets, its standard error over them, and the means of the worst and the best set.
    """
    columns = list(dict.fromkeys((row.kind, row.shots) for row in sorted(rows, key=lambda row: (row.shots, row.kind))))
    known = {(row.technique, row.kind, row.shots): row for row in rows}
    lines = [
        "| " + " | ".join(["added", *(f"{kind}, {shots} per class" for kind, shots in columns)]) + " |",
        "| " + " | ".join(["---"] * (1 + len(columns))) + " |",
    ]
    for name in dict.fromkeys(row.technique for row in rows):
        cells = [_cell(known.get((name, *column))) for column in columns]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    error = "" if row.error is None else f" ± {row.error:.1f}"
    return f"{row.mean:+.1f}{error} ({row.lowest:+.1f} to {row.highest:+.1f})"
