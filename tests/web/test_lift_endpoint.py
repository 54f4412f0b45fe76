"""`/lift` through gradio_client against a real server: an answer as documented, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.small_sets import small_split_set, zipped

NONE = {"nothing": {"engine": "gan", "strength": 0, "geometry": "none", "filters": False, "variations": 1}}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return zipped(small_split_set(tmp_path_factory.mktemp("sets") / "colours"))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A public page: its visitors are counted."""
    settings = Settings(public=True, visitor_images_per_hour=28, stability_api_key="sk-test")
    with serving(settings, tmp_path_factory.mktemp("gradio")) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Client:
    return Client(url, verbose=False, download_files=False)


def lift(client: Client, file: Path, **keywords: Any) -> dict[str, Any]:
    return client.predict(files=[handle_file(file)], **keywords, api_name="/lift")


def test_keywords_and_answer_are_documented(client: Client) -> None:
    endpoint = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/lift"]
    found = {one["parameter_name"]: one for one in endpoint["parameters"]}
    assert [*found] == ["files", "recipes", "test", "layout", "seed"]
    assert all(len(one["python_type"]["description"]) > 40 for one in found.values())
    assert {name for name, one in found.items() if not one["parameter_has_default"]} == {"files"}
    assert found["layout"]["type"]["enum"][0] == "auto"
    assert [one["label"] for one in endpoint["returns"]] == ["report"]


REFUSED = [
    pytest.param({"recipes": {}}, "Nothing is chosen", id="no recipe"),
    pytest.param({"recipes": {str(n): {} for n in range(5)}}, "at most 4 are measured at once", id="too many"),
    pytest.param({"recipes": {str(n): {"no": 1} for n in range(20_000)}}, "at most 4 are", id="far too many"),
    pytest.param({"recipes": ["light"]}, "recipes is not understood; expected", id="a list"),
    pytest.param({"recipes": {"a": {"colour": 1}}}, "a: unknown setting colour", id="an unknown field"),
    pytest.param({"recipes": {"a": {"variations": 99}}}, "variations is 99", id="a value"),
    pytest.param({"recipes": {"a": {"engine": "stability"}}}, "would cost credits: up to", id="a paid engine"),
    pytest.param({"seed": -1}, "seed is -1", id="a seed"),
    pytest.param({"seed": None}, "seed is None; expected", id="no seed"),
    pytest.param({"seed": [1]}, "seed is [1]; expected", id="a list as seed"),
    pytest.param({"seed": 10**400}, "seed is ", id="a seed beyond all numbers"),
]


@pytest.mark.parametrize(("keywords", "message"), REFUSED)
def test_what_cannot_be_measured_says_why(client: Client, small: Path, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(AppError) as raised:
        lift(client, small, **keywords)
    assert message in str(raised.value)


def test_files_of_the_server_and_of_the_web_are_refused(client: Client, url: str) -> None:
    for path in ("/etc/hostname", "http://127.0.0.1/a.zip"):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        for body in ({"files": [file]}, {"files": [file], "test": [file]}):
            call = requests.post(f"{url}gradio_api/call/v2/lift", json=body, timeout=30)
            if call.ok:
                event = call.json()["event_id"]
                answer = requests.get(f"{url}gradio_api/call/lift/{event}", timeout=60).text
                assert "event: error" in answer
            else:
                assert call.status_code == 400


def test_a_set_without_classes_says_what_to_do(client: Client, tmp_path: Path) -> None:
    from tests.support.page_steps import photos

    with pytest.raises(AppError, match="put the images of each class into a folder of its own"):
        lift(client, photos(tmp_path, "a.png")[0], recipes=NONE)


def test_an_answer_and_the_limit_of_an_hour(client: Client, small: Path) -> None:
    job = client.submit(files=[handle_file(small)], recipes={**NONE, "light": {"engine": "gan"}}, api_name="/lift")
    seen = set()
    while not job.done():
        if data := job.status().progress_data:
            seen.add(data[0].desc)
        time.sleep(0.05)
    report = job.result()
    assert {"set", "method", "split", "classes", "pictures", "notes"} <= report.keys()
    assert (report["set"], report["split"], report["classes"], report["pictures"]) == ("colours", "test", 2, 4)
    assert [one["recipe"] for one in report["recipes"]] == ["nothing", "light"]
    assert report["recipes"][0]["verdict"] == "cannot tell"
    low, high = report["recipes"][1]["interval"]
    assert low <= report["recipes"][1]["difference"] <= high
    assert seen, "progress was reported"
    many = {str(number): {"engine": "gan", "variations": 8} for number in range(4)}
    words = "up to 128 small variations, which count as 32 images, and you have 26 of 28 left"  # 4 training images
    with pytest.raises(AppError, match=words):
        lift(client, small, recipes=many)


def test_a_cancelled_call_makes_room_for_the_next_one(client: Client, small: Path) -> None:
    job = client.submit(files=[handle_file(small)], recipes={"strong": {"geometry": "strong"}}, api_name="/lift")
    while not (job.status().progress_data or job.done()):
        time.sleep(0.05)
    assert not job.done()
    job.cancel()
    with pytest.raises(AppError, match="Nothing is chosen"):
        lift(client, small, recipes={})
