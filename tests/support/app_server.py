"""Starts and ends the app for a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from augmentai.settings import Settings
from tests.support.reading_processes import lend, take_back


@contextmanager
def serving(settings: Settings, cache: Path, **overrides: Any) -> Iterator[str]:
    """The app's URL while the block runs; uploads and results go to `cache`."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(cache)
    from augmentai.web.access.public import effective_settings
    from augmentai.web.server import build_app, close, launch_options

    settings = effective_settings(settings)
    page = build_app(settings)
    lend(page.parsing, settings)
    try:
        options = launch_options(settings, page) | {
            "server_name": "127.0.0.1",
            "prevent_thread_lock": True,
            "quiet": True,
        }
        yield page.launch(**(options | overrides))[1]
    finally:
        page.janitor.stop()
        take_back(page.parsing, settings)
        page.parsing.close()
        close(page)
        if before is None:
            os.environ.pop("GRADIO_TEMP_DIR", None)
        else:
            os.environ["GRADIO_TEMP_DIR"] = before
