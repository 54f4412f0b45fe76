"""Limits and the password of a public page: its settings, and how a visitor meets them on a real server."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.settings import EXAMPLES, ROOT, Settings
from augmentai.web.access.public import PUBLIC_LIMITS, credentials, effective_settings
from tests.support.app_server import serving
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, settings_for


@pytest.mark.parametrize("how", [{"public": True}, {"share": True}, {"space_id": "somebody/augmentai"}])
def test_a_public_page_has_tighter_limits(how: dict[str, object]) -> None:
    served = effective_settings(Settings(**how))
    assert {name: getattr(served, name) for name in PUBLIC_LIMITS} == PUBLIC_LIMITS
    assert served.max_files < Settings().max_files


def test_the_docs_state_these_limits() -> None:
    text = " ".join((ROOT / "docs" / "deployment.md").read_text().split())
    words = {
        "visitor_images_per_hour": "{:g} images",
        "visitor_credits_per_hour": "{:g} credits of your key",
        "visitor_upload_mb_per_hour": "{:g} MB of uploads",
        "visitor_files_per_hour": "{:g} uploaded files",
        "visitor_requests_per_minute": "per minute | {:g} requests",
        "visitor_calls_per_minute": "of which {:g} calls",
        "visitor_sessions_per_hour": "{:g} page loads and API clients",
        "visitor_jobs": "{:g} jobs may wait at once",
        "credits_per_day": "{:g} credits a day",
        "max_files": "{:g} files of at most",
        "max_file_mb": "at most {:g} MB",
        "max_megapixels": "{:g} megapixels",
        "keep_hours": "deleted after {:g} hours",
        "closed_tab_seconds": "its job stops after {:g} seconds",
        "cache_mb": "a cache of {:g} MB",
        "max_upload_mb": "one upload | {:g} MB",
        "parse_seconds": "labels and recipes | {:g} seconds",
        "parse_mb": "and {:g} MB for each upload",
        "max_zip_gb": "a ZIP that unpacks to {:g} GB",
        "max_archive_files": "of {:,} files",
        "max_labels_mb": "{:g} MB of label files in one job",
        "max_objects": "{:,} objects in one image",
        "max_points": "{:,} points of outlines",
        "images_mb": "{:g} MB for the variations",
    }
    assert set(words) == set(PUBLIC_LIMITS)
    for name, limit in PUBLIC_LIMITS.items():
        assert words[name].format(limit) in text, name


def test_limits_that_the_owner_set_stay() -> None:
    served = effective_settings(Settings(public=True, max_files=7, visitor_images_per_hour=8, keep_hours=100))
    assert (served.max_files, served.visitor_images_per_hour, served.keep_hours) == (7, 8, 100)
    at_home = effective_settings(Settings(visitor_images_per_hour=8))
    assert (at_home.visitor_images_per_hour, at_home.visitor_jobs) == (8, None)


def test_a_share_link_asks_for_a_password_unless_disabled() -> None:
    drawn = [credentials(effective_settings(Settings(share=True))) for _ in range(2)]
    assert drawn[0] != drawn[1]
    assert all(pair and len(pair[0][1]) >= 12 for pair in drawn)
    assert credentials(effective_settings(Settings(share=True, password="mine"))) == [("augmentai", "mine")]
    assert credentials(effective_settings(Settings(share=True, ask_password=False))) is None
    assert credentials(effective_settings(Settings())) is None
    assert credentials(effective_settings(Settings(password="mine"))) == [("augmentai", "mine")]


@pytest.mark.parametrize(
    ("settings", "proxies"),
    [
        (Settings(), 0),
        (Settings(space_id="a/b"), 1),
        (Settings(share=True), 1),
        (Settings(behind_proxy="/x"), 1),
        (Settings(space_id="a/b", proxies=3), 3),
    ],
)
def test_how_many_proxies_are_trusted(settings: Settings, proxies: int) -> None:
    assert effective_settings(settings).proxies == proxies


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(
        public=True, proxies=1, visitor_images_per_hour=6, visitor_upload_mb_per_hour=1, visitor_jobs=1, max_files=3
    )
    with serving(settings, tmp_path_factory.mktemp("gradio")) as address:
        yield address


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (48, 32), "teal").save(tmp_path / "a.png")
    return tmp_path / "a.png"


def visitor(url: str, address: str) -> Client:
    """A client as the proxy in front shows it. What stands left of the last address the visitor wrote themselves."""
    headers = {"X-Forwarded-For": f"6.6.6.6, {address}"}
    return Client(url, verbose=False, headers=headers, download_files=False)


def make(client: Client, photos: list[Path], **keywords: Any) -> dict[str, Any]:
    return client.predict(files=[handle_file(photo) for photo in photos], **keywords, api_name="/augment")[2]


def test_images_per_hour(url: str, photo: Path) -> None:
    client = visitor(url, "1.0.0.1")
    with pytest.raises(Exception, match="would make 7 images; the limit is 6 per hour per visitor"):
        make(client, [photo], variations=7)
    assert make(client, [photo], variations=4)["variations"] == 4
    with pytest.raises(Exception, match=r"would make 3 and you have 2 of 6 left. Try again in \d+ minutes"):
        make(client, [photo], variations=3)
    assert make(client, [photo], variations=2)["variations"] == 2, "what was refused does not count"
    with pytest.raises(Exception, match="image limit reached: this job would make 1 and you have 0 of 6 left"):
        make(visitor(url, "1.0.0.1"), [photo])
    assert make(visitor(url, "1.0.0.2"), [photo])["variations"] == 1, "another visitor"


def test_images_that_were_not_made_do_not_count(url: str, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("not an image")
    client = visitor(url, "1.0.0.3")
    for _ in range(3):
        assert make(client, [text], variations=6)["failed"] == 1
    Image.new("RGB", (48, 32), "red").save(tmp_path / "b.png")
    assert make(client, [tmp_path / "b.png"], variations=6)["variations"] == 6


def test_a_forged_address_gains_nothing(url: str, photo: Path) -> None:
    assert make(visitor(url, "1.0.0.4"), [photo], variations=6)["variations"] == 6
    forged = Client(url, verbose=False, headers={"X-Forwarded-For": "8.8.8.8, 9.9.9.9, 1.0.0.4"}, download_files=False)
    with pytest.raises(Exception, match="image limit reached: this job would make 1 and you have 0 of 6 left"):
        make(forged, [photo])


def test_files_per_job(url: str, tmp_path: Path) -> None:
    photos = []
    for colour in ("red", "green", "blue", "gold"):
        photos.append(tmp_path / f"{colour}.png")
        Image.new("RGB", (48, 32), colour).save(photos[-1])
    report = make(visitor(url, "1.0.0.5"), photos)
    assert (report["variations"], report["failed"]) == (3, 1)


def test_megabytes_per_hour(url: str) -> None:
    headers = {"X-Forwarded-For": "1.0.0.6"}
    answers = []
    for _ in range(3):
        files = {"files": ("a.bin", b"x" * 450_000)}
        answers.append(requests.post(url + "gradio_api/upload", files=files, headers=headers, timeout=30))
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "upload limit of 1 MB per hour is reached. Try again in" in answers[2].json()["detail"]

    def unannounced() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
        for _ in range(20):
            yield b"x" * 100_000
        yield b"\r\n--b--\r\n"

    headers = {"X-Forwarded-For": "1.0.0.7", "content-type": "multipart/form-data; boundary=b"}
    answer = requests.post(url + "gradio_api/upload", data=unannounced(), headers=headers, timeout=30)
    assert answer.status_code in {400, 429}


def test_queued_jobs_per_visitor(url: str, photo: Path, tmp_path: Path) -> None:
    """One job works, one waits; a third of the visitor who waits is refused, another visitor's is not."""
    large = tmp_path / "large.jpg"  # which takes seconds
    with Image.open(EXAMPLES / "hubble_deep_field.jpg") as opened:
        opened.resize((5000, 4300)).save(large, quality=20)  # uploads are limited too
    busy, other = visitor(url, "1.0.0.8"), visitor(url, "1.0.0.9")
    first = busy.submit(files=[handle_file(large)], variations=6, api_name="/augment")
    while first.status().code.name != "PROGRESS" and not first.done():
        time.sleep(0.01)
    second = other.submit(files=[handle_file(photo)], variations=6, api_name="/augment")
    while requests.get(url + "gradio_api/queue/status", timeout=30).json()["queue_size"] < 1:
        assert not first.done(), "the first job was too short for this test"
        time.sleep(0.01)
    body = {"files": [], "variations": 1}
    call = url + "gradio_api/call/v2/augment"
    refused = requests.post(call, json=body, headers={"X-Forwarded-For": "1.0.0.9"}, timeout=30)
    allowed = requests.post(call, json=body, headers={"X-Forwarded-For": "1.0.0.10"}, timeout=30)
    assert refused.status_code == 429
    assert refused.json()["detail"].startswith("You already have 1 job queued (limit: 1).")
    assert allowed.ok
    assert first.result()[2]["variations"] == second.result()[2]["variations"] == 6


@pytest.fixture
def hosted(emulator: Emulator, tmp_path: Path) -> Iterator[str]:
    """The owner's key pays: 15 credits an hour for each visitor, 30 a day for all; an image costs 5."""
    settings = settings_for(
        emulator,
        proxies=1,
        visitor_credits_per_hour=15,
        credits_per_day=30,
        state=tmp_path / "state",
    )
    with serving(settings, tmp_path / "gradio") as address:
        yield address


def test_credits_per_hour_and_per_day(hosted: str, emulator: Emulator, photo: Path) -> None:
    first = visitor(hosted, "2.0.0.1")
    report = make(first, [photo], variations=2)
    assert (report["engines"], report["credits"]) == ({"stability": 2}, 10)
    report = make(first, [photo], variations=2, seed=7)  # another job: the first one's result was not fetched
    assert report["engines"] == {"stability": 1, "gan": 1}
    assert any("limit of 15 credits per hour per visitor covers only 1" in n for n in report["notices"])
    assert any("More will be available in" in notice for notice in report["notices"])
    with pytest.raises(Exception, match="limit of 15 credits per hour per visitor is reached"):
        make(first, [photo], engine="stability")
    assert make(visitor(hosted, "2.0.0.2"), [photo], variations=3)["engines"] == {"stability": 3}
    report = make(visitor(hosted, "2.0.0.3"), [photo], variations=1)
    assert report["engines"] == {"gan": 1}, "the day's budget of the owner's key is spent"
    assert "30 credits a day" in str(report["fallbacks"])
    assert len(emulator.forms()) == 6


