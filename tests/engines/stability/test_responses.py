"""Every fault of the hosted API, over real HTTP, through a whole job with the real local engine behind it.

Each row: the fault, what is asked of it, and what must come of four pictures: how many the hosted engine made, what the
reason says, and how many of the service's own charges the report must tell (in pictures).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from augmentai.recipe import Recipe
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import PRICE, accounted, run_job, settings_for


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
    Row(  # on a connection that has served another request
        "reset-headers",
        3,
        "broke before the response (5 credits may have been charged)",
        more={"times": 2, "after": 1},
        settings=ONE_CONNECTION,
        sent=5,
    ),
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
    # Accepted, or given up by something in between: the work may well have been done.
    Row(
        "202", 3, 'answered 202 with the text \'{"id": "0123456789abcdef"}\', not an image (5 credits may have', sent=4
    ),
    Row("204", 3, "answered 204 with an empty body, not an image (5 credits may have been charged)", sent=4),
    Row("504", 3, "504: an HTML page (504 Gateway Time-out) (5 credits may have been charged)", sent=4),
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


@pytest.mark.parametrize("row", [Row("403", 3, "403: content_moderation"), Row("500", 4)], ids=str)
def test_what_is_answered_goes_through_the_filters(emulator: Emulator, row: Row) -> None:  # noqa: F811
    emulator.fault(row.fault)
    ran = run_job(settings_for(emulator), recipe=Recipe(seed=7))
    accounted(ran, row.hosted, row.says)
    assert ran.report.credits == emulator.stats()["charged"] == row.hosted * PRICE
