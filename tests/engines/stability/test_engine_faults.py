"""Every fault of the hosted API, over real HTTP, through a whole job with the real local engine behind it.

Each row: the fault, what is asked of it, and what must come of four pictures: how many the hosted engine made, what the
reason says, and how many of the service's own charges the report must tell (in pictures).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from augmentai.recipe import Recipe
from augmentai.settings import Settings
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, PRICE, Ran, run_job, settings_for

EXPIRED = Path(__file__).parents[2] / "emulator" / "expired.pem"


@dataclass
class Row:
    fault: str
    hosted: int
    says: str = ""
    charged: int | None = None  # pictures; by default those that the hosted engine made
    sent: int | None = None  # most requests
    more: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.fault, *(f"{k}={v}" for k, v in self.more.items())])


ALWAYS = {"times": -1}
ONE_CONNECTION = {"stability_concurrency": 1}
SHORT = {"stability_read_seconds": 2, "stability_total_seconds": 3}
DRIP = {"seconds": 10}
TABLE = [
    # This image only.
    Row("400", 3, "400: bad_request: image: unsupported dimensions", sent=4),
    Row("403", 3, "403: content_moderation: Your request was flagged", sent=4),
    Row("413", 3, "413: payload_too_large", sent=4),
    Row("422-language", 3, "422: invalid_language: English is the only", sent=4),
    Row("422-figure", 3, "422: public_figure", sent=4),
    Row("400", 0, "unsupported dimensions", more=ALWAYS, sent=4),
    Row("filtered", 3, "CONTENT_FILTERED", charged=4, sent=4),
    Row("filtered", 3, "finished with ERROR, not SUCCESS", charged=4, more={"reason": "ERROR"}),
    # The end of the engine for this job: what was in flight is kept, nothing more is sent.
    Row("401", 0, "401: unauthorized: authorization: invalid or missing header value; check STAB", more=ALWAYS, sent=2),
    Row("401-echo", 0, "401: unauthorized: Incorrect API key provided: [key]", more=ALWAYS, sent=2),
    Row("402", 0, "402: payment_required: You lack sufficient credits", more=ALWAYS, sent=2),
    Row("402", 2, "402: payment_required", more={"times": -1, "after": 2}, sent=4),
    Row("402", 2, "402: payment_required", more={"times": -1, "after": 2}, settings=ONE_CONNECTION, sent=3),
    Row("429-balance", 0, "429: insufficient_balance", more=ALWAYS, sent=2),
    Row("404", 0, "404: an HTML page (404 Not Found); check STABILITY_API_BASE", more=ALWAYS, sent=2),
    # Passing: waited out, or tried once more.
    Row("429", 4, more={"retry_after": "0.3"}),
    Row("429", 4),
    Row("429-lock", 4, more={"seconds": 0.9}),
    Row("429", 0, "429: rate_limit_exceeded", more={"times": -1, "retry_after": "3600"}, sent=2),
    Row("429", 0, "429: rate_limit_exceeded", more=ALWAYS, settings={"stability_lock_seconds": 0.05}),
    Row("500", 4, sent=5),
    Row(
        "500", 3, "500: internal_error: An unexpected server error", more={"times": 2}, settings=ONE_CONNECTION, sent=5
    ),
    Row("500", 0, "500: internal_error", more=ALWAYS, sent=8),
    Row("502-html", 3, "502: an HTML page (502 Bad Gateway)", more={"times": 2}, settings=ONE_CONNECTION, sent=5),
    Row("503", 3, "503: the text 'upstream connect error", more={"times": 2}, settings=ONE_CONNECTION, sent=5),
    Row("reset-headers", 4, sent=5),
    Row("close-headers", 4, sent=5),
    Row("reset-headers", 3, "broke before the response", more={"times": 2}, settings=ONE_CONNECTION, sent=5),
    # Faults that are not tried again, because the first try was paid for, or may have been.
    Row(
        "never",
        3,
        "did not answer in 2 s (5 credits may have been charged)",
        more={"seconds": 8},
        settings=SHORT,
        sent=4,
    ),
    Row("drip-headers", 3, "did not finish its response in 3 s (5 credits may have", more=DRIP, settings=SHORT, sent=4),
    Row(
        "drip-body",
        3,
        "did not finish its response in 3 s (5 credits were",
        charged=4,
        more=DRIP,
        settings=SHORT,
        sent=4,
    ),
    Row("reset-body", 3, "broke during the response (5 credits were charged)", charged=4, sent=4),
    Row("short-body", 3, "broke during the response (5 credits were charged)", charged=4, sent=4),
    Row("truncated", 3, "200 with a corrupt or truncated image", charged=4, sent=4),
    Row("not-image", 3, "200 with something that is not an image", charged=4, sent=4),
    Row("no-finish-reason", 3, "200 without a finish-reason", charged=4, sent=4),
    Row("empty200", 3, "200 with an empty body", charged=4, more={"charged": True}, sent=4),
    # Not the service speaking: a page of some gateway or network in between.
    Row("text200", 3, "200 with the text 'all is well', not an image", sent=4),
    Row("html200", 3, "200 with an HTML page (Sign in to the guest network)", sent=4),
    Row("403-html", 3, "403: an HTML page (Access denied)", sent=4),
    Row("wrong-type", 3, "200 with an image labelled as text/html, not an image", charged=4, sent=4),
    # Understood all the same.
    Row("json", 4),
    Row("other-size", 4, more={"size": [90, 60]}),
]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_each_fault_is_answered_as_its_kind_asks(emulator: Emulator, row: Row) -> None:  # noqa: F811
    emulator.fault(row.fault, **row.more)
    ran = run_job(settings_for(emulator, **row.settings))
    accounted(ran, row.hosted, row.says)
    stats = emulator.stats()
    posts = [request for request in stats["requests"] if request["path"].startswith("/v2beta")]
    assert row.sent is None or len(posts) <= row.sent
    charged = (row.hosted if row.charged is None else row.charged) * PRICE
    assert ran.report.credits == pytest.approx(charged)
    assert stats["charged"] == pytest.approx(charged)
    assert ran.seconds < 30


def accounted(ran: Ran, hosted: int, says: str) -> None:
    """Every picture is there once, made by whom it should be, in the source's size, and the reason is in words."""
    assert sorted(outcome.source.path for outcome in ran.outcomes) == [f"cats/{i}.jpg" for i in range(4)]
    for outcome in ran.outcomes:
        assert outcome.variation is not None, outcome.reason
        assert outcome.variation.image.size == (48, 32)
        assert bool(outcome.fallbacks) == (outcome.variation.engine == "gan")
    assert ran.engines.get("stability", 0) == hosted
    assert ran.engines.get("gan", 0) == 4 - hosted
    assert says in ran.reasons
    assert KEY not in ran.reasons


