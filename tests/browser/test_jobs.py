"""Jobs that survive their tab: address, reload, second tab, closed page; and a visitor who is not meant to see them."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import page_steps as steps
from tests.support.app_server import serving
from tests.support.browser_tab import patient
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, plain_photos, settings_for
from tests.support.page_steps import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(emulator_process: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page whose jobs take as long as the emulator does."""
    folder = tmp_path_factory.mktemp("jobs")
    settings = settings_for(emulator_process, state=folder / "state", stability_concurrency=1)
    with serving(settings, folder / "gradio") as address:
        yield address


@pytest.fixture
def anna(browser: Any) -> Iterator[Any]:
    """One visitor's browser."""
    context = patient(browser.new_context(accept_downloads=True))
    yield context
    context.close()


@pytest.fixture
def bert(browser: Any) -> Iterator[Any]:
    context = patient(browser.new_context())
    yield context
    context.close()


def start(visitor: Any, url: str, folder: Path, variations: int) -> Any:
    """Open the page and start a job by the hosted engine."""
    page = visitor.new_page()
    page.goto(url)
    steps.give(page, plain_photos(folder), 3)
    steps.set_variations(page, variations)
    page.click("#augment")
    return page


def job_of(page: Any) -> str:
    """The job in the page's address."""
    page.wait_for_function("new URL(location.href).searchParams.has('job')")
    return parse_qs(urlsplit(page.url).query)["job"][0]


def is_at_work(page: Any) -> None:
    expect(page.locator("#status")).to_contain_text("credits used", timeout=90_000)


def is_done(page: Any, variations: int) -> None:
    expect(page.locator("#status")).to_contain_text(f"Done. {variations} variations", timeout=90_000)
    expect(steps.cards(page)).to_have_count(variations)
    expect(page.locator("#augment")).to_be_enabled()


def test_a_job_goes_on_over_reload_second_tab_and_closed_page(
    anna: Any, bert: Any, url: str, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.control(latency=3)
    page = start(anna, url, tmp_path, 4)
    address = job_of(page) and page.url
    is_at_work(page)
    assert page.title().endswith(" % · AugmentAI")
    page.reload()
    is_at_work(page)
    expect(page.locator("#augment")).to_be_disabled()
    second = anna.new_page()
    second.set_viewport_size({"width": 390, "height": 844})
    second.goto(address)
    is_at_work(second)
    expect(second.locator("#status [role=progressbar]")).to_be_in_viewport()
    stranger = bert.new_page()
    stranger.goto(address)
    expect(stranger.locator("#status")).to_contain_text("This address shows no job here")
    assert "job=" not in stranger.url
    assert steps.cards(stranger).count() == 0
    stranger.goto(f"{url}?job=of-nobody")
    expect(stranger.locator("#status")).to_contain_text("This address shows no job here")
    page.close()
    second.close()
    emulator.control(latency=0)
    back = anna.new_page()
    back.goto(address)
    is_done(back, 12)
    assert back.title() == "Done · AugmentAI"
    for excluded in (1, 2):
        back.locator(".card:not(.card-excluded) .card-actions button").last.click()
        expect(back.locator("#downloads")).to_contain_text(f"{excluded} excluded")
        back.reload()
        is_done(back, 12)
        expect(back.locator(".card-excluded")).to_have_count(excluded)
    assert len(steps.images_in(steps.saved_zip(back, tmp_path))) == 10
    restarted = patient(anna.browser.new_context(storage_state=anna.storage_state()))  # what a browser keeps on disk
    again = restarted.new_page()
    again.goto(address)
    is_done(again, 12)
    restarted.close()
    assert emulator.stats()["charged"] == 12 * PRICE


def test_a_paid_result_that_nobody_saw_is_opened_or_made_again_for_nothing(
    anna: Any, url: str, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.control(latency=1)
    page = start(anna, url, tmp_path, 1)
    wait_until(lambda: emulator.stats()["in_flight"])
    page.close()
    wait_until(lambda: emulator.stats()["charged"] == 3 * PRICE)
    emulator.control(latency=0)
    page = start(anna, url, tmp_path, 1)  # as if the address was lost
    is_done(page, 3)
    jobs = page.locator("#earlier li")
    expect(jobs).to_have_count(2)
    page.click("#earlier summary")
    page.locator("#earlier [data-job]").last.click()
    expect(page.locator("#earlier [aria-current]")).to_have_count(1)
    expect(page.locator("#earlier time[title$=UTC]")).to_have_count(2)  # the text is in the visitor's own time
    is_done(page, 3)
    with page.expect_download() as download:
        page.locator("#earlier [data-file]").last.click()
    assert download.value.suggested_filename.endswith("-3-images.zip")
    assert emulator.stats()["charged"] == 3 * PRICE


def wait_until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.05)


def test_a_lost_connection_comes_back_to_the_job(anna: Any, url: str, emulator: Emulator, tmp_path: Path) -> None:
    emulator.control(latency=2)
    page = start(anna, url, tmp_path, 5)
    is_at_work(page)
    anna.set_offline(True)
    page.wait_for_timeout(2000)
    anna.set_offline(False)
    is_at_work(page)
    emulator.control(latency=0)
    is_done(page, 15)


def test_a_job_that_waits_keeps_its_place_over_a_reload(
    anna: Any, bert: Any, url: str, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.control(latency=2)
    first = start(anna, url, tmp_path, 8)
    is_at_work(first)
    second = start(bert, url, tmp_path, 1)
    expect(second.locator("#place")).to_contain_text("Your job is the next one")
    assert second.title() == "Queued (1) · AugmentAI"
    second.reload()
    expect(second.locator("#place")).to_contain_text("Your job is the next one")
    expect(second.locator("#stop")).to_be_visible()
    emulator.control(latency=0)
    is_done(first, 24)
    is_done(second, 3)


def is_buying(emulator: Emulator) -> bool:
    before = emulator.stats()["charged"]
    time.sleep(2.5)  # two answers
    return emulator.stats()["charged"] > before


def test_where_a_closed_page_ends_its_job_the_page_warns_and_what_is_finished_is_kept(
    anna: Any, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.control(latency=1)
    settings = settings_for(emulator, closed_tab_seconds=0, stability_concurrency=1)
    with serving(settings, tmp_path / "gradio") as url:
        page = start(anna, url, tmp_path, 5)
        is_at_work(page)
        address, warnings = page.url, []
        page.on("dialog", lambda dialog: (warnings.append(dialog.type), dialog.accept()))
        with page.expect_event("close"):
            page.close(run_before_unload=True)
        assert warnings == ["beforeunload"]
        wait_until(lambda: not is_buying(emulator))
        charged = emulator.stats()["charged"]
        assert charged < 15 * PRICE
        emulator.control(latency=0)
        page = anna.new_page()
        page.goto(address)
        expect(page.locator("#status")).to_contain_text("Stopped.")
        expect(steps.cards(page)).to_have_count(int(charged / PRICE))
        steps.augment(page, "#resume")
        is_done(page, 15)
        assert emulator.stats()["charged"] == 15 * PRICE
        page.close()
