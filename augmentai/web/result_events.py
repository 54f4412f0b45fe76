"""The results on the page: what is chosen, excluded, compared and downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from augmentai.web import texts
from augmentai.web.assets import asset
from augmentai.web.components.result_grid import result_grid
from augmentai.web.handlers.results import ResultHandlers
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.selection import ORDERS, SHOWN, View
from augmentai.web.wiring import PRIVATE, UNQUEUED, Components, in_order_of

_PACKED_AT_ONCE = 2  # ZIPs; packing one is little more than disk access
_PLACE_SECONDS = 1.5  # between two looks at the queue, while a job waits

_CHOICES = ("by_source", "by_label", "shown", "order")
_CHOSEN = ("exclude_all", "include_all", "undo")
VIEW_OUTPUTS = ("result_filters", *_CHOICES, "pages", "draw_labels", "classes", *_CHOSEN)


def results_panel(empty: str) -> Components:
    """The status of a job, its downloads and its results. empty: what stands there before the first job, as HTML."""
    place_timer = gr.Timer(_PLACE_SECONDS, active=False)
    with gr.Column(elem_id="headline"):
        status = gr.HTML(empty, padding=False, elem_id="status")
        place = gr.HTML("", padding=False, elem_id="place")
        notify = gr.Checkbox(False, label=texts.NOTIFY, visible=False, container=False, elem_id="notify")
        with gr.Row(elem_id="downloads"):
            download = gr.DownloadButton("Download ZIP", variant="primary", visible=False, min_width=200, elem_id="zip")
            pack = gr.Button("Download ZIP", variant="primary", visible=False, min_width=200, elem_id="pack")
            resume = gr.Button("Resume", visible=False, min_width=150, elem_id="resume")
            see_report = gr.Button("See the report", visible=False, scale=0, min_width=190, elem_id="see-report")
    problems = gr.HTML("", padding=False, elem_id="problems")
    with gr.Column(visible=False, elem_id="result-filters") as result_filters:
        with gr.Row(elem_id="choices"):
            by_label = gr.Dropdown([("All classes", "")], value="", label="Class", min_width=130, elem_id="by-label")
            by_source = gr.Dropdown([("All images", "")], value="", label="Source", min_width=130, elem_id="by-source")
            shown = _dropdown(SHOWN, "all", "Show", "shown")
            order = _dropdown(ORDERS, "name", "Sort by", "order")
            pages = gr.Number(1, label="Page", precision=0, minimum=1, visible=False, min_width=90, elem_id="pages")
        with gr.Row(elem_id="actions"):
            draw_labels = gr.Checkbox(
                True, label="Draw labels", interactive=True, visible=False, min_width=110, elem_id="draw-labels"
            )
            draw = _action("Check 12 at random", "draw")
            exclude_all, include_all = _action("Exclude all", "exclude-all"), _action("Include all", "include-all")
            undo = _action("Undo", "undo")
        classes = gr.HTML("", padding=False, elem_id="classes")
    return {
        "status": status,
        "place": place,
        "notify": notify,
        "place_timer": place_timer,
        "download": download,
        "pack": pack,
        "resume": resume,
        "see_report": see_report,
        "problems": problems,
        "result_filters": result_filters,
        "by_label": by_label,
        "by_source": by_source,
        "shown": shown,
        "order": order,
        "pages": pages,
        "draw_labels": draw_labels,
        "draw": draw,
        "exclude_all": exclude_all,
        "include_all": include_all,
        "undo": undo,
        "classes": classes,
        "grid": result_grid(elem_id="gallery"),
    }


def _dropdown(choices: dict[str, str], value: str, label: str, name: str) -> gr.Dropdown:
    titled = [(title, choice) for choice, title in choices.items()]
    return gr.Dropdown(titled, value=value, label=label, min_width=130, elem_id=name)


def _action(label: str, name: str) -> gr.Button:
    return gr.Button(label, size="sm", min_width=90, elem_id=name)


def wire_results(handlers: ResultHandlers, components: Components) -> None:
    """Connect them with their handlers."""
    choices, grid = [components[name] for name in _CHOICES], components["grid"]
    paged = [*choices, components["pages"]]
    viewed = ("grid", "pages", *_CHOSEN)
    drawn = (*viewed, "shown", "draw_labels")
    chosen, packed = ("download", "pack", "report", *_CHOSEN), ("download", "pack", "status")
    changed = (*dict.fromkeys((*chosen, *viewed)),)

    def outputs(names: tuple[str, ...]) -> list[Any]:
        return [components[name] for name in names]

    def show(source: str, label: str, shown: str, order: str, request: gr.Request) -> Any:
        return in_order_of(viewed)(handlers.show(_view(source, label, shown, order), 1, session_of(request)))

    def turn_page(source: str, label: str, shown: str, order: str, number: float, request: gr.Request) -> Any:
        view = _view(source, label, shown, order)
        return in_order_of(("grid",))(handlers.show(view, number, session_of(request)))[0]

    def draw(source: str, label: str, shown: str, order: str, request: gr.Request) -> Any:
        return in_order_of(drawn)(handlers.draw(_view(source, label, shown, order), session_of(request)))

    def exclude_all(source: str, label: str, shown: str, order: str, number: float, request: gr.Request) -> Any:
        view = _view(source, label, shown, order)
        return in_order_of(changed)(handlers.exclude_shown(view, True, number, session_of(request)))

    def include_all(source: str, label: str, shown: str, order: str, number: float, request: gr.Request) -> Any:
        view = _view(source, label, shown, order)
        return in_order_of(changed)(handlers.exclude_shown(view, False, number, session_of(request)))

    def undo(source: str, label: str, shown: str, order: str, number: float, request: gr.Request) -> Any:
        view = _view(source, label, shown, order)
        return in_order_of(changed)(handlers.undo(view, number, session_of(request)))

    def compare(request: gr.Request, event: gr.EventData) -> Any:
        return in_order_of(("grid",))(handlers.compare(str(event.file), session_of(request)))[0]

    def full(request: gr.Request, event: gr.EventData) -> Any:
        return in_order_of(("grid",))(handlers.full(str(event.file), session_of(request)))[0]

    def exclude(source: str, label: str, shown: str, order: str, request: gr.Request, event: gr.EventData) -> Any:
        view, session = _view(source, label, shown, order), session_of(request)
        included = list(event._data.get("included", ()))
        return in_order_of(chosen)(handlers.exclude(list(event.files), int(event.revision), session, included, view))

    def pack(request: gr.Request) -> Iterator[Any]:
        yield from map(in_order_of(packed), handlers.pack(session_of(request)))

    for control in choices:
        control.input(show, choices, outputs(viewed), **UNQUEUED)
    components["pages"].input(turn_page, paged, grid, **UNQUEUED)
    components["draw"].click(draw, choices, outputs(drawn), **UNQUEUED)
    components["exclude_all"].click(exclude_all, paged, outputs(changed), **UNQUEUED)
    components["include_all"].click(include_all, paged, outputs(changed), **UNQUEUED)
    for undone in (components["undo"].click, grid.undo):
        undone(undo, paged, outputs(changed), **UNQUEUED)
    # The last one counts: who walks through the images quickly asks for the next before the answer.
    grid.select(compare, None, grid, trigger_mode="always_last", **UNQUEUED)
    grid.full(full, None, grid, trigger_mode="always_last", **UNQUEUED)
    grid.exclude(exclude, choices, outputs(chosen), trigger_mode="multiple", **UNQUEUED)
    components["see_report"].click(lambda: gr.Tabs(selected="report"), None, components["tabs"], **UNQUEUED)
    packing = components["pack"].click(
        pack,
        None,
        outputs(packed),
        concurrency_id="pack",
        concurrency_limit=_PACKED_AT_ONCE,
        **PRIVATE,
    )
    packing.then(None, js=asset("save.js"), **PRIVATE)


def _view(source: str, label: str, shown: str, order: str) -> View:
    return View(source or "", label or "", shown if shown in SHOWN else "all", order if order in ORDERS else "name")
