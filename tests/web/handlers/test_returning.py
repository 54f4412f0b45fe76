"""What a stranger learns of a job who knows its address, by direct calls of whatever the page itself calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from augmentai.settings import Settings
from augmentai.web import texts
from tests.support.app_server import serving
from tests.support.page_steps import photos
from tests.support.tab import Tab


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(), tmp_path_factory.mktemp("returning")) as address:
        yield address


def seen(answer: dict[str, Any]) -> str:
    return json.dumps(answer)


@pytest.fixture(scope="module")
def anna(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tab, str]:
    """A visitor with a finished job, and its id."""
    tab = Tab(url)
    return tab, tab.make(photos(tmp_path_factory.mktemp("photos"), "secret-name.png"))


def test_its_visitor_comes_back_by_address_and_from_the_list(anna: tuple[Tab, str], url: str) -> None:
    tab, job = anna
    back = Tab(url, tab.token, job)
    assert "Done." in back.greeting["status"]
    assert "secret-name" in seen(back.greeting)
    fresh = Tab(url, tab.token)
    assert job in seen(fresh.greeting["earlier"])
    assert "secret-name" in seen(fresh.call("open_job", [tab.token], {"job": job}))


def test_a_stranger_with_the_address_learns_nothing(anna: tuple[Tab, str], url: str) -> None:
    tab, job = anna
    answers = {}
    for name in (job, "of-nobody"):
        stranger = Tab(url, address=name)
        assert stranger.token != tab.token
        stranger.greeting.pop("browserstate")
        answers[name] = seen(stranger.greeting)
        assert seen(stranger.call("open_job", [stranger.token], {"job": name})) == answers[name]
        for token in ("", tab.token[:-1], tab.token.upper(), f"{tab.token} ", "*", "0" * 32):
            assert texts.NOT_YOURS in seen(stranger.call("open_job", [token], {"job": name}))
    assert answers[job] == answers["of-nobody"], "not even that there is such a job"


@pytest.mark.parametrize(
    ("name", "data", "event"),
    [
        ("poll", [], None),
        ("stop", [], None),
        ("exclude", ["", "", "all", "name"], {"files": ["secret-name__v1.png"], "revision": 9}),
        ("compare", [], {"file": "secret-name__v1.png"}),
        ("full", [], {"file": "secret-name__v1.png"}),
        ("show", ["", "", "all", "name"], None),
        ("draw", ["", "", "all", "name"], None),
        ("exclude_all", ["", "", "all", "name", 1], None),
        ("include_all", ["", "", "all", "name", 1], None),
        ("undo", ["", "", "all", "name", 1], {}),
        ("turn_page", ["", "", "all", "name", 1], None),
    ],
)
def test_no_other_call_leads_a_stranger_to_it(
    anna: tuple[Tab, str], url: str, name: str, data: list[Any], event: dict[str, Any] | None
) -> None:
    tab, job = anna
    stranger = Tab(url, address=job)
    answer = seen(stranger.call(name, data, event))
    assert "secret-name" not in answer
    assert job not in answer
    own = seen(tab.call("open_job", [tab.token], {"job": job}))
    assert "secret-name__v1.png" in own
    assert '"excluded": true' not in own


def test_the_answers_of_a_session_are_read_by_whoever_can_name_it_alone(anna: tuple[Tab, str], url: str) -> None:
    _, job = anna
    for session in (job, "", "anna"):
        text = ""
        with (
            suppress(httpx.RemoteProtocolError),  # Gradio breaks off
            httpx.stream("GET", f"{url}gradio_api/queue/data", params={"session_hash": session}) as answer,
        ):
            for part in answer.iter_text():
                text += part
        assert "secret-name" not in text


def test_a_list_of_files_is_not_to_be_had(anna: tuple[Tab, str], url: str, tmp_path: Path) -> None:
    from gradio.utils import get_upload_folder

    root = get_upload_folder()
    for place in (root, f"{root}/augmentai-jobs", f"{root}/augmentai-paid", f"{root}/augmentai-jobs/*"):
        assert httpx.get(f"{url}gradio_api/file={place}").status_code in (403, 404), place
