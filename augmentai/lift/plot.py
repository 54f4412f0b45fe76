"""The plot of a measurement: one bar per recipe, its interval, on a common scale with a line at zero. SVG, no library.

Colours come from the reader's theme: dark text on light, light text on dark. A verdict is written in words beside its
bar, so that nobody has to tell colours apart.
"""

from __future__ import annotations

from html import escape

from augmentai.lift.report import LiftReport, RecipeLift
from augmentai.lift.sentences import metric, points, verdict

_WIDTH, _ROW, _TOP, _BOTTOM = 760, 48, 36, 40
_MARGIN = 24  # left and right of the scale
_NAME_CHARS = 30
_STEPS = (0.5, 1, 2, 5, 10, 20, 50)
_STYLE = """
.lift { font: 13px system-ui, sans-serif; --ink: #1f2937; --faint: #d1d5db; --quiet: #64748b; --up: #15803d; --down: #b91c1c; }
@media (prefers-color-scheme: dark) { .lift { --ink: #e5e7eb; --faint: #374151; --quiet: #94a3b8; --up: #4ade80; --down: #f87171; } }
.dark .lift { --ink: #e5e7eb; --faint: #374151; --quiet: #94a3b8; --up: #4ade80; --down: #f87171; }
.lift text { fill: var(--ink); } .lift .quiet { fill: var(--quiet); font-size: 12px; }
.lift .grid { stroke: var(--faint); } .lift .zero { stroke: var(--ink); stroke-width: 1.5; }
.lift .helps { fill: var(--up); } .lift .hurts { fill: var(--down); } .lift .unsure { fill: var(--quiet); }
.lift .mean { stroke: var(--ink); stroke-width: 2.5; }
"""  # noqa: E501 (one rule per line)
_BARS = {"helps": "helps", "hurts": "hurts", "cannot tell": "unsure"}


def svg(report: LiftReport) -> str:
    """Plot the recipes of a report in the order asked.

    Args:
        report: of any task and method.

    Returns:
        An SVG document, which can also stand inside an HTML page.

    Example:
        >>> one = RecipeLift("light", "cannot tell", 0.4, (-1.2, 2.0), pictures=120, needs=1900)
        >>> report = LiftReport("pets", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, (one,))
        >>> svg(report).startswith("<svg"), "cannot tell with 120 images" in svg(report)
        (True, True)
    """
    low, high, step = _scale([bound for one in report.recipes for bound in one.interval])
    height = _TOP + _ROW * len(report.recipes) + _BOTTOM
    name = f"What each recipe is worth on {report.set}, in percentage points of {metric(report)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lift" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(name)}">',
        f"<title>{escape(name)}</title><style>{_STYLE}</style>",
        *_grid(low, high, step, height),
    ]
    for row, one in enumerate(report.recipes):
        parts += _bar(one, _TOP + _ROW * row, low, high)
    words = f"points of {metric(report)} against as many flips and crops; bar: 95 % interval"
    parts.append(f'<text class="quiet" x="{_MARGIN}" y="{height - 8}">{words}</text></svg>')
    return "\n".join(parts)


def _scale(bounds: list[float]) -> tuple[float, float, float]:
    """Ends and step of a scale that has zero on it."""
    low, high = min([-1.0, *bounds]), max([1.0, *bounds])
    step = next((step for step in _STEPS if (high - low) / step <= 8), _STEPS[-1])
    return step * (low // step), -step * (-high // step), step


def _x(value: float, low: float, high: float) -> float:
    return round(_MARGIN + (value - low) / (high - low) * (_WIDTH - 2 * _MARGIN), 1)


def _grid(low: float, high: float, step: float, height: int) -> list[str]:
    out = []
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        x = _x(value, low, high)
        kind = "zero" if abs(value) < step / 2 else "grid"
        out.append(f'<line class="{kind}" x1="{x}" x2="{x}" y1="{_TOP - 8}" y2="{height - _BOTTOM + 4}"/>')
        label = f"{value:+g}" if kind == "grid" else "0"
        out.append(f'<text class="quiet" text-anchor="middle" x="{x}" y="{_TOP - 14}">{label}</text>')
    return out


def _bar(one: RecipeLift, top: int, low: float, high: float) -> list[str]:
    left, mean, right = (_x(value, low, high) for value in (one.interval[0], one.difference, one.interval[1]))
    name = one.recipe if len(one.recipe) <= _NAME_CHARS else one.recipe[: _NAME_CHARS - 1] + "…"
    words = f"{verdict(one)}: {points(one)}"
    return [
        f'<text x="{_MARGIN}" y="{top + 14}">{escape(name)}</text>',
        f'<text class="quiet" text-anchor="end" x="{_WIDTH - _MARGIN}" y="{top + 14}">{escape(words)}</text>',
        f'<rect class="{_BARS[one.verdict]}" x="{left}" y="{top + 22}" width="{max(3, right - left):.1f}" height="14" '
        f'rx="3"><title>{escape(f"{one.recipe}: {points(one)}")}</title></rect>',
        f'<line class="mean" x1="{mean}" x2="{mean}" y1="{top + 19}" y2="{top + 39}"/>',
    ]
