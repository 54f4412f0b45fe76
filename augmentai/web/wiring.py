"""What the wiring of the page's parts shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

Components = dict[str, Any]

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
UNQUEUED: dict[str, Any] = {**PRIVATE, "queue": False}


def in_order_of(names: Sequence[str]) -> Callable[[dict[str, Any]], list[Any]]:
    """Turns {name of a component: its new value} into Gradio's list of outputs; what is not named stays unchanged."""
    return lambda updates: [updates.get(name, gr.skip()) for name in names]
