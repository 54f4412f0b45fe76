"""What a measurement found, as HTML: a sentence and bars for each recipe.

Bars are boxes of CSS rather than SVG, so that they are as wide as a phone, and their words as large as all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from augmentai.lift import ClassLift, Difference, LiftReport, RecipeLift
from augmentai.lift.sentences import heading, metric, points, verdict
from augmentai.plurals import counted

_KINDS = {"helps": "up", "hurts": "down", "cannot tell": "unsure"}
_STEPS = (0.5, 1, 2, 5, 10, 20, 50)
_MOST_MARKS = 6  # fit on a phone
_CLASSES_SHOWN = 200
_KEY = (
    "Points of {metric}, against as many flips and crops. Each bar is a 95 % interval, its line the difference that "
    "was measured."
)
_SHIFTED = " Shifted: the same test images under another light, blurred or noisy."


def lift_html(report: LiftReport) -> str:
    """The whole measurement.

    Args:
        report: of any task and method.

    Returns:
        HTML without a script, in the colours of the page, in which no text of the set is markup.

    Example:
        >>> one = RecipeLift("light", "helps", 4.2, (1.1, 7.3), pictures=120, accuracy=69.2, baseline=65.0)
        >>> report = LiftReport("pets", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, (one,))
        >>> "Helps: +4.2 points (+1.1 to +7.3)" in lift_html(report)
        True
    """
    scale = _Scale.of(bound for one in report.recipes for bound in _bounds(one))
    cards = "".join(_card(one, scale) for one in report.recipes)
    key = _KEY.format(metric=metric(report)) + (_SHIFTED if any(one.shifted for one in report.recipes) else "")
    notes = "".join(f"<li>{escape(_sentence(note))}</li>" for note in report.notes)
    return (
        f'<div class="report lift"><p class="aug-line">{escape(heading(report))}.</p>{cards}'
        f'<p class="aug-hint">{key}</p>' + (f'<ul class="lift-notes">{notes}</ul>' if notes else "") + "</div>"
    )


def lift_report(report: LiftReport | None) -> str:
    """The part of a job's report that says what was measured with its settings, or that nothing was."""
    if report is None:
        words = "Not measured with these settings. <b>Does it help?</b>, a tab of the page, measures it on your images."
        return f'<div class="report"><section class="plot"><h2>Does it help?</h2><p>{words}</p></section></div>'
    return f'<div class="report"><h2 class="lift-title">Does it help?</h2></div>{lift_html(report)}'


def sentence(one: RecipeLift) -> str:
    """The verdict on a recipe as the page says it.

    Example:
        >>> sentence(RecipeLift("light", "cannot tell", 0.4, (-1.2, 2.0), pictures=50, needs=900))
        'Cannot tell with 50 images (about 900 would do)'
    """
    if one.verdict == "cannot tell":
        return _sentence(verdict(one))[:-1]
    mean, _, interval = points(one).partition(" ")
    return f"{one.verdict.capitalize()}: {mean} points {interval}"


class _Scale:
    """A common scale of all bars, with zero on it."""

    def __init__(self, low: float, high: float, step: float) -> None:
        self.low, self.high, self.step = low, high, step

    @classmethod
    def of(cls, bounds: Iterable[float]) -> _Scale:
        values = list(bounds)
        low, high = min([-1.0, *values]), max([1.0, *values])
        step = next((step for step in _STEPS if (high - low) / step <= _MOST_MARKS - 2), _STEPS[-1])
        return cls(step * (low // step), -step * (-high // step), step)

    def share(self, value: float) -> float:
        """Where a value is, in percent of the width."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def marks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def _bounds(one: RecipeLift) -> list[float]:
    return [*one.interval, *(one.shifted.interval if one.shifted is not None else ())]


def _card(one: RecipeLift, scale: _Scale) -> str:
    bars = _bar("Clean", one, _KINDS[one.verdict], scale)
    if one.shifted is not None:
        bars += _bar("Shifted", one.shifted, "quiet", scale)
    accuracy = f"{one.accuracy:.1f} % with its variations, {one.baseline:.1f} % with flips and crops alone."
    failed = f" {counted(one.failed, 'variation')} could not be made." if one.failed else ""
    notes = "".join(f'<p class="aug-hint">{escape(_sentence(note))}</p>' for note in one.notes)
    return (
        f'<section class="plot lift-card"><h2>{escape(one.recipe)}</h2>'
        f'<p class="lift-verdict lift-{_KINDS[one.verdict]}">{escape(sentence(one))}</p>'
        f'<div class="lift-bars">{bars}{_axis(scale)}</div><p>{accuracy}{failed}</p>{notes}{_classes(one.per_class)}'
        "</section>"
    )


def _bar(name: str, one: RecipeLift | Difference, kind: str, scale: _Scale) -> str:
    left, mean, right = (scale.share(value) for value in (one.interval[0], one.difference, one.interval[1]))
    width = max(0.6, round(right - left, 2))
    return (
        f'<div class="lift-row"><span class="lift-name">{name}</span><div class="lift-track" role="img" '
        f'aria-label="{name}: {points(one)} points"><i class="lift-zero" style="left:{scale.share(0)}%"></i>'
        f'<i class="lift-range lift-{kind}" style="left:{left}%;width:{width}%"></i>'
        f'<i class="lift-mean" style="left:{mean}%"></i></div><span class="lift-value">{points(one)}</span></div>'
    )


def _axis(scale: _Scale) -> str:
    marks = "".join(
        f'<i style="left:{scale.share(mark)}%">{f"{mark:+g}" if mark else "0"}</i>' for mark in scale.marks()
    )
    return f'<div class="lift-row"><div class="lift-axis" aria-hidden="true">{marks}</div></div>'


def _classes(classes: tuple[ClassLift, ...]) -> str:
    """The same by class, on demand: classes are too many, and their images too few, for verdicts."""
    if not classes:
        return ""
    rows = "".join(map(_class, classes[:_CLASSES_SHOWN]))
    more = f"<p>and {len(classes) - _CLASSES_SHOWN:,} more</p>" if len(classes) > _CLASSES_SHOWN else ""
    head = '<tr><th scope="col">Class</th><th scope="col">Test images</th><th scope="col">Points</th></tr>'
    return (
        '<details class="lift-classes"><summary>By class</summary><p>One class has few images: these intervals are '
        f"not corrected for the number of classes, and are no verdicts.</p>"
        f'<div class="plot-scroll" tabindex="0" role="region" aria-label="By class"><table class="plot-table">'
        f"<thead>{head}</thead><tbody>{rows}</tbody></table></div>"
        f"{more}</details>"
    )


def _class(one: ClassLift) -> str:
    found = points(Difference(one.difference, one.interval))
    return f'<tr><th scope="row">{escape(one.name)}</th><td>{one.pictures:,}</td><td>{found}</td></tr>'


def _sentence(words: str) -> str:
    """Words that begin with a capital and end with a full stop."""
    words = words.strip()
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
