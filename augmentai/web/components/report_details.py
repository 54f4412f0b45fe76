"""The second half of the report: strength, filters, labelled objects, spending, failures and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from augmentai.plurals import counted
from augmentai.web import texts
from augmentai.web.components.plots import bar, more_classes, row, table

_CLASSES_SHOWN = 60


@dataclass(frozen=True)
class ReportDetails:
    """What the second half of the report shows.

    Attributes:
        report: of the job, see `Report.as_dict`.
        strengths: variations by their strength.
        objects: labelled objects in the variations, by class.
        lost: objects whose labels were removed since they left the frame, by class.
    """

    report: Mapping[str, Any]
    strengths: Mapping[float, int]
    objects: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, int] = field(default_factory=dict)


def details_html(details: ReportDetails) -> str:
    """The sections as HTML.

    Example:
        >>> html = details_html(ReportDetails({"filtered": "", "credits": 0, "failures": [], "fallbacks": [],
        ...     "notices": []}, {0.4: 2}))
        >>> "All 2 variations were made at strength 0.4" in html, "rejected nothing" in html, "Spending" in html
        (True, True, False)
    """
    report = details.report
    parts = [_strengths(details.strengths), _filters(report), _objects(details.objects, details.lost)]
    if report["credits"]:
        spent = f"{report['credits']:g} credits ({texts.dollars(report['credits'])}) were charged."
        parts.append(_section("Spending", f"<p>{spent}</p>"))
    if problems := texts.problems(report["failures"], report):
        parts.append(_section("Failures and notes", problems))
    return "".join(parts)


def _section(title: str, html: str) -> str:
    return f'<section class="plot"><h2>{title}</h2>{html}</section>'


def _strengths(strengths: Mapping[float, int]) -> str:
    if not strengths:
        return ""
    if len(strengths) == 1:
        ((strength, count),) = strengths.items()
        made = f"All {counted(count, 'variation')} were" if count != 1 else "The variation was"
        return _section("Strength", f"<p>{made} made at strength {strength:g}.</p>")
    most = max(strengths.values())
    rows = "".join(
        row(f"{strength:g}", bar("bar-variations", count / most), (f"{count:,}",))
        for strength, count in sorted(strengths.items())
    )
    return _section("Strength", table(("Strength", "Variations"), rows))


def _filters(report: Mapping[str, Any]) -> str:
    sentences: Sequence[str] = report["filtered"].split("; ") if report["filtered"] else ()
    if not sentences:
        return _section("Filters", "<p>The filters rejected nothing.</p>")
    items = "".join(f"<li>{escape(one[:1].upper() + one[1:])}</li>" for one in sentences)
    return _section("Filters", f'<ul class="report-list">{items}</ul>')


def _objects(objects: Mapping[str, int], lost: Mapping[str, int]) -> str:
    names = sorted({*objects, *lost}, key=lambda name: (-objects.get(name, 0), name))
    if not any((*objects.values(), *lost.values())):  # classes of masks, whose objects are not counted
        return ""
    most = max(objects.values(), default=1) or 1
    rows = "".join(
        row(
            escape(name),
            bar("bar-variations", objects.get(name, 0) / most),
            (f"{objects.get(name, 0):,}", f"{lost.get(name, 0):,}"),
        )
        for name in names[:_CLASSES_SHOWN]
    )
    more = more_classes(len(names) - _CLASSES_SHOWN)
    heads = ("Class", "In the variations", "Left the frame")
    return _section("Labelled objects", table(heads, rows) + more)
