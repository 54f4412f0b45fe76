"""The preview of the settings on one image, before the click: its components and their wiring."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gradio as gr

from augmentai.web.assets import asset
from augmentai.web.form import Form, as_recipe
from augmentai.web.handlers.setting_preview import SettingPreviewHandlers

Components = dict[str, Any]

_KINDS = [("Variations", "variations"), ("Strengths", "strengths"), ("Operations", "operations")]
_READ = ("preview", "preview_pictures", "preview_strip", "preview_labels")
_UNQUEUED: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
# One at a time on the server, and of a tab at most one more that waits: the latest.
_PREVIEW: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "concurrency_id": "preview",
    "concurrency_limit": 1,
}


def preview_panel() -> Components:
    """What to show, of which image, and the strip; hidden until images are uploaded."""
    with gr.Accordion("Preview of the settings", open=True, visible=False, elem_id="preview") as panel:
        with gr.Row(elem_id="preview-choices"):
            kind = gr.Radio(_KINDS, value="variations", label="Show", show_label=False, elem_id="preview-kind")
            labels = gr.Checkbox(True, label="Draw labels", interactive=True, visible=False, elem_id="preview-labels")
        images = gr.HTML("", padding=False, js_on_load=asset("preview.js"), elem_id="preview-pictures")
        shown = gr.HTML("", padding=False, elem_id="preview-strip")
    return {
        "preview": panel,
        "preview_kind": kind,
        "preview_labels": labels,
        "preview_pictures": images,
        "preview_strip": shown,
    }


def wire_preview(
    page: gr.Blocks, handlers: SettingPreviewHandlers, components: Components, form: Form, uploaded: Iterable[Any]
) -> None:
    """Connect the preview.

    Args:
        page: that is being built.
        handlers: what makes it.
        components: those of `preview_panel`, and of the page: files, upload_state, start.
        form: the settings of the page.
        uploaded: events after which other images are there.
    """
    names, controls = list(form.fields), list(form.fields.values())
    panel, images, kind = components["preview"], components["preview_pictures"], components["preview_kind"]
    outputs = [components[name] for name in _READ]

    def in_order(updates: dict[str, Any]) -> list[Any]:
        return [updates.get(name, gr.skip()) for name in _READ]

    def begin(uploads: Any, request: gr.Request) -> list[Any]:
        return in_order(handlers.begin(uploads or (), request))

    def read(uploads: Any, layout: str, request: gr.Request) -> list[Any]:
        return in_order(handlers.read(uploads or (), layout, request))

    def show(what: str, key: str, upload_state: Any, request: gr.Request, *values: Any) -> Any:
        filled, state = as_recipe(dict(zip(names, values, strict=True))), upload_state or {}
        updates = handlers.show(what, key, filled, request, state.get("class_names", ()))
        return updates.get("preview_strip", gr.skip())

    def choose(request: gr.Request, event: gr.EventData) -> None:
        handlers.choose(event.picture, request)

    def fold(request: gr.Request) -> Any:
        handlers.fold(request)
        return gr.Accordion(open=False)

    files = [components["files"], form.fields["layout"]]

    def shown_after(listen: Callable[..., Any]) -> None:
        reading = listen(read, files, outputs, trigger_mode="always_last", **_UNQUEUED)
        reading.then(
            show, [kind, form.key, components["upload_state"], *controls], components["preview_strip"], **_PREVIEW
        )

    for event in uploaded:
        shown_after(event.then(begin, components["files"], outputs, **_UNQUEUED).then)
    shown_after(images.select(choose, None, None, **_UNQUEUED).then)
    shown_after(panel.expand(handlers.unfold, None, None, **_UNQUEUED).then)
    panel.collapse(handlers.fold, None, None, **_UNQUEUED)
    components["start"].click(fold, None, panel, **_UNQUEUED)
    changes = [kind.change, form.key.blur, form.key.submit, *(control.change for control in controls)]
    shown_after(partial(gr.on, changes))
    page.unload(handlers.close)
