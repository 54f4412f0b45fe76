"""The page with the hosted API behind it, in a real browser against the emulator."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from augmentai.web.jobs import visitor_jobs
from tests.support import page_steps as steps
from tests.support.api_client import augment
from tests.support.app_process import app_process, free_port
from tests.support.app_server import serving
from tests.support.browser_tab import Tab, patient
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, plain_photos, settings_for
from tests.support.page_steps import expect, give

pytestmark = pytest.mark.browser


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return plain_photos(tmp_path)


@pytest.fixture
def hosted(tab: Tab, emulator: Emulator, tmp_path: Path) -> Iterator[Any]:
    """A visitor on a server of the test's own: after faults of other tests its breaker would stay open for a while."""
    with serving(settings_for(emulator), tmp_path / "gradio") as address, tab.visitor(address) as page:
        yield page


def test_cost_before_and_fallbacks_after(hosted: Any, emulator: Emulator, photos: list[Path]) -> None:
    page = hosted
    emulator.fault("403", times=1)
    expect(page.locator("#forecast")).to_contain_text("Engine: Stability AI (uses credits)")
    give(page, photos, 3)
    expect(page.locator("#forecast")).to_contain_text("up to 60 credits")
    steps.augment(page)
    expect(page.locator("#status")).to_contain_text("11 by Stability AI")
    expect(page.locator("#status")).to_contain_text("1 by Local GAN")
    expect(page.locator("#status")).to_contain_text("55 credits")
    expect(page.locator("#problems")).to_contain_text("Fallbacks (1)")


def choose_engine(page: Any, name: str) -> None:
    page.click("#more button")
    page.click("#engine input")
    page.get_by_role("option", name=name).click()


def test_a_slow_job_shows_credits_and_can_be_stopped_and_resumed(
    hosted: Any, emulator: Emulator, photos: list[Path]
) -> None:
    page = hosted
    emulator.control(latency=1.0)
    give(page, photos, 3)
    steps.set_variations(page, 8)
    page.click("#augment")
    expect(page.locator("#status")).to_contain_text("credits used", timeout=90_000)
    page.click("#stop")
    page.wait_for_selector("#status .aug-done", timeout=90_000)
    expect(page.locator("#status")).to_have_text(re.compile("^\\s*Stopped\\."))
    assert 0 < steps.cards(page).count() < 24
    emulator.control(latency=0)
    steps.augment(page, "#resume")
    expect(page.locator("#status")).to_contain_text("Done. 24 variations from 3 files")
    expect(steps.cards(page)).to_have_count(24)


def test_failures_are_listed_and_retried(hosted: Any, emulator: Emulator, photos: list[Path], tmp_path: Path) -> None:
    page = hosted
    emulator.fault("403", times=2)
    give(page, photos, 3)
    steps.set_variations(page, 1)
    choose_engine(page, "Stability AI")
    page.uncheck("#filters input")  # plain colours are poor photos
    steps.augment(page)
    expect(page.locator("#status")).to_contain_text("2 failed")
    expect(page.locator("#problems")).to_contain_text("moderation")
    expect(page.locator("#problems")).not_to_contain_text("Fallbacks")
    expect(page.locator("#resume")).to_have_text("Retry 2 failed images (up to 10 credits, $0.10)", use_inner_text=True)
    steps.augment(page, "#resume")
    expect(page.locator("#status")).to_contain_text("3 variations from 3 files")
    expect(page.locator("#problems")).not_to_contain_text("Failed")
    lines = steps.manifest(steps.saved_zip(page, tmp_path))
    assert [line["status"] for line in lines] == ["ok"] * 3


def test_an_engine_that_cannot_run_is_reported_before_the_click(page: Any) -> None:
    choose_engine(page, "Stability AI")
    expect(page.locator("#forecast .aug-warn")).to_contain_text("STABILITY_API_KEY is not set")


def test_a_tab_closed_during_an_endless_call_frees_its_slot(
    browser: Any, emulator: Emulator, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_jobs, "_ENDING_SECONDS", 0.5)
    endless = {"stability_read_seconds": 300, "stability_total_seconds": 300}
    emulator.fault("never", times=1, seconds=120)
    with serving(settings_for(emulator, closed_tab_seconds=0, **endless), tmp_path / "gradio") as address:
        gone, page = browser.new_page(), browser.new_page()
        for visitor in (gone, page):
            visitor.goto(address)
            give(visitor, photos[:1], 1)
            steps.set_variations(visitor, 1)
        gone.click("#augment")
        gone.wait_for_function("document.querySelector('#status').innerText.includes('loading the model')")
        emulator.wait_until_faults_met()  # else the endless call would be the other visitor's
        gone.close()
        steps.augment(page)
        expect(page.locator("#status")).to_contain_text("1 by Stability AI")
        page.close()


