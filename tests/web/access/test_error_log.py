"""What the log says of calls that fail: never their inputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from augmentai.settings import Settings, SettingsError, load_settings
from augmentai.web.access.error_log import InputFreeTraceback
from tests.support.app_server import serving

KEY = "sk-secret-of-a-visitor"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(), tmp_path_factory.mktemp("gradio")) as address:
        yield address


def post(url: str, route: str, body: object) -> requests.Response:
    return requests.post(f"{url}gradio_api/{route}", json=body, timeout=60)


def test_the_log_holds_no_inputs(url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.clear()
    config = requests.get(url + "config", timeout=30).json()
    for dependency in config["dependencies"]:
        session = f"log{dependency['id']}"
        body = {"data": [KEY], "fn_index": dependency["id"], "session_hash": session}
        post(url, "run/predict", body)
        if post(url, "queue/join", body).ok:
            requests.get(f"{url}gradio_api/queue/data?session_hash={session}", timeout=60)
    event = post(url, "call/augment", {"data": [KEY]}).json()["event_id"]
    requests.get(f"{url}gradio_api/call/augment/{event}", timeout=60)
    post(url, "run/predict", {"data": [KEY], "fn_index": KEY, "session_hash": KEY})
    printed = "".join(capfd.readouterr())
    assert caplog.records, "refusals are logged"
    assert KEY not in caplog.text
    assert KEY not in printed
    assert "Traceback" not in printed + caplog.text


@pytest.mark.parametrize("path", ["/etc/passwd", "a\nb.png"])
def test_a_refused_path_is_one_line(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    caplog.clear()
    body = {"files": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    event = post(url, "call/v2/augment", body).json()["event_id"]
    assert "event: error" in requests.get(f"{url}gradio_api/call/augment/{event}", timeout=60).text
    lines = (caplog.text + "".join(capfd.readouterr())).strip().splitlines()
    assert len(lines) == 1
    assert "a call was refused" in lines[0]
    assert path not in lines[0]


def test_an_error_in_this_program_says_where_it_happened(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUGMENTAI_KEEP_HOURS", KEY)
    try:
        load_settings()
    except SettingsError:
        InputFreeTraceback().print_exc()
    assert "a call failed: SettingsError" in caplog.text
    assert "settings.py:" in caplog.text
    assert "in load_settings" in caplog.text
    assert KEY not in caplog.text
