"""The results: a grid of small images, and a dialog that compares a variation with its source.

`gr.Gallery` has no captions below its images, no marks and no comparison, and loads every image at full size.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from augmentai.web.assets import asset


def result_grid(**options: Any) -> gr.HTML:
    """A grid that shows `items` (see `views.cards`).

    Events: `select` (compare), and its own `more`, `exclude`, `undo`, and `full` (all pixels, or the file to save).
    """
    return gr.HTML(
        html_template=asset("grid.html"),
        js_on_load=asset("grid.js") + asset("compare.js"),
        apply_default_css=False,
        items=[],
        finished=False,
        revision=0,
        grouped=True,
        empty="",
        stamp=0,
        pair=None,
        pixels=None,
        **options,
    )
