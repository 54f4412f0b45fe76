"""The report of a finished job as plots: SVG and HTML that need no script, follow the theme and can be read aloud."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from augmentai.plurals import counted

_CLASSES_SHOWN = 40
_BINS = 12


@dataclass(frozen=True)
class ReportFigures:
    """What the report shows. Classes are by name; images without a class are under "".

    Attributes:
        changes: mean pixel difference of each variation from its source, 0 to 1.
        engines: variations by engine title.
        diversity: how much the variations differ, see `Diversity.sentence`; empty if that was not measured.
    """

    sources: int
    variations: int
    failed: int
    credits: float
    seconds: float
    seed: int
    originals_per_class: Mapping[str, int]
    variations_per_class: Mapping[str, int]
    changes: Sequence[float]
    engines: Mapping[str, int]
    diversity: str = ""


def report_html(figures: ReportFigures, details: str = "") -> str:
    """The report tab: key figures, images per class, amount of change, engines used. details: further sections."""
    tiles = [
        ("Source images", f"{figures.sources:,}"),
        ("Variations", f"{figures.variations:,}"),
        ("Failed", f"{figures.failed:,}"),
        ("Credits", f"{figures.credits:g}"),
        ("Seconds", f"{figures.seconds:g}"),
        ("Seed", str(figures.seed)),
    ]
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    classes = _classes(figures.originals_per_class, figures.variations_per_class)
    return (
        f'<div class="report"><dl class="report-tiles">{facts}</dl>'
        f"{classes}{_changes(figures.changes)}{_diversity(figures.diversity)}{_engines(figures.engines)}{details}</div>"
    )


def _classes(originals: Mapping[str, int], variations: Mapping[str, int]) -> str:
    totals = {name: originals.get(name, 0) + variations.get(name, 0) for name in {*originals, *variations}}
    names = sorted(totals, key=lambda name: (-totals[name], name))
    if not names:
        return ""
    largest = totals[names[0]] or 1
    rows = "".join(
        _class_row(name, originals.get(name, 0), variations.get(name, 0), largest) for name in names[:_CLASSES_SHOWN]
    )
    key = '<p class="plot-key"><i class="bar-originals"></i>originals <i class="bar-variations"></i>variations</p>'
    more = more_classes(len(names) - _CLASSES_SHOWN)
    body = table(("Class", "Originals", "Total"), rows)
    return f'<section class="plot"><h2>Images per class</h2>{key}{body}{more}</section>'


def _class_row(name: str, originals: int, variations: int, largest: int) -> str:
    shown = escape(name) if name else "<i>no class</i>"
    bars = bar("bar-originals", originals / largest) + bar("bar-variations", variations / largest)
    return row(shown, bars, (f"{originals:,}", f"{originals + variations:,}"))


def _changes(changes: Sequence[float]) -> str:
    """A histogram of how much the variations changed."""
    if not changes:
        return ""
    median = sorted(changes)[len(changes) // 2]
    text = (
        f"Median change of {counted(len(changes), 'variation')}: {100 * median:.1f} % "
        f"(from {100 * min(changes):.1f} % to {100 * max(changes):.1f} %)."
    )
    unit = "Mean pixel difference from the source: 0 % is identical, 100 % is black against white."
    return f'<section class="plot"><h2>Amount of change</h2><p>{text} {unit}</p>{_columns(changes, text)}</section>'


def _diversity(sentence: str) -> str:
    """How much the variations differ from each other, and what that is measured by."""
    if not sentence:
        return ""
    unit = "Measured by the features of a pretrained network: near 0 %, variations add little but copies."
    text = f"{escape(sentence[:1].upper() + sentence[1:])}. {unit}"
    return f'<section class="plot"><h2>Diversity</h2><p>{text}</p></section>'


def _columns(changes: Sequence[float], summary: str) -> str:
    top = math.ceil(25 * max(0.04, *changes)) / 25  # a multiple of 4 %, so that the five marks are whole numbers
    counts = [0] * _BINS
    for share in changes:
        counts[min(_BINS - 1, int(share / top * _BINS))] += 1
    width, height, left, right, floor = 640, 258, 30, 610, 200
    step = (right - left) / _BINS
    columns = ""
    for number, count in enumerate(counts):
        tall = (floor - 28) * count / max(counts)
        x, y = left + number * step, floor - tall
        columns += f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{step - 4:.1f}" height="{tall:.1f}" rx="3"/>'
        if count:
            columns += _text(x + step / 2, y - 5, str(count))
    marks = "".join(
        _text(left + share * (right - left), floor + 22, f"{100 * share * top:.0f} %")
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<svg class="plot-columns" viewBox="0 0 {width} {height}" role="img" aria-label="Histogram. {summary}">'
        f"{columns}"
        f'<line x1="{left}" y1="{floor}" x2="{right}" y2="{floor}"/>{marks}'
        f"{_text(width / 2, height - 6, 'mean pixel difference from the source')}</svg>"
    )


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{text}</text>'


def _engines(engines: Mapping[str, int]) -> str:
    total = sum(engines.values())
    if not total:
        return ""
    rows = "".join(
        row(
            escape(name),
            bar("bar-variations", count / total),
            (f"{count:,}", f"{100 * count / total:.0f} %"),
        )
        for name, count in sorted(engines.items(), key=lambda pair: -pair[1])
    )
    return f'<section class="plot"><h2>Engines used</h2>{table(("Engine", "Variations", "Share"), rows)}</section>'


def more_classes(count: int) -> str:
    """How many classes a table leaves out, as HTML; nothing for none."""
    return f"<p>and {counted(count, 'more class', 'more classes')}</p>" if count > 0 else ""


def bar(kind: str, share: float) -> str:
    """A bar of a table. share: of its width, 0 to 1."""
    return f'<span class="{kind}" style="width:{100 * share:.2f}%"></span>'


def row(name: str, bars: str, cells: Sequence[str]) -> str:
    """A row of a table; its bars repeat the numbers, so they are not read aloud."""
    values = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{name}</th><td class="plot-bar" aria-hidden="true">{bars}</td>{values}</tr>'


def table(heads: Sequence[str], rows: str) -> str:
    """A table whose second column has bars. rows: see `row`."""
    first, *rest = (f'<th scope="col">{head}</th>' for head in heads)
    top = f'<tr>{first}<th class="plot-bar" aria-hidden="true"></th>{"".join(rest)}</tr>'
    body = f'<table class="plot-table"><thead>{top}</thead><tbody>{rows}</tbody></table>'
    name = f"{heads[0]}: {', '.join(heads[1:])}"  # a wide table is scrolled by keyboard too
    return f'<div class="plot-scroll" tabindex="0" role="region" aria-label="{escape(name)}">{body}</div>'
