"""What will be cut out, shown on the page before the click: its components and their wiring."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from augmentai.web.form import Form
from augmentai.web.handlers.masks import MaskHandlers

Components = dict[str, Any]

_MEASURE = "Measure whether it helps"
_SHOWN = ("masks", "masks_strip")
_UNQUEUED: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}


def masks_panel() -> Components:
    """The strip and the way to the measurement; hidden until there is something to show."""
    with gr.Column(visible=False, elem_id="masks") as panel:
        shown = gr.HTML("", padding=False, elem_id="masks-strip")
        measure = gr.Button(_MEASURE, size="sm", elem_id="masks-measure")
    return {"masks": panel, "masks_strip": shown, "masks_measure": measure}


def wire_masks(handlers: MaskHandlers, components: Components, form: Form, uploaded: Iterable[Any]) -> None:
    """Connect the strip.

    Args:
        handlers: what finds the masks.
        components: those of `masks_panel`, and of the page: files, tabs.
        form: the settings of the page.
        uploaded: events after which other images are there.
    """

    def show(uploads: Any, operations: Any, layout: str, request: gr.Request) -> list[Any]:
        updates = handlers.show(uploads or (), operations, layout, request)
        return [updates.get(name, gr.skip()) for name in _SHOWN]

    def begin(uploads: Any, operations: Any, layout: str) -> list[Any]:
        updates = handlers.begin(uploads or (), operations, layout)
        return [updates[name] for name in _SHOWN]

    operations, outputs = form.fields["operations"], [components[name] for name in _SHOWN]
    inputs = [components["files"], operations, form.fields["layout"]]
    changed = operations.change(begin, inputs, outputs, trigger_mode="always_last", **_UNQUEUED)
    for event in (changed, *(event.then(begin, inputs, outputs, **_UNQUEUED) for event in uploaded)):
        event.then(show, inputs, outputs, **_UNQUEUED)
    components["masks_measure"].click(lambda: gr.Tabs(selected="lift"), None, components["tabs"], **_UNQUEUED)
