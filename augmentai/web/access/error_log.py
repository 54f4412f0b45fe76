"""What the log says of a failed call: never its inputs, which Gradio's tracebacks and messages quote, keys included."""

from __future__ import annotations

import importlib
import logging
import sys
import traceback
from types import TracebackType
from typing import Any

_log = logging.getLogger(__name__)
_MODULES = ("queueing", "routes", "route_utils", "utils")  # of Gradio: those that print tracebacks
_OWN = "augmentai"


class InputFreeTraceback:
    """Stands in for the module `traceback` in Gradio's modules: `print_exc` writes to the log, without messages."""

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)

    def print_exc(self, *_: Any, **__: Any) -> None:
        """One line for a call that Gradio refused; for an error in this program also where it happened."""
        error = sys.exc_info()[1]
        if error is None:
            return
        frames = traceback.extract_tb(error.__traceback__)
        if _reaches_own_code(error.__traceback__):
            _log.error("a call failed: %s", without_inputs(error))
        else:
            kind = type(error).__name__
            _log.warning("a call was refused: %s in %s", kind, frames[-1].name if frames else "?")


def without_inputs(error: BaseException) -> str:
    """The type of an error, and where it happened; not its message, which may quote inputs."""
    frames = traceback.extract_tb(error.__traceback__)
    places = "".join(f"\n  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames)
    return type(error).__name__ + places


def _reaches_own_code(trace: TracebackType | None) -> bool:
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == _OWN and not module.startswith(f"{_OWN}.web.access."):
            return True
        trace = trace.tb_next
    return False


def keep_inputs_out_of_the_log() -> None:
    """Let Gradio report failed calls by `InputFreeTraceback`. It has no setting for this."""
    for name in _MODULES:
        module: Any = importlib.import_module(f"gradio.{name}")
        if hasattr(module, "traceback"):
            module.traceback = InputFreeTraceback()
