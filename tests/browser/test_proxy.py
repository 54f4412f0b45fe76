"""The page behind proxies that hang it somewhere else: in a real browser, and by gradio_client."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import requests
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.settings import EXAMPLES, Settings
from tests.support.app_server import serving
from tests.support.browser_tab import Tab, patient
from tests.support.page_steps import counted, set_variations
from tests.support.prefix_proxy import Manner, proxied

pytestmark = pytest.mark.browser

PREFIX = "/projects/augmentai/applications/AugmentAI"
WORKBENCH = Manner(PREFIX)
SHOWN = "[...document.querySelectorAll('#gallery .card img')].filter(i => i.naturalWidth > 0).length"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "a b.png")
    return tmp_path / "a b.png"


def by_client(address: str, photo: Path, folder: Path) -> None:
    client = Client(address, verbose=False, download_files=str(folder))
    gallery, zip_path, report = client.predict(files=[handle_file(photo)], api_name="/augment")
    assert report["variations"] == 1
    assert Path(gallery[0]["image"]).is_file()
    with zipfile.ZipFile(zip_path) as archive:
        assert archive.testzip() is None


def test_a_visit_through_the_proxy_of_workbench(browser: Any, tmp_path: Path, photo: Path) -> None:
    """Upload, progress, images that show, ZIP; and no request that leaves the prefix, where the app is not."""
    settings = Settings(root_path=PREFIX, proxies=1)
    with serving(settings, tmp_path / "gradio") as upstream, proxied(upstream, WORKBENCH) as address:
        context = patient(browser.new_context(accept_downloads=True))
        outside: list[str] = []
        context.on(
            "request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else outside.append(r.url)
        )
        failed: list[str] = []
        context.on("response", lambda r: failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page = context.new_page()
        page.goto(address + "/")
        page.wait_for_selector("#augment")
        page.set_input_files("#files input[type=file] >> nth=0", [photo, EXAMPLES / "hubble_deep_field.jpg"])
        counted(page, 2)
        set_variations(page, 16)  # long enough for progress to be seen
        page.click("#augment")
        page.wait_for_function(
            "Number(document.querySelector('#status [role=progressbar]')?.ariaValueNow) > 0", timeout=60_000
        )
        page.wait_for_selector("#status .aug-done", timeout=90_000)
        page.wait_for_function(f"{SHOWN} >= 2", timeout=90_000)
        with page.expect_download() as download:
            page.click("#zip")
        download.value.save_as(tmp_path / "out.zip")
        with zipfile.ZipFile(tmp_path / "out.zip") as archive:
            assert archive.testzip() is None
            lines = [json.loads(line) for line in archive.read("manifest.jsonl").decode().splitlines()]
        assert {line["source"] for line in lines} == {"a b.png", "hubble_deep_field.jpg"}
        page.get_by_role("tab", name="Use in code").click()
        for call in (f'Client("{address}/")', f"URL={address}\n"):
            assert call in page.locator("#code").inner_text()
        context.close()
        assert outside == []
        assert failed == []
        by_client(address, photo, tmp_path)
        assert requests.get(upstream + "gradio_api/app_id", timeout=30).ok, "the health check asks inside, unprefixed"


@pytest.mark.parametrize(
    ("root_path", "manner"),
    [
        (PREFIX + "/", WORKBENCH),
        (PREFIX, Manner(PREFIX, keep_host=False)),
        (PREFIX, Manner(PREFIX, strip=False)),
        (PREFIX, Manner(PREFIX, strip=False, keep_host=False)),
        (PREFIX, Manner(PREFIX, forwarded=False)),
        (None, Manner(keep_host=False)),
    ],
    ids=["final slash", "host rewritten", "kept", "kept, host rewritten", "host only", "no prefix"],
)
def test_other_proxies(tab: Tab, tmp_path: Path, photo: Path, root_path: str | None, manner: Manner) -> None:
    with (
        serving(Settings(root_path=root_path), tmp_path / "gradio") as upstream,
        proxied(upstream, manner) as address,
    ):
        with tab.visitor(address + "/") as page:
            one_variation(page, photo)
        by_client(address, photo, tmp_path)


def one_variation(page: Any, photo: Path) -> None:
    page.set_input_files("#files input[type=file] >> nth=0", [photo])
    counted(page, 1)
    page.click("#augment")
    page.wait_for_selector("#status .aug-done", timeout=90_000)
    page.wait_for_function(f"{SHOWN} >= 1")
    with page.expect_download() as download:
        page.click("#zip")
    assert zipfile.is_zipfile(download.value.path())


def test_https_outside_http_inside(tmp_path: Path) -> None:
    """If the proxy serves https, every address on the page is https."""
    with (
        serving(Settings(root_path=PREFIX), tmp_path / "gradio") as upstream,
        proxied(upstream, Manner(PREFIX, scheme="https")) as address,
    ):
        config = requests.get(address + "/config", timeout=30).json()
        host = address.removeprefix("http://")
        assert config["root"] == f"https://{host}"
    public = "https://augment.example.org/x"
    with (
        serving(Settings(root_path=public), tmp_path / "gradio2") as upstream,
        proxied(upstream, Manner("/x", keep_host=False, forwarded=False)) as address,
    ):
        assert requests.get(address + "/config", timeout=30).json()["root"] == public


def test_limits_see_the_visitor_and_not_the_proxy(tmp_path: Path, photo: Path) -> None:
    settings = Settings(root_path=PREFIX, proxies=1, visitor_images_per_hour=1)
    with serving(settings, tmp_path / "gradio") as upstream, proxied(upstream, WORKBENCH) as address:
        by_client(address, photo, tmp_path)
        forged = Client(address, verbose=False, headers={"X-Forwarded-For": "1.2.3.4"}, download_files=False)
        with pytest.raises(Exception, match="image limit reached: this job would make 1 and you have 0 of 1 left"):
            forged.predict(files=[handle_file(photo)], api_name="/augment")
