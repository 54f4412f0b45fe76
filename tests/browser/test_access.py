"""A page with a password, as by a share link, and one whose queue is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.page_steps import augment, cards, expect, give, photos
from tests.support.prefix_proxy import Manner, proxied

pytestmark = pytest.mark.browser

PREFIX = "/projects/augmentai"


def test_the_password_opens_the_page(browser: Any, tmp_path: Path) -> None:
    settings = Settings(root_path=PREFIX, proxies=1, password="open sesame", visitor_images_per_hour=40)
    with serving(settings, tmp_path / "gradio") as upstream, proxied(upstream, Manner(PREFIX)) as address:
        page = browser.new_page()
        page.goto(address + "/")
        expect(page.get_by_text("ask the person who gave you this link for the password")).to_be_visible()
        assert page.locator("#augment").count() == 0
        page.get_by_label("username").fill("augmentai")
        page.get_by_label("password").fill("guess")
        page.get_by_role("button", name="Login").click()
        expect(page.get_by_text("Incorrect Credentials")).to_be_visible()
        page.get_by_label("username").fill("augmentai")
        page.get_by_label("password").fill("open sesame")
        page.get_by_role("button", name="Login").click()
        page.wait_for_selector("#augment")
        give(page, photos(tmp_path, "a.png"), 1)
        expect(page.locator("#forecast")).to_contain_text("Limit: 40 images per hour per visitor; you have 40 left")
        augment(page)
        expect(cards(page)).to_have_count(4)
        page.get_by_role("tab", name="Use in code").click()
        expect(page.locator("#code")).to_contain_text(f'Client("{address}/", auth=("augmentai", "PASSWORD"))')
        page.close()


@pytest.mark.parametrize(("status", "words"), [(503, "busy"), (429, "You already have 2 jobs queued")])
def test_the_page_keeps_working_after_a_rejected_job(page: Any, tmp_path: Path, status: int, words: str) -> None:
    """The refusals themselves are tested in tests/web; here one is sent in the server's place."""
    give(page, photos(tmp_path, "a.png"), 1)
    body = {"detail": "You already have 2 jobs queued (limit: 2)."}
    page.route("**/queue/join*", lambda route: route.fulfill(status=status, json=body))
    page.click("#augment")
    reason = "The server rejected the job, or the connection was lost. Try again in a minute."
    expect(page.locator("#status [role=alert]")).to_have_text(reason)
    expect(page.get_by_text(words).first).to_be_visible()
    page.unroute("**/queue/join*")
    augment(page)
    expect(cards(page)).to_have_count(4)
