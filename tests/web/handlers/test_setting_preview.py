"""The preview before a job: what is said, what is never paid for, and what is remembered of whom."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from augmentai.engines.base import Engine, JobView, Made, Refused, Task
from augmentai.engines.none import NoEngine
from augmentai.engines.stability import StabilityEngine
from augmentai.inspection.setting_preview import operations_alone
from augmentai.settings import Settings
from augmentai.web.access.visitors import Visitors
from augmentai.web.handlers.patience import Patience
from augmentai.web.handlers.setting_preview import SettingPreviewHandlers
from augmentai.web.parsing.pool import ParsingPool

ONE: Any = gr.Request(session_hash="one")
OTHER: Any = gr.Request(session_hash="other")
FORM = {"engine": "none", "operations": ["noise", "mosaic"], "variations": 2}


@pytest.fixture(scope="module")
def pool() -> Iterator[ParsingPool]:
    pool = ParsingPool(seconds=60, megabytes=4000)
    yield pool
    pool.close()


@pytest.fixture
def uploads(tmp_path: Path) -> list[tuple[str, str]]:
    """Two images: a whole one, and one that breaks off."""
    Image.effect_noise((64, 48), 60).convert("RGB").save(tmp_path / "b.png")
    (tmp_path / "a & b.png").write_bytes((tmp_path / "b.png").read_bytes()[:900])
    return [(path.name, str(path)) for path in sorted(tmp_path.iterdir())]


def handlers_with(pool: ParsingPool, *engines: Engine) -> SettingPreviewHandlers:
    settings = Settings()
    return SettingPreviewHandlers(settings, engines or [NoEngine(settings)], Visitors(settings), pool)


def test_the_strip_of_the_chosen_image(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool)
    assert handlers.begin(uploads, ONE)["preview"].visible
    choice = handlers.read(uploads, None, ONE)["preview_pictures"]
    assert [choice.count(one) for one in ("<button", 'data-picture="1" aria-pressed="true"')] == [2, 1]
    fault = "<b>a &amp; b.png</b> cannot be used: the file is corrupt or truncated"
    first = handlers.show("variations", "", FORM, ONE)["preview_strip"]
    assert first.count(fault) == 1, "one that cannot be read is passed over, which is said"
    handlers.choose(0, ONE)
    broken = handlers.show("variations", "", FORM, ONE)["preview_strip"]
    assert fault in broken
    assert "<b>Source</b>" not in broken
    handlers.choose(1, ONE)
    html = handlers.show("variations", "", FORM, ONE)["preview_strip"]
    assert [f"<b>{title}</b>" in html for title in ("Source", "Variation 1", "Variation 2", "Variation 3")] == [
        *(True, True, True),
        False,
    ]
    assert "Not shown, since they use other images: Mosaic." in html
    assert "similar ones" in html
    alone = handlers.show("operations", "", FORM, ONE)["preview_strip"]
    assert "<b>Sensor noise</b>" in alone
    assert "uses no strength" in handlers.show("strengths", "", FORM, ONE)["preview_strip"]
    wrong = handlers.show("variations", "", FORM | {"variations": 99}, ONE)["preview_strip"]
    assert "variations is 99" in wrong
    assert "<b>Source</b>" in wrong


def test_a_visitor_reaches_no_other_images(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool)
    handlers.read(uploads, None, ONE)
    assert handlers.show("variations", "", FORM, OTHER) == {}
    for number in (7, -1, "1", None):  # of no picture
        handlers.choose(number, ONE)
    assert "a &amp; b.png" in handlers.show("variations", "", FORM, ONE)["preview_strip"]


def test_images_are_read_once_and_forgotten_with_the_tab(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool)
    assert handlers.read(uploads, None, ONE)
    assert handlers.read(uploads, None, ONE) == {}
    assert handlers.read(uploads[1:], None, ONE)["preview_pictures"] == ""  # one image: nothing to choose
    handlers.close(ONE)
    assert handlers.show("variations", "", FORM, ONE) == {}
    assert not handlers.begin([], ONE)["preview"].visible


def test_nothing_is_made_while_it_is_folded(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool)
    handlers.fold(ONE)
    assert handlers.read(uploads, None, ONE) == {}
    handlers.unfold(ONE)
    handlers.read(uploads, None, ONE)
    handlers.fold(ONE)
    assert handlers.show("variations", "", FORM, ONE) == {}


def test_a_paid_engine_makes_nothing(pool: ParsingPool, uploads: Any) -> None:
    """Its host does not exist: a request would fail loudly."""
    settings = Settings(stability_api_key="sk-test", stability_url="http://127.0.0.1:9")
    handlers = handlers_with(pool, StabilityEngine(settings))
    handlers.read(uploads[1:], None, ONE)
    html = handlers.show("variations", "", {"engine": "auto"}, ONE)["preview_strip"]
    assert "No preview by Stability AI: one image costs" in html
    assert "<b>Source</b>" in html
    assert "Variation 1" not in html


class Stuck(NoEngine):
    """Paints once it is let go, whatever it guesses."""

    go = threading.Event()
    begun = 0

    def make(self, tasks: Iterator[Task], job: JobView) -> Iterator[Made | Refused]:
        Stuck.begun += 1
        self.go.wait(60)
        yield from super().make(tasks, job)


@pytest.mark.parametrize("what", ["variations", "operations"])
def test_nobody_waits_behind_what_is_slow(
    what: str, pool: ParsingPool, uploads: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up and left alone, for every visitor; once it has ended, it is shown again."""
    settings = Settings()
    Stuck.go.clear()
    Stuck.begun = 0

    def alone(*given: Any) -> Any:
        Stuck.begun += 1
        Stuck.go.wait(60)
        return operations_alone(*given)

    monkeypatch.setattr("augmentai.web.handlers.setting_preview.operations_alone", alone)
    patience = Patience(seconds=0.3, rest_seconds=0)
    handlers = SettingPreviewHandlers(settings, [Stuck(settings)], Visitors(settings), pool, patience)
    for visitor in (ONE, OTHER):
        handlers.read(uploads[1:], None, visitor)
        html = handlers.show(what, "", FORM, visitor)["preview_strip"]
        assert "too long" in html
        assert "<b>Source</b>" in html
        assert Stuck.begun == 1, "it is not begun again"
    Stuck.go.set()
    monkeypatch.setattr(patience, "_seconds", 60)
    while "too long" in (html := handlers.show(what, "", FORM, ONE)["preview_strip"]):
        pass
    assert "<b>Sensor noise</b>" in html or "<b>Variation 2</b>" in html


def test_without_an_engine_it_says_so(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool, StabilityEngine(Settings(stability_api_key="")))
    handlers.read(uploads[1:], None, ONE)
    assert "No engine is ready" in handlers.show("variations", "", {"engine": "auto"}, ONE)["preview_strip"]


def test_what_a_paid_engine_will_be_asked_for_is_shown(pool: ParsingPool, uploads: Any) -> None:
    handlers = handlers_with(pool, StabilityEngine(Settings(stability_api_key="sk-test")))
    handlers.read(uploads[1:], None, ONE)
    form = {"engine": "auto", "prompt": "a {colour: red | blue} <b>", "variations": 5, "seed": 3}
    html = handlers.show("variations", "", form, ONE)["preview_strip"]
    assert "What Stability AI will be asked for:" in html
    assert html.count("<li>a ") == 3
    assert html.count("&lt;b&gt;</li>") == 3
    assert "<li>a red &lt;b&gt;" in html or "<li>a blue &lt;b&gt;" in html
    again = handlers.show("variations", "", {**form, "seed": 0}, ONE)["preview_strip"]
    assert "(examples: each run without a seed draws other words)" in again