# Faults that no HTTP server can play.


def test_refused_connection() -> None:
    ran = run_job(settings_for(f"http://127.0.0.1:{closed_port()}"))
    accounted(ran, 0, "127.0.0.1 refused the connection")
    assert ran.report.credits == 0


def test_connection_that_is_never_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as held:
        for _ in range(3):  # the queue is full from now on
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ran = run_job(settings_for(base, stability_connect_seconds=0.3, stability_faults=1))
    accounted(ran, 0, "no connection to 127.0.0.1 in 0.3 s")
    assert ran.report.credits == 0


def test_name_that_cannot_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # tests ask no name server
    ran = run_job(settings_for("https://api.hosted.invalid"))
    accounted(ran, 0, "the address api.hosted.invalid cannot be resolved (DNS)")


def test_expired_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(EXPIRED))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with tls_server() as (url, received):
        ran = run_job(settings_for(url))
    accounted(ran, 0, "the certificate of 127.0.0.1 is not valid or has expired")
    assert not received


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(emulator: Emulator, status: int) -> None:  # noqa: F811
    received: list[str] = []
    with another_host(received) as url:
        emulator.fault("redirect", location=f"{url}/v2beta/stable-image/control/structure", status=status)
        ran = run_job(settings_for(emulator))
    accounted(ran, 3, "a redirect, which is not followed")
    assert not received


def test_bad_fields_of_the_settings_are_told_before_anything_is_sent(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(settings_for(emulator, stability_endpoint="sd3", stability_fields={"cfg_scale": 50}))
    accounted(ran, 0, "AUGMENTAI_STABILITY_FIELDS: cfg_scale is 50; expected a number from 1 to 10")
    assert not emulator.stats()["requests"]


def test_without_a_key_it_is_passed_over_in_silence(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(Settings(stability_api_base=emulator.url))
    assert ran.engines == {"gan": 4}
    assert ran.report.skipped_engines == {"stability": "STABILITY_API_KEY is not set"}
    assert not any(outcome.fallbacks for outcome in ran.outcomes)


def test_named_alone_it_does_not_switch(emulator: Emulator) -> None:  # noqa: F811
    emulator.fault("402", after=1, times=-1)
    ran = run_job(settings_for(emulator, stability_concurrency=1), recipe=Recipe(engine="stability", seed=7))
    assert ran.engines == {"stability": 1}
    assert [outcome.ok for outcome in ran.outcomes].count(False) == 3
    assert all("402: payment_required" in outcome.reason for outcome in ran.outcomes if not outcome.ok)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def another_host(received: list[str], certificate: Path | None = None) -> Iterator[str]:
    """Somebody else's server, who writes down what it is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(f"{self.path} {self.headers}")
            self.send_error(500)

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(HTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def tls_server() -> Iterator[tuple[str, list[str]]]:
    received: list[str] = []
    with another_host(received, EXPIRED) as url:
        yield url, received
