"""The results: a grid of small pictures, and a window that lays one over its source.

`gr.Gallery` has no captions below its pictures, no marks, no comparing, and loads every picture in full.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from augmentai.web.assets import asset


def result_grid(**options: Any) -> gr.HTML:
    """Shows `items` (see `views.cards`). Events: select (compare), and of its own `more` and `leave_out`."""
    return gr.HTML(
        html_template=asset("grid.html"),
        js_on_load=asset("grid.js"),
        apply_default_css=False,
        items=[],
        finished=False,
        pair=None,
        **options,
    )
