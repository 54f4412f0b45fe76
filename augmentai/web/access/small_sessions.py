"""Sessions that take little memory: Gradio keeps ten thousand, each with a description of every component."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def keep_sessions_small() -> None:
    """Let Gradio's sessions hold values alone: the descriptions, 0.4 MB each, serve deep links, which are closed."""
    from gradio import state_holder

    if state_holder.SessionState.__module__ != state_holder.__name__:
        return

    class SmallSession(state_holder.SessionState):
        def __init__(self, blocks: Any) -> None:
            super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))

        def __setitem__(self, key: int, value: Any) -> None:
            super().__setitem__(key, value)
            self.config_values.clear()

        def _update_config(self, key: int) -> None:
            """There is none."""

        def _update_value_in_config(self, key: int, value: Any) -> None:
            """There is none."""

    state_holder.SessionState = SmallSession
