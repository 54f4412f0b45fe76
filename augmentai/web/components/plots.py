"""A finished job as plots: SVG and HTML that need no script, follow the theme, and can be read aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from augmentai.web import texts

if TYPE_CHECKING:
    from augmentai.web.jobs.session_store import Finished

_CLASSES_SHOWN = 40
_BINS = 12


def report_page(finished: Finished) -> str:
    """The third tab: what was made of each class, how much it changed, by whom."""
    report = finished.report
    kept = [row for row in finished.rows if row.file not in finished.left_out]
    made = Counter(name for row in kept for name in row.labels or ("",))
    tiles = [
        ("Pictures in", f"{len(finished.gathered.sources):,}"),
        ("Variations", f"{finished.kept:,}"),
        ("Could not be done", f"{report['failed']:,}"),
        ("Credits", f"{report['credits']:g}"),
        ("Seconds", f"{report['seconds']:g}"),
        ("Seed", str(report["seed"])),
    ]
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    engines = Counter(report["engines"])
    engines.subtract(row.engine for row in finished.rows if row.file in finished.left_out)
    changes = [row.changed for row in kept]
    return (
        f'<div class="report"><dl class="report-tiles">{facts}</dl>'
        f"{_classes(finished.classes, made)}{_changed(changes)}{_engines(engines)}</div>"
    )


def _classes(before: dict[str, int], made: Counter[str]) -> str:
    names = sorted({*before, *made}, key=lambda name: (-(before.get(name, 0) + made[name]), name))
    if not names:
        return ""
    most = max(before.get(name, 0) + made[name] for name in names) or 1
    rows = "".join(_class_row(name, before.get(name, 0), made[name], most) for name in names[:_CLASSES_SHOWN])
    key = '<p class="plot-key"><i class="bar-old"></i>before <i class="bar-new"></i>made</p>'
    more = f"<p>and {len(names) - _CLASSES_SHOWN} more classes</p>" if len(names) > _CLASSES_SHOWN else ""
    table = _table(("Class", "Before", "With variations"), rows)
    return f'<section class="plot"><h2>Pictures of each class</h2>{key}{table}{more}</section>'


def _class_row(name: str, old: int, new: int, most: int) -> str:
    shown = escape(name) if name else "<i>no class</i>"
    bars = _bar("bar-old", old / most) + _bar("bar-new", new / most)
    return _row(shown, bars, (f"{old:,}", f"{old + new:,}"))


def _changed(changes: Sequence[float]) -> str:
    """How many variations changed how much, as columns."""
    if not changes:
        return ""
    middle = sorted(changes)[len(changes) // 2]
    words = (
        f"Half of the {len(changes):,} variations changed by more than {100 * middle:.1f} per cent, "
        f"from {100 * min(changes):.1f} to {100 * max(changes):.1f} per cent."
    )
    unit = "The measure is the mean difference of the pixels: 0 is the source itself, 100 the way from black to white."
    return (
        f'<section class="plot"><h2>How much they changed</h2><p>{words} {unit}</p>{_columns(changes, words)}</section>'
    )


def _columns(changes: Sequence[float], words: str) -> str:
    top = max(0.05, *changes)
    counts = [0] * _BINS
    for share in changes:
        counts[min(_BINS - 1, int(share / top * _BINS))] += 1
    width, height, left, right, floor = 640, 250, 12, 628, 200
    step = (right - left) / _BINS
    columns = ""
    for number, count in enumerate(counts):
        tall = (floor - 28) * count / max(counts)
        x, y = left + number * step, floor - tall
        columns += f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{step - 4:.1f}" height="{tall:.1f}" rx="3"/>'
        if count:
            columns += _text(x + step / 2, y - 5, str(count))
    marks = "".join(
        _text(left + share * (right - left - 24) + 12, floor + 20, f"{100 * share * top:.0f} %")
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<svg class="plot-columns" viewBox="0 0 {width} {height}" role="img" aria-label="Histogram. {words}">{columns}'
        f'<line x1="{left}" y1="{floor}" x2="{right}" y2="{floor}"/>{marks}'
        f"{_text(width / 2, height - 3, 'mean difference from the source')}</svg>"
    )


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{words}</text>'


def _engines(engines: Counter[str]) -> str:
    total = engines.total()
    if not total:
        return ""
    rows = "".join(
        _row(
            escape(texts.ENGINE_SHORT.get(name, name)),
            _bar("bar-new", count / total),
            (f"{count:,}", f"{100 * count / total:.0f} %"),
        )
        for name, count in sorted(engines.items(), key=lambda pair: -pair[1])
    )
    return f'<section class="plot"><h2>Engines used</h2>{_table(("Engine", "Variations", "Share"), rows)}</section>'


def _bar(kind: str, share: float) -> str:
    return f'<span class="{kind}" style="width:{100 * share:.2f}%"></span>'


def _row(name: str, bars: str, cells: Sequence[str]) -> str:
    """The bars repeat what the numbers say, so they are not read aloud."""
    told = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{name}</th><td class="plot-bar" aria-hidden="true">{bars}</td>{told}</tr>'


def _table(heads: Sequence[str], rows: str) -> str:
    first, *rest = (f'<th scope="col">{head}</th>' for head in heads)
    top = f'<tr>{first}<th class="plot-bar" aria-hidden="true"></th>{"".join(rest)}</tr>'
    return f'<div class="plot-scroll"><table class="plot-table"><thead>{top}</thead><tbody>{rows}</tbody></table></div>'
