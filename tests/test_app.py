"""app.py as people start it: a process, its flags, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.settings import EXAMPLES, ROOT
from tests.support.app_process import app_process


def app(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "app.py"), *arguments]
    return subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_starts_works_and_ends_on_sigterm(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "a.png")
    with app_process(tmp_path, HTTP_PROXY="http://127.0.0.1:9") as running:  # as on a company's machine
        assert "AugmentAI" in requests.get(running.url, timeout=30).text
        client = Client(running.url, verbose=False, download_files=str(tmp_path / "downloads"))
        gallery, zip_path, report = client.predict(files=[handle_file(tmp_path / "a.png")], api_name="/augment")
        assert (report["variations"], len(gallery)) == (1, 1)
        assert Path(zip_path).stat().st_size > 0
        # In the middle of a job, with another one waiting: what is made is delivered, and the server ends.
        client = Client(running.url, verbose=False, download_files=False)
        photos = [handle_file(EXAMPLES / "hubble_deep_field.jpg"), handle_file(tmp_path / "a.png")]
        job = client.submit(files=photos, variations=16, api_name="/augment")
        client.submit(files=photos, variations=16, api_name="/augment")
        while not (made := (job.status().progress_data or [None])[0]) or not made.index:
            time.sleep(0.05)
        assert running.end() == 0, running.log
        report = job.result()[2]
        assert report["stopped"]
        assert 0 < report["variations"] < 32
        assert "Traceback" not in running.log
        assert "password" not in running.log
    with pytest.raises(requests.ConnectionError):
        requests.get(running.url, timeout=5)


def test_a_shared_page_asks_for_the_printed_password(tmp_path: Path) -> None:
    """Without a network there is no link, but the page is behind the password that its owner."""
    with app_process(tmp_path, "--share", HF_HOME=str(tmp_path / "hub")) as running:
        result = re.search(r"User name: augmentai, password: (\S{12,})", running.log)
        assert result, running.log
        assert requests.get(running.url + "config", timeout=30).status_code == 401
        client = Client(running.url, auth=("augmentai", result[1]), verbose=False)
        assert "/augment" in client.view_api(return_format="dict", print_info=False)["named_endpoints"]
        assert running.end() == 0


def test_help_loads_nothing() -> None:
    result = app("--help")
    assert result.returncode == 0
    assert {"--share", "--no-password", "--host", "--port"} <= set(re.findall(r"--[a-z-]+", result.stdout))


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--port", "many"], {}, "GRADIO_SERVER_PORT"),
        ([], {"AUGMENTAI_MAX_FILES": "-1"}, "AUGMENTAI_MAX_FILES"),
        ([], {"GRADIO_SHARE": "perhaps"}, "GRADIO_SHARE"),
    ],
)
def test_a_setting_that_it_cannot_start_with_is_named(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    result = app(*arguments, **environment)
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr
