"""The Gradio page: layout and wiring. The event handlers are in `handlers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from augmentai.engines.base import Engine
from augmentai.recipe.fields import FIELDS, api_fields
from augmentai.settings import Settings
from augmentai.web import texts
from augmentai.web.access.public import USER_NAME, credentials
from augmentai.web.access.visitor_keys import VisitorKeys
from augmentai.web.access.visitors import Visitors
from augmentai.web.assets import asset
from augmentai.web.components.file_drop import drop_zone
from augmentai.web.components.first_screen import first_screen
from augmentai.web.components.keyword_table import keyword_table
from augmentai.web.endpoint import Page, add_endpoint
from augmentai.web.estimates import TimeEstimator
from augmentai.web.form import Form, as_recipe, more_settings, simple_fields
from augmentai.web.handlers.api import ApiHandler
from augmentai.web.handlers.job_runner import JobRunner
from augmentai.web.handlers.jobs import JobHandlers
from augmentai.web.handlers.lift import LiftHandlers
from augmentai.web.handlers.lift_runner import LiftRunner
from augmentai.web.handlers.masks import MaskHandlers
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.handlers.results import ResultHandlers
from augmentai.web.handlers.returning import ReturnHandlers
from augmentai.web.handlers.setting_preview import SettingPreviewHandlers
from augmentai.web.handlers.visitor import session_of
from augmentai.web.jobs.deliveries import Deliveries
from augmentai.web.jobs.lift_store import LiftStore
from augmentai.web.jobs.session_store import SessionStore
from augmentai.web.jobs.visitor_jobs import VisitorJobs
from augmentai.web.lift_endpoint import add_lift_endpoint
from augmentai.web.lift_tab import lift_tab, wire_lift
from augmentai.web.masks import masks_panel, wire_masks
from augmentai.web.parsing.pool import ParsingPool
from augmentai.web.result_events import VIEW_OUTPUTS, results_panel, wire_results
from augmentai.web.settings_events import NO_UPLOADS, wire_settings
from augmentai.web.settings_preview import preview_panel, wire_preview
from augmentai.web.wiring import PRIVATE, UNQUEUED, Components, in_order_of

JOB_QUEUE = "augment"  # id of the queue in which all jobs wait


def build(settings: Settings, engines: Sequence[Engine], parsing: ParsingPool) -> gr.Blocks:
    """The whole page. Nothing is loaded or contacted until somebody uploads photos."""
    visitors, times, sessions = Visitors(settings), TimeEstimator(engines), SessionStore()
    keys = VisitorKeys(engines)
    runner = JobRunner(settings, engines, visitors, parsing, keys)
    jobs = VisitorJobs(settings.closed_tab_seconds)
    returning = ReturnHandlers(sessions, jobs)
    lifts, lift_runner = LiftStore(), LiftRunner(runner)
    job_handlers = JobHandlers(runner, times, sessions, jobs, returning, lifts)
    preview = PreviewHandlers(settings, engines, visitors, times, parsing, keys)
    queue: dict[str, Any] = {"concurrency_id": JOB_QUEUE, "concurrency_limit": settings.jobs_at_once}
    with Page(title="AugmentAI", delete_cache=(3600, int(settings.keep_hours * 3600))) as page:
        gr.HTML(texts.HEADER, padding=False)
        components: Components = {"upload_state": gr.State(NO_UPLOADS), "visitor": _browser_token()}
        with gr.Tabs(elem_id="tabs") as components["tabs"]:
            with gr.Tab("Make", id="make"), gr.Row(equal_height=False):
                with gr.Column(scale=5, min_width=300, elem_id="left"):
                    components["files"] = drop_zone(settings, elem_id="files")
                    simple = simple_fields()
                    form = more_settings(simple, engines)
                    forecast = preview.forecast(NO_UPLOADS, "", {})
                    components |= masks_panel()
                    components["forecast"] = gr.HTML(forecast, padding=False, elem_id="forecast")
                    components |= _job_buttons()
                    components |= _place_of_jobs()
                with gr.Column(scale=7, min_width=300, elem_id="right"):
                    components |= preview_panel()
                    components |= results_panel(first_screen(engines))
            with gr.Tab("Does it help?", id="lift") as components["lift_tab"]:
                components |= lift_tab()
            with gr.Tab("Use in code", id="code"):
                gr.HTML(texts.CODE_LEAD, padding=False)
                docs = gr.Button("Open the API documentation", size="sm", elem_id="open-docs")
                docs.click(None, js=asset("docs.js"), **PRIVATE)
                gr.HTML(keyword_table(api_fields(FIELDS)), padding=False, elem_id="keywords")
                code = gr.HTML("", padding=False, js_on_load=asset("copy.js"), elem_id="code")
            with gr.Tab("Report", id="report"):
                components["report"] = gr.HTML(texts.NO_REPORT, padding=False, elem_id="report")
        _wire_jobs(page, job_handlers, returning, components, form, queue)
        _wire_return(page, returning, components)
        wire_results(ResultHandlers(settings, sessions), components)
        user = USER_NAME if credentials(settings) else ""
        uploaded = wire_settings(page, preview, components, form, code, user, sessions, jobs)
        wire_masks(MaskHandlers(settings, visitors, parsing), components, form, uploaded)
        shown = SettingPreviewHandlers(settings, engines, visitors, parsing)
        wire_preview(page, shown, components, form, uploaded)
        wire_lift(page, LiftHandlers(lift_runner, sessions, lifts, parsing), components, form, queue)
        with gr.Row(visible=False):
            page.deliveries = Deliveries()
            docs = add_endpoint(ApiHandler(runner, page.deliveries), queue)
            page.api_docs = docs | add_lift_endpoint(lift_runner, queue)
    page.visitor_jobs = jobs
    page.stop_jobs = runner.running_jobs.stop_all
    return page


def _browser_token() -> gr.BrowserState:
    """By what a visitor finds an interrupted job again: a random token in the browser. It is no secret from its owner,
    so a fixed key encrypts it, and it outlives the server."""
    return gr.BrowserState("", storage_key="augmentai-visitor", secret="augmentai")


def _job_buttons() -> Components:
    with gr.Row(elem_id="go"):
        start = gr.Button(texts.START, variant="primary", scale=3, min_width=160, elem_id="augment")
        stop = gr.Button(
            "Stop", variant="secondary", scale=1, interactive=False, visible=False, min_width=90, elem_id="stop"
        )
    return {"start": start, "stop": stop}


def _place_of_jobs() -> Components:
    """The list of the visitor's jobs; and what is not in the page: its address, its title, its warning."""
    earlier = gr.HTML("", padding=False, visible=False, js_on_load=asset("earlier.js"), elem_id="earlier")
    tab = gr.HTML("", padding=False, js_on_load=asset("tab.js"), job=None, title="AugmentAI", warn=False, elem_id="tab")
    return {"earlier": earlier, "tab": tab}


