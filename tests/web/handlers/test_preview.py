"""The inspection at the drop: files that take too much are named, and the others are inspected in what time is left."""

from __future__ import annotations

import time
from typing import Any

import gradio as gr
import pytest

from augmentai.engines.none import NoEngine
from augmentai.settings import Settings
from augmentai.web.access.visitors import Visitors
from augmentai.web.estimates import TimeEstimator
from augmentai.web.handlers.preview import PreviewHandlers
from augmentai.web.parsing.pool import ParsingPool, TookLongError

ONE: Any = gr.Request(session_hash="one")


class SlowFiles(ParsingPool):
    """Stands for processes that read one file so long, and then the next."""

    def __init__(self, each: float) -> None:
        super().__init__(60, 1000)
        self._each = each
        self.more_seconds: list[float] = []

    def run(self, visitor: str, function: Any, *arguments: Any, **options: Any) -> Any:
        self.more_seconds.append(options["more_seconds"])
        time.sleep(self._each)
        raise TookLongError("takes longer", arguments[0][0][1])


@pytest.mark.parametrize(
    ("each", "parse_seconds", "refused", "more_seconds"),
    [
        (0.1, 0.05, ["0.zip", "1.zip"], [0.0, 1.95]),  # no time is left: two seconds more, once
        (0.0, 60, ["0.zip", "1.zip", "2.zip"], [0.0, 0.0, 0.0]),  # as if one needed too much memory
    ],
)
def test_slow_files_share_the_time_of_one(
    each: float, parse_seconds: float, refused: list[str], more_seconds: list[float]
) -> None:
    settings, pool = Settings(parse_seconds=parse_seconds), SlowFiles(each)
    engines = [NoEngine(settings)]
    handlers = PreviewHandlers(settings, engines, Visitors(settings), TimeEstimator(engines), pool)
    uploads = [(f"{number}.zip", f"/{number}.zip") for number in range(5)]
    summary = handlers.inspect(uploads, None, ONE)["files"]["summary"]
    assert [one["file"] for one in summary["refused"]] == refused
    assert pool.more_seconds == pytest.approx(more_seconds, abs=1)
