"""A job that makes nothing: why is said, and what was made before stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.page_steps import photos
from tests.support.tab import Tab


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(), tmp_path_factory.mktemp("nothing")) as address:
        yield address


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine": "diffusion"}, "Diffusion cannot be used: no CUDA GPU"),  # no engine can run
        ({"balancing": "per_class", "per_class": 1}, "Nothing to make: every class has 1 image or more"),
        ({"balancing": "balance"}, "Nothing to make: all classes are as large as the largest one"),
        ({"files": "broken"}, "No variations were made."),  # a job that runs and fails
    ],
)
def test_results_stay_if_the_next_job_makes_nothing(
    url: str, tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    tab = Tab(url)
    good = photos(tmp_path, "first.png")
    job = tab.make(good, label="cats", variations=1)
    (broken := tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    asked = dict(settings)
    files = [broken] if asked.pop("files", "") else good
    _, shown = tab.made(files, label="cats", **asked)
    assert words in str(shown["status"])
    assert "first__v1" in str(shown.get("gallery", "first__v1")), "the cards stay"
    assert shown["tab"]["props"]["job"] == job, "the address is that of the results"
    assert "first__v1" in str(tab.call("open_job", [tab.token], {"job": job})["gallery"])
