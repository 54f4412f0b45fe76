"""What the parts of the page show at each moment of a job: {name of a part: its new value}."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gradio as gr

from augmentai.web import texts
from augmentai.web.components.plots import report_page
from augmentai.web.jobs.run import Row, Snapshot
from augmentai.web.jobs.session_store import Finished

Shown = dict[str, Any]

WINDOW = 24  # pictures shown while it works
PER_PAGE = 300  # of a finished job; filters and pages lead to the rest
_ALL = ""


def working_view(snapshot: Snapshot, first: bool, before: Sequence[Row]) -> Shown:
    """A job at work: how far it is, and the pictures made last. before: those of earlier runs that it adds to."""
    view: Shown = {
        "status": texts.progress(snapshot),
        "problems": texts.troubles(None, snapshot.failures),
        "grid": gr.update(items=cards(snapshot.rows[-WINDOW:] or before[-WINDOW:], set()), finished=False),
    }
    if first:
        view |= {
            "download": gr.DownloadButton(visible=False),
            "pack": gr.Button(visible=False),
            "after": gr.update(visible=False),
            "stop": gr.Button("Stop", visible=True, interactive=True),
        }
    return view


def finished_view(finished: Finished) -> Shown:
    """A finished or stopped job, all its filters open."""
    report = finished.report
    sources = sorted({row.source for row in finished.rows})
    labels = sorted({label for row in finished.rows for label in row.labels})
    missing = len(finished.missing())
    told = report["variations"] > 0 or bool(report["failures"])  # where nothing could be made, the manifest says why
    return {
        "status": texts.summary(report),
        **(download(finished) if told else {}),
        "again": gr.Button(texts.again(report, missing), visible=missing > 0),
        "after": gr.update(visible=bool(finished.rows)),
        "by_label": gr.Dropdown(
            [("All classes", _ALL), *((name, name) for name in labels)], value=_ALL, visible=len(labels) > 1
        ),
        "by_source": gr.Dropdown(
            [("All photos", _ALL), *((name, name) for name in sources)], value=_ALL, visible=len(sources) > 1
        ),
        "problems": texts.troubles(report, report["failures"]),
        "report": report_page(finished),
        **page_of(finished, _ALL, _ALL, 1),
    }


def page_of(finished: Finished, source: str, label: str, number: int) -> Shown:
    """One page of the pictures that a filter leaves."""
    rows = finished.shown(source, label)
    pages = max(1, -(-len(rows) // PER_PAGE))
    number = min(max(1, number), pages)
    part = rows[(number - 1) * PER_PAGE : number * PER_PAGE]
    return {
        "grid": gr.update(items=cards(part, finished.left_out), finished=True),
        "pages": gr.Number(number, label=f"Page (of {pages})", maximum=pages, visible=pages > 1),
    }


def download(finished: Finished) -> Shown:
    """The button that saves the ZIP; or its like that packs it first."""
    ready = finished.ready
    label = texts.download(finished.kept, len(finished.left_out), os.path.getsize(ready) if ready else None)
    if ready is None:
        return {"download": gr.DownloadButton(visible=False), "pack": gr.Button(label, visible=True, interactive=True)}
    look = "primary" if finished.kept else "secondary"
    button = gr.DownloadButton(label, value=str(ready), variant=look, visible=True, interactive=True)
    return {"download": button, "pack": gr.Button(visible=False)}


def _lies(row: Row) -> str:
    """How the source is shown beside this variation, in words; empty where it lies as it always did."""
    if row.geometry is None:
        return ""
    return "mirrored" if row.geometry["name"] == "flip" else "moved alike"


def cards(rows: Sequence[Row], left_out: set[str]) -> list[dict[str, Any]]:
    """JSON for the grid."""
    return [
        {
            "file": row.file,
            "source": row.source,
            "engine": texts.ENGINE_SHORT.get(row.engine, row.engine),
            "seed": row.seed,
            "strength": f"{row.strength:g}",
            "prompt": row.prompt,
            "look": row.look.replace("bank ", "learnt look "),
            "changed": f"{100 * row.changed:.0f} %",
            "after": row.preview,
            "before": row.before,
            "lies": _lies(row),
            "out": row.file in left_out,
        }
        for row in rows
    ]