_JOB_OUTPUTS = (
    "status",
    "download",
    "pack",
    "resume",
    "see_report",
    *VIEW_OUTPUTS,
    "grid",
    "problems",
    "report",
    "start",
    "stop",
    "place",
    "notify",
    "place_timer",
    "earlier",
    "tab",
)


def _wire_jobs(
    page: gr.Blocks,
    handlers: JobHandlers,
    returning: ReturnHandlers,
    components: Components,
    form: Form,
    queue: dict[str, Any],
) -> None:
    names, controls = list(form.fields), list(form.fields.values())
    outputs = [components[name] for name in _JOB_OUTPUTS]
    in_order, token = in_order_of(_JOB_OUTPUTS), components["visitor"]

    def make(uploads: Any, upload_state: Any, key: str, token: str, request: gr.Request, *values: Any) -> Iterator[Any]:
        filled = as_recipe(dict(zip(names, values, strict=True)))
        yield from map(in_order, handlers.make(uploads, key, filled, upload_state or NO_UPLOADS, token, request))

    def resume(key: str, token: str, request: gr.Request) -> Iterator[Any]:
        yield from map(in_order, handlers.resume(key, token, request))

    def more_like_this(key: str, token: str, request: gr.Request, event: gr.EventData) -> Iterator[Any]:
        yield from map(in_order, handlers.more_like_this(str(event.file), key, token, request))

    def queued(token: str, request: gr.Request) -> Any:
        return in_order(handlers.queued(token, request))

    def queued_again(token: str, request: gr.Request) -> Any:
        return in_order(handlers.queued_again(token, request))

    def rejected(request: gr.Request) -> Any:
        return in_order(handlers.rejected(page._queue.has_job(session_of(request)), request))

    def stop(request: gr.Request) -> Any:
        return handlers.stop(request)["stop"]

    inputs = [components["files"], components["upload_state"], form.key, components["visitor"], *controls]
    click = components["start"].click(queued, token, outputs, **UNQUEUED)
    running = click.then(make, inputs, outputs, **PRIVATE, **queue)
    click = components["resume"].click(queued_again, token, outputs, **UNQUEUED)
    resuming = click.then(resume, [form.key, components["visitor"]], outputs, **PRIVATE, **queue)
    components["grid"].more(queued_again, token, outputs, **UNQUEUED)
    adding = components["grid"].more(more_like_this, [form.key, token], outputs, **PRIVATE, **queue)
    for event in (running, resuming, adding):
        event.failure(rejected, None, outputs, **UNQUEUED)
        event.success(returning.fetched, None, None, **UNQUEUED)
    components["stop"].click(stop, None, components["stop"], **UNQUEUED)


def _wire_return(page: gr.Blocks, handlers: ReturnHandlers, components: Components) -> None:
    token, outputs = components["visitor"], [components[name] for name in _JOB_OUTPUTS]
    in_order = in_order_of(_JOB_OUTPUTS)

    def greet(token: str, request: gr.Request) -> Any:
        return in_order_of(("visitor", *_JOB_OUTPUTS))(handlers.greet(token, request))

    def open_job(token: str, request: gr.Request, event: gr.EventData) -> Any:
        return in_order(handlers.open(str(event.job), token, request))

    def poll(request: gr.Request) -> Any:
        return in_order(handlers.poll(page._queue.place(handlers.waiting(request)), request))

    greeted = page.load(greet, token, [token, *outputs], **UNQUEUED)
    opened = components["earlier"].select(open_job, token, outputs, **UNQUEUED)
    polled = components["place_timer"].tick(poll, None, outputs, **UNQUEUED)
    for event in (greeted, opened, polled):
        event.success(handlers.fetched, None, None, **UNQUEUED)
    page.unload(handlers.close)
