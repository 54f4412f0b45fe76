"""The page with the hosted API behind it, in a real browser against the emulator."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client

from tests.browser import steps
from tests.browser.steps import expect, give
from tests.emulator.fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.engines.hosted import KEY, settings_for
from tests.web.serving import serving
from tests.web.test_api import augment
from tests.web.test_hosted import photos  # noqa: F401

pytestmark = pytest.mark.browser


@pytest.fixture
def own_url(emulator: Emulator, tmp_path: Path) -> Iterator[str]:
    """A server of its own: faults that other tests caused leave the shared one's breaker open for a while."""
    with serving(settings_for(emulator), tmp_path / "gradio") as address:
        yield address


def test_page_tells_cost_before_and_fallback_after(
    browser: Any, own_url: str, emulator: Emulator, photos: list[Path]
) -> None:
    emulator.fault("403", times=1)
    page = browser.new_page()
    page.goto(own_url)
    assert "made by Stability AI, for credits" in page.inner_text("#foretold")
    give(page, photos, 3)
    expect(page.locator("#foretold")).to_contain_text("up to 60 credits")
    steps.augment(page)
    assert "11 by Stability AI" in page.inner_text("#status")
    assert "1 by Local GAN" in page.inner_text("#status")
    assert "55 credits" in page.inner_text("#status")
    assert "Made by another engine (1)" in page.inner_text("#problems")
    page.close()


def test_a_visitors_own_key_is_for_their_job_only(
    browser: Any,
    emulator: Emulator,
    photos: list[Path],
    tmp_path: Path,
) -> None:
    with serving(settings_for(emulator, stability_api_key=""), tmp_path / "gradio") as address:
        page = browser.new_page()
        page.goto(address)
        give(page, photos[:1], 1)
        page.click("#more button")
        assert page.get_attribute("#key input", "type") == "password"
        page.fill("#key input", f"  {KEY} ")
        page.press("#key input", "Tab")
        expect(page.locator("#foretold")).to_contain_text("up to 20 credits")
        steps.augment(page)
        assert "4 by Stability AI" in page.inner_text("#status")
        other = Client(address, verbose=False, download_files=str(tmp_path / "downloads"))
        _, _, report = augment(other, photos[:1])
        assert report["engines"] == {"gan": 1}
        left = [path for path in (tmp_path / "gradio").rglob("*") if path.is_file()]
        assert left
        assert all(KEY.encode() not in path.read_bytes() for path in left)
        page.close()