def test_a_visitors_own_key_is_for_their_job_only(
    tab: Tab, emulator: Emulator, photos: list[Path], tmp_path: Path
) -> None:
    with (
        serving(settings_for(emulator, stability_api_key=""), tmp_path / "gradio") as address,
        tab.visitor(address) as page,
    ):
        give(page, photos[:1], 1)
        page.click("#more button")
        assert page.get_attribute("#key input", "type") == "password"
        page.fill("#key input", f"  {KEY} ")
        page.press("#key input", "Tab")
        expect(page.locator("#forecast")).to_contain_text("up to 20 credits")
        steps.augment(page)
        expect(page.locator("#status")).to_contain_text("4 by Stability AI")
        other = Client(address, verbose=False, download_files=str(tmp_path / "downloads"))
        _, _, report = augment(other, photos[:1])
        assert report["engines"] == {"gan": 1}
        left = [path for path in (tmp_path / "gradio").rglob("*") if path.is_file()]
        assert left
        assert all(KEY.encode() not in path.read_bytes() for path in left)


def test_a_wrong_key_is_an_error_there_and_then_and_no_job_runs_with_it(
    tab: Tab, emulator: Emulator, photos: list[Path], tmp_path: Path
) -> None:
    with (
        serving(settings_for(emulator, stability_api_key=""), tmp_path / "gradio") as address,
        tab.visitor(address) as page,
    ):
        give(page, photos[:1], 1)
        page.click("#more button")
        page.fill("#key input", "sk-bad-one")
        page.press("#key input", "Tab")
        expect(page.locator("#key-state")).to_contain_text("does not accept this key")
        expect(page.locator("#forecast")).to_contain_text("does not accept this key")
        page.fill("#key input", "sk-bad-another")
        page.click("#augment")  # before anybody has asked about it
        expect(page.locator("#status .aug-warn")).to_contain_text("does not accept this key")
        expect(steps.cards(page)).to_have_count(0)
        page.fill("#key input", "")
        page.press("#key input", "Tab")
        expect(page.locator("#forecast")).not_to_contain_text("does not accept this key")
        steps.augment(page)
        expect(page.locator("#status")).to_contain_text("4 variations")
    assert emulator.stats()["charged"] == 0


def test_an_interrupted_job_is_offered_to_its_visitor_alone_and_buys_nothing_twice(
    browser: Any, emulator: Emulator, photos: list[Path], tmp_path: Path
) -> None:
    """The server is ended during a job, and started again on the same folders."""
    environment = {
        "STABILITY_API_KEY": KEY,
        "STABILITY_API_BASE": emulator.url,
        "AUGMENTAI_STABILITY_ENDPOINT": "structure",
        "AUGMENTAI_STABILITY_CONCURRENCY": "1",
        "AUGMENTAI_STATE": str(tmp_path / "state"),
    }
    emulator.control(latency=1)
    anna, bert = (patient(browser.new_context(accept_downloads=True)) for _ in range(2))
    port = free_port()
    with app_process(tmp_path, GRADIO_SERVER_PORT=str(port), **environment) as server:
        page = anna.new_page()
        page.goto(server.url)
        give(page, photos, 3)
        steps.set_variations(page, 2)
        page.click("#augment")
        expect(page.locator("#status")).to_contain_text("credits used", timeout=90_000)
        server.end()  # a request is in flight: it is waited for
    page.close()
    emulator.control(latency=0)
    charged = emulator.stats()["charged"]
    with app_process(tmp_path, GRADIO_SERVER_PORT=str(port), **environment) as server:
        other, page = bert.new_page(), anna.new_page()
        for visitor in (other, page):
            visitor.goto(server.url)
        expect(page.locator("#status")).to_contain_text("A job was interrupted")
        expect(other.locator("#status")).to_contain_text("Your variations appear here")
        kept = steps.images_in(steps.saved_zip(page, tmp_path))
        assert len(kept) * PRICE == charged
        steps.augment(page, "#resume")
        expect(page.locator("#status")).to_contain_text("6 variations from 3 files")
        assert emulator.stats()["charged"] <= charged + (6 - len(kept)) * PRICE
    anna.close()
    bert.close()
