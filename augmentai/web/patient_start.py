"""A server that starts on a slow or busy machine: Gradio gives up after five seconds, and calls the port taken."""

from __future__ import annotations

import time
from typing import Any

MOST_SECONDS = 120.0
_CHECK_SECONDS = 0.05


def start_patiently() -> None:
    """Have Gradio's servers that are started from now on wait for their start as long as they are at it."""
    from gradio.exceptions import ServerFailedToStartError
    from gradio.http_server import Server

    start = Server.run_in_thread
    if getattr(start, "is_patient", False):
        return

    def run_in_thread(self: Any) -> None:
        try:
            start(self)
        except ServerFailedToStartError:
            deadline = time.monotonic() + MOST_SECONDS
            while self.thread.is_alive() and not self.started and time.monotonic() < deadline:
                time.sleep(_CHECK_SECONDS)
            if not self.started:
                raise

    run_in_thread.is_patient = True  # type: ignore[attr-defined]
    Server.run_in_thread = run_in_thread
