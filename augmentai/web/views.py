"""The page at each moment of a job, as {name of a component: its new value}."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import gradio as gr

from augmentai.annotations import Shape
from augmentai.dataset.drawing.label_drawing import ClassColours
from augmentai.engines import title
from augmentai.web import result_texts, texts
from augmentai.web.components.lift_bars import lift_report
from augmentai.web.components.plots import ReportFigures, report_html
from augmentai.web.components.report_details import ReportDetails, details_html
from augmentai.web.components.report_file import with_save_link
from augmentai.web.jobs.finished_job import FinishedJob
from augmentai.web.jobs.job_classes import class_names_of
from augmentai.web.jobs.selection import View
from augmentai.web.jobs.snapshot import ResultRow, Snapshot, seconds_left
from augmentai.web.jobs.visitor_jobs import VisitorJob

Updates = dict[str, Any]

WINDOW = 24  # images shown while a job works
_LONG_SECONDS = 60.0  # a job that goes on for longer offers to notify its visitor
PER_PAGE = 300  # images of a finished job on one page
_ALL = ""
_BUILT_IN_STYLE = re.compile(r"^bank (\d+)$")
_BLEND = re.compile(r"(.+) \+ (0\.\d+) of (.+)")
_HASH = re.compile(r" [0-9a-f]{12}$")  # of the source that a style was taken from


def working_view(snapshot: Snapshot, first: bool, earlier: Sequence[ResultRow]) -> Updates:
    """A job at work: its progress and the latest images.

    Args:
        snapshot: the state of the job.
        first: whether nothing of this job is shown yet.
        earlier: rows of the job that this one adds to, shown until it has some.
    """
    updates: Updates = {
        "status": progress(snapshot),
        "problems": texts.problems(snapshot.failures),
        "grid": gr.update(items=cards(snapshot.rows[-WINDOW:] or earlier[-WINDOW:], set()), finished=False),
    }
    left = seconds_left(snapshot.done, snapshot.expected, snapshot.seconds)
    if left is not None and left > _LONG_SECONDS:
        updates["notify"] = gr.Checkbox(visible=True)
    if first:
        updates |= {
            "download": gr.DownloadButton(visible=False),
            "pack": gr.Button(visible=False),
            "see_report": gr.Button(visible=False),
            "result_filters": gr.update(visible=False),
            "stop": gr.Button("Stop", visible=True, interactive=True),
        }
    return updates


def waiting_view(job: VisitorJob) -> Updates:
    """A job that waits for its turn, or for its inputs to be read."""
    return {
        "status": texts.QUEUED,
        "place_timer": gr.Timer(active=True),
        "start": gr.Button("Working", interactive=False),
        "stop": gr.Button("Stopping" if job.stop.is_set() else "Stop", visible=True, interactive=not job.stop.is_set()),
        "resume": gr.Button(visible=False),
        "tab": tab_view(job),
    }


def idle_view(start_label: str = "") -> Updates:
    """The buttons when no job runs. start_label: with the price of the next one, if it has one."""
    return {
        "start": gr.Button(start_label or texts.START, interactive=True),
        "stop": gr.Button("Stop", visible=False),
        "notify": gr.Checkbox(visible=False),
    }


def tab_view(job: VisitorJob | None, closed_tab_seconds: float | None = None, place: int | None = None) -> Any:
    """The address and the title of the tab that shows a job, and whether it warns before it is closed."""
    stops = job is not None and job.is_live and closed_tab_seconds is not None
    return gr.update(job=job.id if job else "", title=texts.tab_title(job, place), warn=stops)


def progress(snapshot: Snapshot) -> str:
    """The progress bar of a job at work, as HTML."""
    return texts.progress(
        snapshot.done,
        snapshot.expected,
        snapshot.seconds,
        snapshot.credits,
        len(snapshot.failures),
        snapshot.progress.message,
    )


def finished_view(finished: FinishedJob) -> Updates:
    """A finished or stopped job, without filters."""
    report = finished.report
    sources = sorted({row.source for row in finished.rows})
    labels = sorted({label for row in finished.rows for label in row.labels})
    incomplete = len(finished.incomplete_sources())
    resume = texts.resume_label(report["stopped"], incomplete, finished.rest_cost)
    has_zip = report["variations"] > 0 or bool(report["failures"])  # if all failed, the manifest in it says why
    return {
        "status": texts.summary(report),
        **(download_view(finished) if has_zip else {}),
        "resume": gr.Button(resume, visible=incomplete > 0),
        "see_report": gr.Button(visible=True),
        "result_filters": gr.update(visible=bool(finished.rows)),
        "by_label": gr.Dropdown(
            [("All classes", _ALL), *((name, name) for name in labels)], value=_ALL, visible=len(labels) > 1
        ),
        "by_source": gr.Dropdown(
            [("All images", _ALL), *((name, name) for name in sources)], value=_ALL, visible=len(sources) > 1
        ),
        "problems": texts.problems(report["failures"], report),
        "report": report_view(finished),
        "shown": gr.Dropdown(value="all"),
        "order": gr.Dropdown(value="name"),
        "draw_labels": gr.Checkbox(visible=any(row.drawing for row in finished.rows)),
        "classes": class_legend(finished),
        **result_page(finished, View(), 1),
    }


def result_page(finished: FinishedJob, view: View, number: int) -> Updates:
    """One page of the images that a view shows. number: counts from 1, and is limited to the last page."""
    rows = finished.shown_rows(view)
    pages = max(1, -(-len(rows) // PER_PAGE))
    number = min(max(1, number), pages)
    part = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    return {
        "grid": gr.update(
            items=cards(part, finished.excluded, finished.more_cost),
            finished=True,
            revision=finished.exclusions.revision,
            grouped=view.order == "name",
            stamp=time.monotonic_ns(),  # it is drawn anew also if the same is shown as before a visitor's clicks
            empty=result_texts.nothing_shown(view.shown),
        ),
        "pages": gr.Number(number, label=f"Page (of {pages})", maximum=pages, visible=pages > 1),
        **choice_view(finished, rows),
    }


def choice_view(finished: FinishedJob, rows: Sequence[ResultRow]) -> Updates:
    """The buttons that exclude or include all variations that are shown, and the one that undoes it."""
    excluded = sum(row.file in finished.excluded for row in rows)
    return {
        "exclude_all": gr.Button(result_texts.all_label("Exclude", len(rows) - excluded), visible=excluded < len(rows)),
        "include_all": gr.Button(result_texts.all_label("Include", excluded), visible=excluded > 0),
        "undo": gr.Button(interactive=finished.exclusions.can_undo),
    }


def download_view(finished: FinishedJob) -> Updates:
    """The button that downloads the ZIP, or the one in its place that packs it first."""
    ready = finished.ready_zip
    size_bytes = os.path.getsize(ready) if ready else None
    label = texts.download_label(finished.included, len(finished.excluded), size_bytes)
    if ready is None:
        return {"download": gr.DownloadButton(visible=False), "pack": gr.Button(label, visible=True, interactive=True)}
    variant = "primary" if finished.included else "secondary"
    button = gr.DownloadButton(label, value=str(ready), variant=variant, visible=True, interactive=True)
    return {"download": button, "pack": gr.Button(visible=False)}


def report_view(finished: FinishedJob) -> str:
    """The report tab, as HTML."""
    report = finished.report
    rows = [row for row in finished.rows if row.file not in finished.excluded]
    engines = Counter(report["engines"])
    engines.subtract(row.engine for row in finished.rows if row.file in finished.excluded)
    figures = ReportFigures(
        sources=len(finished.plan.sources),
        variations=finished.included,
        failed=report["failed"],
        credits=report["credits"],
        seconds=report["seconds"],
        seed=report["seed"],
        originals_per_class=finished.classes,
        variations_per_class=Counter(name for row in rows for name in row.labels or ("",)),
        changes=[row.changed for row in rows if row.changed is not None],
        engines={title(name): number for name, number in engines.items()},
        diversity=report["diversity"]["sentence"] if report.get("diversity") else "",
    )
    objects, lost = Counter[str](), Counter[str]()
    for row in rows:
        objects.update(row.objects)
        lost.update(row.lost)
    details = ReportDetails(report, Counter(row.strength for row in rows), objects, lost)
    html = report_html(figures, details_html(details)) + lift_report(finished.lift)
    return with_save_link(html, f"AugmentAI: {report['headline']}")


def cards(
    rows: Sequence[ResultRow], excluded: Collection[str], more_cost: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """JSON for the result grid. more_cost: see `FinishedJob`."""
    costs = more_cost or {}
    return [
        {
            "file": row.file,
            "source": row.source,
            "engine": title(row.engine),
            "seed": row.seed,
            "strength": f"{row.strength:g}",
            "prompt": row.prompt,
            "style": style_name(row.style),
            "changed": f"{100 * row.changed:.0f} %" if row.changed is not None else "",
            "preview": row.preview,
            "sourcePreview": row.source_preview,
            "alignment": _alignment(row),
            "excluded": row.file in excluded,
            "more": texts.more_label(costs.get(row.engine, 0.0)),
            "label": ", ".join(row.labels),
            "original": row.original_preview,
            "drawing": row.drawing,
            "sourceDrawing": row.source_drawing,
            "originalDrawing": row.original_drawing,
            "objects": ", ".join(f"{count:,} {name}" if count else name for name, count in sorted(row.objects.items())),
            "scores": result_texts.scores(row.scores),
            "width": row.size_wh[0],
            "height": row.size_wh[1],
        }
        for row in rows
    ]


def class_legend(finished: FinishedJob) -> str:
    """The classes of the labelled objects in the colours in which they are drawn, as HTML, with their numbers."""
    counts: Counter[str] = Counter()
    for row in finished.rows:
        counts.update(row.objects)
    colours = ClassColours(class_names_of(finished.plan.gathered, finished.classes))
    colour_of = colours.of(Shape(name, None) for name in counts)
    return result_texts.legend([(name, colour_of[name], count) for name, count in counts.most_common()])


def style_name(style: str) -> str:
    """A style as the page names it: "bank 47 + 0.19 of bank 63" becomes "built-in 47 + 19 % of 63"."""
    blend = _BLEND.fullmatch(style)
    if blend is None:
        return _HASH.sub("", _BUILT_IN_STYLE.sub(r"built-in \1", style))
    first, share, second = blend.groups()
    both_built_in = _BUILT_IN_STYLE.fullmatch(first) and _BUILT_IN_STYLE.fullmatch(second)
    second = second.removeprefix("bank ") if both_built_in else style_name(second)
    return f"{style_name(first)} + {100 * float(share):.0f} % of {second}"


def _alignment(row: ResultRow) -> str:
    """How the source is shown beside this variation; empty if it is shown as it is."""
    if row.geometry is None:
        return ""
    return "flipped" if row.geometry["name"] == "flip" else "aligned"
