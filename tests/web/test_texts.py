"""Wording that depends on numbers and states."""

from __future__ import annotations

import re

import pytest

from augmentai.engines.base import Readiness
from augmentai.web import texts
from tests.support.scripted_engine import Copying


def plain(html: str) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html).split())


@pytest.mark.parametrize(
    ("stopped", "incomplete", "label"),
    [(True, 3, "Resume"), (False, 1, "Retry 1 failed image"), (False, 6, "Retry 6 failed images")],
)
def test_the_button_that_makes_missing_variations(stopped: bool, incomplete: int, label: str) -> None:
    assert texts.resume_label(stopped, incomplete) == label


@pytest.mark.parametrize(
    ("included", "excluded", "size_bytes", "label"),
    [
        (1, 0, 2_500_000, "Download ZIP (1 image, 2.5 MB)"),
        (1234, 2, None, "Download ZIP (1,234 images, 2 excluded)"),
        (0, 0, 900, "Download error log (ZIP)"),
    ],
)
def test_the_download_button(included: int, excluded: int, size_bytes: int | None, label: str) -> None:
    assert texts.download_label(included, excluded, size_bytes) == label


@pytest.mark.parametrize(
    ("done", "expected", "seconds", "failed", "message", "text"),
    [
        (0, 0, 0.1, 0, "", "Reading files and loading the model"),
        (0, 8, 0.1, 0, "loading x", "0 of 8 images · loading x"),
        (4, 8, 10, 0, "", "4 of 8 images · about 10 s left"),
        (2, 8, 10, 1, "", "2 of 8 images · 1 failed"),
    ],
)
def test_progress(done: int, expected: int, seconds: float, failed: int, message: str, text: str) -> None:
    assert plain(texts.progress(done, expected, seconds, 0, failed, message)) == text


def test_states_of_the_engines() -> None:
    running, ready, broken, missing = engines = [Copying() for _ in range(4)]
    for engine, title in zip(engines, "ABCD", strict=True):
        engine.title = title
    states = {
        running: Readiness(True),
        ready: Readiness(True),
        broken: Readiness(False, "the key was rejected", configured=True),
        missing: Readiness(False, "no key", configured=False),
    }
    text = plain(texts.engines(states, running, "auto"))
    assert text == "A active B fallback C unavailable D not configured C: the key was rejected"


def test_names_of_files_are_escaped() -> None:
    html = texts.problems([{"file": "<b>.png", "reason": "a & b"}])
    assert "&lt;b&gt;.png" in html
    assert "a &amp; b" in html
    assert plain(html).startswith("Failed (1) File Reason")
