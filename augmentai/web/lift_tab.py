"""The tab "Does it help?": its components and their wiring. The event handlers are in `handlers.lift`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from augmentai.web import lift_texts, texts
from augmentai.web.form import Form, as_recipe
from augmentai.web.handlers.lift import QUICK, LiftHandlers
from augmentai.web.handlers.lift_runner import MOST_RECIPES
from augmentai.web.handlers.visitor import session_of
from augmentai.web.lift_time import LiftSize

Components = dict[str, Any]

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_UNQUEUED: dict[str, Any] = {**_PRIVATE, "queue": False}
_BUTTONS = ("lift_start", "lift_stop")
_OUTPUTS = ("lift_status", "lift_timer", "lift_result", "lift_save", *_BUTTONS, "report", "download", "pack")
_PLACE_SECONDS = 1.5  # between two looks at the queue, while a measurement waits
_LOADED = ("lift_saved", "lift_chosen", "lift_load_message")


def lift_tab() -> Components:
    """The components of the tab, within the one that is being built."""
    gr.HTML(lift_texts.LEAD, padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=300, elem_id="lift-left"):
            chosen = gr.CheckboxGroup(
                [lift_texts.CURRENT, *QUICK],
                value=[lift_texts.CURRENT],
                label="What to measure",
                info=f"At most {MOST_RECIPES}, each against flips and crops alone. The more at once, the wider the "
                "intervals.",
                elem_id="lift-chosen",
            )
            load = gr.UploadButton(
                "Add saved settings",
                file_count="multiple",
                file_types=[".yaml", ".yml"],
                size="sm",
                elem_id="lift-load",
            )
            load_message = gr.HTML("", elem_id="lift-load-message")
            nothing = lift_texts.forecast(LiftSize(0, 0, 1), 0.0, [])
            forecast = gr.HTML(nothing, padding=False, elem_id="lift-forecast")
            with gr.Row(elem_id="lift-go"):
                start = gr.Button(lift_texts.START, variant="primary", scale=3, min_width=160, elem_id="lift-start")
                stop = gr.Button("Stop", scale=1, visible=False, min_width=90, elem_id="lift-stop")
        with gr.Column(scale=7, min_width=300, elem_id="lift-right"):
            status = gr.HTML(lift_texts.EMPTY, padding=False, elem_id="lift-status")
            place = gr.HTML("", padding=False, elem_id="lift-place")
            timer = gr.Timer(_PLACE_SECONDS, active=False)
            result = gr.HTML("", padding=False, elem_id="lift-result")
            save = gr.HTML("", padding=False, elem_id="lift-save")
    return {
        "lift_chosen": chosen,
        "lift_saved": gr.State({}),
        "lift_load": load,
        "lift_load_message": load_message,
        "lift_forecast": forecast,
        "lift_start": start,
        "lift_stop": stop,
        "lift_status": status,
        "lift_place": place,
        "lift_timer": timer,
        "lift_result": result,
        "lift_save": save,
    }


def wire_lift(
    page: gr.Blocks, handlers: LiftHandlers, components: Components, form: Form, queue: Mapping[str, Any]
) -> None:
    """Connect the tab.

    Args:
        page: that is being built.
        handlers: what its buttons do.
        components: those of the tab, the tab itself, and of the page: files, upload_state, report, download, pack.
        form: the settings of the page.
        queue: Gradio's options of the queue that measurements share with jobs.
    """
    names, controls = list(form.fields), list(form.fields.values())
    outputs = [components[name] for name in _OUTPUTS]

    def filled(values: Sequence[Any]) -> dict[str, Any]:
        return as_recipe(dict(zip(names, values, strict=True)))

    def forecast(upload_state: Any, chosen: list[str], saved: Any, *values: Any) -> str:
        return handlers.forecast(upload_state or {}, chosen, filled(values), saved)

    def measure(
        uploads: Any, upload_state: Any, chosen: list[str], saved: Any, request: gr.Request, *values: Any
    ) -> Iterator[Any]:
        found = handlers.measure(uploads, upload_state or {}, chosen, filled(values), saved, request)
        yield from (_in_order(_OUTPUTS, updates) for updates in found)

    def load(files: list[str], chosen: list[str], saved: Any, request: gr.Request) -> Any:
        return _in_order(_LOADED, handlers.load(files, chosen, saved, request))

    def queued(request: gr.Request) -> Any:
        return _in_order(_OUTPUTS, handlers.queued(request))

    def stop(request: gr.Request) -> Any:
        return handlers.stop(request)["lift_stop"]

    def place(request: gr.Request) -> Any:
        before = page._queue.place(session_of(request))
        return texts.place(before), gr.Timer(active=before is not None)

    waits = [components["lift_place"], components["lift_timer"]]
    components["lift_timer"].tick(place, None, waits, **_UNQUEUED)
    about = [components[name] for name in ("upload_state", "lift_chosen", "lift_saved")]
    click = components["lift_start"].click(queued, None, outputs, **_UNQUEUED)
    measuring = click.then(measure, [components["files"], *about, *controls], outputs, **_PRIVATE, **queue)
    measuring.failure(lambda: _in_order(_OUTPUTS, handlers.rejected()), None, outputs, **_UNQUEUED)
    buttons = [components[name] for name in _BUTTONS]
    measuring.then(lambda: _in_order(_BUTTONS, handlers.idle()), None, buttons, **_UNQUEUED)
    components["lift_stop"].click(stop, None, components["lift_stop"], **_UNQUEUED)
    inputs = [components["lift_chosen"], components["lift_saved"]]
    loaded = [components[name] for name in _LOADED]
    loading = components["lift_load"].upload(load, [components["lift_load"], *inputs], loaded, **_UNQUEUED)
    shown = {"fn": forecast, "inputs": [*about, *controls], "outputs": components["lift_forecast"], **_UNQUEUED}
    gr.on([components["lift_tab"].select, components["lift_chosen"].change], **shown)  # settings are on another tab
    loading.then(**shown)
    page.unload(handlers.close_session)


def _in_order(names: Sequence[str], updates: Mapping[str, Any]) -> list[Any]:
    """Gradio's list of outputs; what is not named stays unchanged."""
    return [updates.get(name, gr.skip()) for name in names]
