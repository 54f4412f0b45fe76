"""Pages of other sites, in a real browser, against a local page without a password."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from augmentai.settings import Settings
from tests.support.app_server import serving
from tests.support.browser_tab import Tab
from tests.support.page_steps import augment, cards, expect, give, photos

pytestmark = pytest.mark.browser

# Every way in which a page can send something: readable or not, with a body that needs no permission or one that does.
ATTACK = """async (url) => {
    const photo = () => {
        const form = new FormData();
        form.append("files", new Blob(["stolen"], {type: "image/png"}), "attack.png");
        return form;
    };
    const call = JSON.stringify({data: [], files: [], fn_index: 0, session_hash: "attack"});
    const sent = [];
    const send = (path, options) => sent.push(
        fetch(url + path, options).then(r => r.status + " " + r.type, e => "blocked")
    );
    for (const mode of ["cors", "no-cors"]) for (const credentials of ["omit", "include"]) {
        send("gradio_api/upload", {method: "POST", body: photo(), mode, credentials});
        for (const path of ["queue/join", "call/augment", "call/v2/augment", "run/predict"])
            send("gradio_api/" + path, {method: "POST", body: call, mode, credentials});
    }
    for (const headers of [{"content-type": "application/json"}, {"x-forwarded-host": location.host}])
        for (const path of ["upload", "queue/join", "call/augment", "call/v2/augment"])
            send("gradio_api/" + path, {method: "POST", body: call, headers});
    send("config", {});
    return await Promise.all(sent);
}"""
FORM = """(url) => {
    const form = document.createElement("form");
    Object.assign(form, {method: "POST", action: url + "gradio_api/upload", enctype: "multipart/form-data"});
    const file = document.createElement("input");
    Object.assign(file, {type: "file", name: "files"});
    const files = new DataTransfer();
    files.items.add(new File(["stolen"], "attack.png"));
    file.files = files.files;
    form.append(file);
    document.body.append(form);
    form.submit();
}"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def url(cache: Path) -> Iterator[str]:
    with serving(Settings(), cache) as address:
        yield address


@pytest.fixture(scope="module")
def other_port() -> Iterator[int]:
    """A web site on this machine."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>another site</body>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def arrived(cache: Path) -> list[Path]:
    """What the server has stored of the attack."""
    return [*cache.rglob("attack*"), *cache.glob("augmentai-jobs/*")]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "a.localhost"])
@pytest.mark.parametrize("target", ["127.0.0.1", "localhost", "a.localhost"])
def test_a_page_of_another_site_cannot_upload_or_start_a_job(
    browser: Any, url: str, cache: Path, other_port: int, name: str, target: str
) -> None:
    address = url.replace("127.0.0.1", target)
    page = browser.new_page()
    page.goto(f"http://{name}:{other_port}/")
    outcomes = page.evaluate(ATTACK, address)
    assert len(outcomes) == 29
    assert set(outcomes) <= {"blocked", "0 opaque"}, "nothing can be read, refusals neither"
    page.evaluate(FORM, address)
    expect(page.locator("body")).to_contain_text('{"detail": "')
    assert arrived(cache) == []
    page.close()


def test_a_name_that_is_made_to_resolve_to_this_machine_opens_nothing(browser: Any, url: str, cache: Path) -> None:
    page = browser.new_page()
    rebound = url.replace("127.0.0.1", "a.localhost")
    assert page.goto(rebound).status == 421
    expect(page.locator("body")).to_contain_text("This server does not answer for the host 'a.localhost:")
    assert all(outcome.startswith("421") for outcome in page.evaluate(ATTACK.replace("location.host", "'x'"), rebound))
    assert arrived(cache) == []
    page.close()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_page_itself_works_under_each_of_its_names(tab: Tab, url: str, tmp_path: Path, name: str) -> None:
    assert requests.get(url, timeout=30).ok
    with tab.visitor(url.replace("127.0.0.1", name)) as page:
        give(page, photos(tmp_path, "a.png"), 1)
        augment(page)
        expect(cards(page)).to_have_count(4)