def test_an_engine_that_refuses_costs_the_visitor_nothing(hosted: str, emulator: Emulator, photo: Path) -> None:
    emulator.fault("403", times=3)
    client = visitor(hosted, "2.0.0.4")
    assert make(client, [photo], variations=3)["credits"] == 0
    assert make(client, [photo], variations=3)["engines"] == {"stability": 3}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(Settings(password="open sesame", proxies=1), tmp_path_factory.mktemp("gradio")) as address:
        yield address


def test_nothing_is_open_without_the_password(locked: str) -> None:
    for route in ("config", "gradio_api/info", "gradio_api/openapi.json", "gradio_api/queue/status"):
        assert requests.get(locked + route, timeout=30).status_code == 401, route
    for route in ("upload", "queue/join", "call/augment", "call/v2/augment", "run/predict", "run/begin"):
        answer = requests.post(f"{locked}gradio_api/{route}", json={"data": [], "fn_index": 0}, timeout=30)
        assert answer.status_code == 401, route
    assert '"components"' not in requests.get(locked, timeout=30).text.replace('"components":[]', "")
    assert requests.get(locked + "gradio_api/app_id", timeout=30).ok, "the health check needs no password"


def test_with_the_password_it_works(locked: str, photo: Path) -> None:
    client = Client(locked, auth=("augmentai", "open sesame"), verbose=False, download_files=False)
    assert make(client, [photo])["variations"] == 1


def test_login_attempts_are_limited(locked: str) -> None:
    def attempt(password: str, address: str) -> int:
        data = {"username": "augmentai", "password": password}
        headers = {"X-Forwarded-For": address}
        return requests.post(locked + "login", data=data, headers=headers, timeout=30).status_code

    statuses = [attempt(f"guess {number}", "3.0.0.1") for number in range(12)]
    assert statuses == [400] * 10 + [429] * 2
    assert attempt("open sesame", "3.0.0.1") == 429
    assert attempt("open sesame", "3.0.0.2") == 200


def test_other_sites_cannot_use_the_visitors_cookie(locked: str) -> None:
    with requests.Session() as session:
        session.post(locked + "login", data={"username": "augmentai", "password": "open sesame"}, timeout=30)
        assert session.get(locked + "config", timeout=30).ok
        foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Origin": "https://evil.example"}
        assert session.get(locked + "config", headers=foreign, timeout=30).status_code == 403
        framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert session.get(locked, headers=framed, timeout=30).ok


def test_the_password_is_nowhere(locked: str) -> None:
    with requests.Session() as session:
        session.post(locked + "login", data={"username": "augmentai", "password": "open sesame"}, timeout=30)
        for place in ("", "config", "gradio_api/info"):
            assert "open sesame" not in session.get(locked + place, timeout=30).text
    assert KEY not in repr(Settings(stability_api_key=KEY, password="open sesame"))
    assert "open sesame" not in repr(Settings(password="open sesame"))
