"""A finished job as plots: drawn here as SVG and HTML, so they need no script, follow the theme, and can be read aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from augmentai.web import texts

if TYPE_CHECKING:
    from augmentai.web.shelf import Finished

_CLASSES_SHOWN = 40
_BINS = 12


def report_page(finished: Finished) -> str:
    """The third tab: what was made of each class, how far it moved, by whom."""
    report = finished.report
    made = Counter(row.label for row in finished.rows if row.file not in finished.left_out)
    tiles = [
        ("Pictures in", f"{sum(finished.classes.values()):,}"),
        ("Variations", f"{finished.kept:,}"),
        ("Could not be done", f"{report['failed']:,}"),
        ("Credits", f"{report['credits']:g}"),
        ("Seconds", f"{report['seconds']:g}"),
        ("Seed", str(report["seed"])),
    ]
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    moved = [row.moved for row in finished.rows if row.file not in finished.left_out]
    return (
        f'<div class="report"><dl class="report-tiles">{facts}</dl>'
        f"{_classes(finished.classes, made)}{_moved(moved)}{_engines(report['engines'])}</div>"
    )


def _classes(before: dict[str, int], made: Counter[str]) -> str:
    names = sorted({*before, *made}, key=lambda name: (-(before.get(name, 0) + made[name]), name))
    if not names:
        return ""
    most = max(before.get(name, 0) + made[name] for name in names) or 1
    rows = []
    for name in names[:_CLASSES_SHOWN]:
        old, new = before.get(name, 0), made[name]
        rows.append(
            f'<tr><th scope="row">{escape(name) if name else "<i>no class</i>"}</th>'
            f'<td class="plot-bar" aria-hidden="true"><span class="bar-old" style="width:{100 * old / most:.2f}%"></span>'
            f'<span class="bar-new" style="width:{100 * new / most:.2f}%"></span></td>'
            f"<td>{old:,}</td><td>{old + new:,}</td></tr>"
        )
    more = f"<p>and {len(names) - _CLASSES_SHOWN} more classes</p>" if len(names) > _CLASSES_SHOWN else ""
    return (
        '<section class="plot"><h2>Pictures of each class</h2><p class="plot-key"><i class="bar-old"></i>before '
        '<i class="bar-new"></i>made</p><div class="plot-scroll"><table class="plot-table"><thead><tr><th scope="col">Class</th>'
        '<th class="plot-bar" aria-hidden="true"></th><th scope="col">Before</th><th scope="col">With variations</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{more}</section>"
    )


def _moved(moved: Sequence[float]) -> str:
    """How many variations moved how far, as columns."""
    if not moved:
        return ""
    top = max(0.05, *moved)
    counts = [0] * _BINS
    for share in moved:
        counts[min(_BINS - 1, int(share / top * _BINS))] += 1
    tallest = max(counts)
    width, height, left, floor = 640, 220, 44, 180
    step = (width - left - 8) / _BINS
    columns = ""
    for number, count in enumerate(counts):
        tall = (floor - 16) * count / tallest
        x = left + number * step
        columns += f'<rect x="{x + 2:.1f}" y="{floor - tall:.1f}" width="{step - 4:.1f}" height="{tall:.1f}" rx="3"/>'
        if count:
            columns += f'<text x="{x + step / 2:.1f}" y="{floor - tall - 5:.1f}" text-anchor="middle">{count}</text>'
    marks = "".join(
        f'<text x="{left + share * (width - left - 8):.1f}" y="{floor + 18}" text-anchor="middle">{100 * share * top:.0f} %</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    middle = sorted(moved)[len(moved) // 2]
    words = (
        f"Half of the {len(moved):,} variations moved more than {100 * middle:.1f} per cent, "
        f"from {100 * min(moved):.1f} to {100 * max(moved):.1f} per cent."
    )
    return (
        f'<section class="plot"><h2>How far they moved</h2><p>{words} 0 is the source itself, 100 the way from black to '
        f'white: the mean difference of the pixels.</p><svg class="plot-columns" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Histogram of how far variations moved. {words}"><g>{columns}</g><line x1="{left}" y1="{floor}" '
        f'x2="{width - 8}" y2="{floor}"/>{marks}<text x="{width / 2}" y="{height - 4}" text-anchor="middle">'
        "mean difference from the source</text></svg></section>"
    )


def _engines(engines: dict[str, int]) -> str:
    if not engines:
        return ""
    total = sum(engines.values())
    rows = "".join(
        f'<tr><th scope="row">{escape(texts.ENGINE_SHORT.get(name, name))}</th><td class="plot-bar" aria-hidden="true">'
        f'<span class="bar-new" style="width:{100 * count / total:.2f}%"></span></td><td>{count:,}</td>'
        f"<td>{100 * count / total:.0f} %</td></tr>"
        for name, count in sorted(engines.items(), key=lambda pair: -pair[1])
    )
    return (
        '<section class="plot"><h2>Engines used</h2><div class="plot-scroll"><table class="plot-table"><thead><tr>'
        '<th scope="col">Engine</th><th class="plot-bar" aria-hidden="true"></th><th scope="col">Variations</th><th scope="col">Share</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
