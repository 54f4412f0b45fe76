"""The Blocks page and the API endpoint: layout and wiring. What they do is in `doors` and `after`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from augmentai.engines.base import Engine
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.public import USER_NAME, credentials
from augmentai.web.access.visitors import Visitors
from augmentai.web.assets import asset
from augmentai.web.code_snippets import snippets
from augmentai.web.components.file_drop import drop_zone
from augmentai.web.components.result_grid import result_grid
from augmentai.web.endpoint import add_endpoint
from augmentai.web.estimates import Pace
from augmentai.web.form import Form, as_form, as_recipe, more_settings, simple_fields
from augmentai.web.handlers.jobs import JobHandlers, session_of
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.handlers.results import ResultHandlers
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.recipe_files import loaded, saved

_PACKED_AT_ONCE = 2  # ZIPs; each is little else than the disk's work
_NOTHING = {"pictures": 0, "pixels": 0}
Parts = dict[str, Any]


def build(settings: Settings, engines: Sequence[Engine]) -> gr.Blocks:
    """The whole page. Nothing is loaded or contacted until somebody gives it photos."""
    visitors, pace, shelf = Visitors(settings), Pace(engines), SessionStore()
    doors = JobHandlers(settings, engines, visitors, pace, shelf)
    before = PreviewHandlers(settings, engines, visitors, pace)
    turn: dict[str, Any] = {"concurrency_id": "augment", "concurrency_limit": settings.jobs_at_once}
    with gr.Blocks(title="AugmentAI", delete_cache=(3600, int(settings.keep_hours * 3600))) as page:
        gr.HTML(texts.HEADER, padding=False)
        parts: Parts = {"given": gr.State(_NOTHING)}
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Make", id="make"), gr.Row(equal_height=False):
                with gr.Column(scale=5, min_width=300, elem_id="left"):
                    parts["files"] = drop_zone(settings, elem_id="files")
                    simple = simple_fields()
                    form = more_settings(simple)
                    parts["foretold"] = gr.HTML(before.foretell(_NOTHING, "", {}), padding=False, elem_id="foretold")
                    with gr.Row(elem_id="go"):
                        parts["start"] = gr.Button(
                            texts.START, variant="primary", scale=3, min_width=160, elem_id="augment"
                        )
                        parts["stop"] = gr.Button(
                            "Stop",
                            variant="secondary",
                            scale=1,
                            interactive=False,
                            visible=False,
                            min_width=90,
                            elem_id="stop",
                        )
                with gr.Column(scale=7, min_width=300, elem_id="right"):
                    parts |= _results()
            with gr.Tab("From code", id="code"):
                gr.HTML(texts.CODE_LEAD, padding=False)
                code = gr.HTML("", padding=False, js_on_load=asset("copy.js"), elem_id="code")
            with gr.Tab("Report", id="report"):
                parts["report"] = gr.HTML(texts.NO_REPORT, padding=False, elem_id="report")
        _wire_job(page, doors, parts, form, turn)
        _wire_results(ResultHandlers(settings, shelf), parts)
        _wire_settings(page, before, parts, form, code, USER_NAME if credentials(settings) else "")
        with gr.Row(visible=False):
            add_endpoint(doors, turn)
    return page


def _results() -> Parts:
    status = gr.HTML(texts.EMPTY, padding=False, elem_id="status")
    with gr.Row(elem_id="take"):
        download = gr.DownloadButton("Download ZIP", variant="primary", visible=False, min_width=200, elem_id="zip")
        pack = gr.Button("Download ZIP", variant="primary", visible=False, min_width=200, elem_id="pack")
        again = gr.Button("Try again", visible=False, min_width=150, elem_id="again")
    with gr.Row(visible=False, elem_id="after") as after:
        by_label = gr.Dropdown([("All classes", "")], value="", label="Class", min_width=140, elem_id="by-label")
        by_source = gr.Dropdown([("All photos", "")], value="", label="Photo", min_width=140, elem_id="by-source")
        pages = gr.Number(1, label="Page", precision=0, minimum=1, visible=False, min_width=90, elem_id="pages")
    grid = result_grid(elem_id="gallery")
    problems = gr.HTML("", padding=False, elem_id="problems")
    return {
        "status": status,
        "download": download,
        "pack": pack,
        "again": again,
        "after": after,
        "by_label": by_label,
        "by_source": by_source,
        "pages": pages,
        "grid": grid,
        "problems": problems,
    }


_FILTERS = ("after", "by_label", "by_source", "pages")
_JOB_NAMES = ("status", "download", "pack", "again", *_FILTERS, "grid", "problems", "report", "start", "stop")
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_AT_ONCE: dict[str, Any] = {**_QUIET, "queue": False}


def _wire_job(page: gr.Blocks, doors: JobHandlers, parts: Parts, form: Form, turn: dict[str, Any]) -> None:
    names = list(form.fields)
    controls = list(form.fields.values())
    grid, outputs = parts["grid"], [parts[name] for name in _JOB_NAMES]

    def make(entries: Any, given: Any, key: str, request: gr.Request, *values: Any) -> Iterator[Any]:
        filled = as_recipe(dict(zip(names, values, strict=True)))
        yield from map(_in_order(_JOB_NAMES), doors.page(entries, key, filled, given or _NOTHING, request))

    def again(key: str, request: gr.Request) -> Iterator[Any]:
        yield from map(_in_order(_JOB_NAMES), doors.again(key, request))

    def more(key: str, request: gr.Request, event: gr.EventData) -> Iterator[Any]:
        yield from map(_in_order(_JOB_NAMES), doors.more(str(event.file), key, request))

    def begin(request: gr.Request) -> Any:
        return _in_order(_JOB_NAMES)(doors.begin(request))

    def turned_away(request: gr.Request) -> Any:
        return _in_order(_JOB_NAMES)(doors.turned_away(request))

    def stop(request: gr.Request) -> Any:
        return doors.stop(request)["stop"]

    inputs = [parts["files"], parts["given"], form.key, *controls]
    waiting = parts["start"].click(begin, None, outputs, **_AT_ONCE)
    working = waiting.then(make, inputs, outputs, **_QUIET, **turn)
    waiting_again = parts["again"].click(begin, None, outputs, **_AT_ONCE)
    working_again = waiting_again.then(again, form.key, outputs, **_QUIET, **turn)
    grid.more(begin, None, outputs, **_AT_ONCE)
    working_more = grid.more(more, form.key, outputs, **_QUIET, **turn)
    resting = ("start", "stop")
    for event in (working, working_again, working_more):
        event.failure(turned_away, None, outputs, **_AT_ONCE)
        event.then(lambda: _in_order(resting)(doors.rest()), None, [parts[n] for n in resting], **_AT_ONCE)
    page.unload(doors.leave)
    parts["stop"].click(stop, None, parts["stop"], **_AT_ONCE)


def _wire_results(after: ResultHandlers, parts: Parts) -> None:
    filters = [parts["by_source"], parts["by_label"]]
    narrowed, grid = ("grid", "pages"), parts["grid"]
    told, packed = ("download", "pack", "report"), ("download", "pack", "status")

    def narrow(source: str, label: str, request: gr.Request) -> Any:
        return _in_order(narrowed)(after.narrow(source, label, session_of(request)))

    def turn(source: str, label: str, number: float, request: gr.Request) -> Any:
        return _in_order(("grid",))(after.turn(source, label, number, session_of(request)))[0]

    def compare(request: gr.Request, event: gr.EventData) -> Any:
        return _in_order(("grid",))(after.compare(str(event.file), session_of(request)))[0]

    def leave_out(request: gr.Request, event: gr.EventData) -> Any:
        return _in_order(told)(after.leave_out(list(event.files), int(event.turn), session_of(request)))

    def pack(request: gr.Request) -> Iterator[Any]:
        yield from map(_in_order(packed), after.pack(session_of(request)))

    for one in filters:
        one.input(narrow, filters, [parts[name] for name in narrowed], **_AT_ONCE)
    parts["pages"].input(turn, [*filters, parts["pages"]], grid, **_AT_ONCE)
    grid.select(compare, None, grid, **_AT_ONCE)
    grid.leave_out(leave_out, None, [parts[name] for name in told], trigger_mode="multiple", **_AT_ONCE)
    packing = parts["pack"].click(
        pack, None, [parts[name] for name in packed], concurrency_id="pack", concurrency_limit=_PACKED_AT_ONCE, **_QUIET
    )
    packing.then(None, js=asset("save.js"), **_QUIET)


def _wire_settings(
    page: gr.Blocks, before: PreviewHandlers, parts: Parts, form: Form, code: gr.HTML, user: str
) -> None:
    names = list(form.fields)
    controls = list(form.fields.values())
    dropped = ("files", "given")

    def look(entries: Any, layout: str) -> Any:
        return _in_order(dropped)(before.look(entries, layout))

    def foretell(given: Any, key: str, request: gr.Request, *values: Any) -> str:
        return before.foretell(given or _NOTHING, key, as_recipe(dict(zip(names, values, strict=True))), request)

    def show_code(request: gr.Request, *values: Any) -> str:
        return snippets(as_recipe(dict(zip(names, values, strict=True))), _address(request), user)

    def save(*values: Any) -> str:
        return saved(as_recipe(dict(zip(names, values, strict=True))))

    def load(file: str) -> Any:
        values, told = loaded(file, {*names, "balance"})
        values = as_form(values)
        return [*(values.get(name, gr.skip()) for name in names), told]

    layout = form.fields["layout"]
    looked = gr.on(
        [parts["files"].upload, layout.input],
        look,
        [parts["files"], layout],
        [parts[name] for name in dropped],
        **_AT_ONCE,
    )
    sampled = parts["files"].select(
        lambda layout: _in_order(dropped)(before.samples(layout)), layout, [parts[n] for n in dropped], **_AT_ONCE
    )
    moments = [*(c.change for c in controls), form.key.blur, form.key.submit]
    deciding = [parts["given"], form.key, *controls]
    gr.on(moments, foretell, deciding, parts["foretold"], **_AT_ONCE)
    for event in (looked, sampled):
        event.then(foretell, deciding, parts["foretold"], **_AT_ONCE)
    gr.on([page.load, *(c.change for c in controls)], show_code, controls, code, **_AT_ONCE)
    gr.on([page.load, *(c.change for c in controls)], save, controls, form.save, **_AT_ONCE)
    form.load.upload(load, form.load, [*controls, form.told], **_AT_ONCE)


def _in_order(names: Sequence[str]) -> Callable[[dict[str, Any]], list[Any]]:
    """{name of a part: what it shows} as Gradio wants it; what is not named stays as it is."""
    return lambda shown: [shown.get(name, gr.skip()) for name in names]


def _address(request: gr.Request) -> str:
    """The page's own address, as the visitor's browser has it."""
    page = request.headers.get("referer") or request.headers.get("origin") or "http://127.0.0.1:7860"
    return page.split("?")[0].split("#")[0].rstrip("/") + "/"
