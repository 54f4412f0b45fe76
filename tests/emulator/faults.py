"""Everything that can go wrong on the way, one function a fault. `commit` does one to the request at hand."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from tests.emulator.contract import SAID
from tests.emulator.render import blurred, encode
from tests.emulator.state import Fault

if TYPE_CHECKING:
    from PIL import Image

    from tests.emulator.server import Handler


class Hangup(Exception):  # noqa: N818
    """The connection ends with a reset, here and now."""


_REPLIES = {
    "400": (
        400,
        "bad_request",
        "image: unsupported dimensions - must be at most 9,437,184 pixels, received 12,000,000 pixels",
    ),
    "401": (401, "unauthorized", SAID["key"]),
    "402": (402, "payment_required", SAID["credits"]),
    "403": (403, "content_moderation", SAID["moderation"]),
    "413": (413, "payload_too_large", SAID["size"]),
    "422-language": (422, "invalid_language", SAID["language"]),
    "422-figure": (422, "public_figure", SAID["figure"]),
    "500": (500, "internal_error", SAID["500"]),
}
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_RAW = {
    "502-html": (502, "text/html", _HTML),
    "503": (503, "text/plain", b"upstream connect error or disconnect/reset before headers"),
    "403-html": (403, "text/html", b"<!doctype html><title>Access denied</title>"),
    "text200": (200, "text/plain; charset=utf-8", b"all is well"),
    "html200": (200, "text/html", b"<!doctype html><title>Sign in to the guest network</title>"),
    "empty200": (200, "image/png", b""),
    "202": (202, "application/json", b'{"id": "0123456789abcdef"}'),
    "204": (204, "text/plain", b""),
    "504": (504, "text/html", b"<title>504 Gateway Time-out</title>"),
    "404": (404, "text/html", b"<title>404 Not Found</title>"),
}
NAMES = (
    *_REPLIES,
    *_RAW,
    *(
        "401-echo",
        "429",
        "429-lock",
        "429-balance",
        "redirect",
        "reset-headers",
        "close-headers",
        "never",
        "drip-headers",
    ),
    *("drip-body", "reset-body", "short-body", "truncated", "not-image", "no-finish-reason", "filtered", "wrong-type"),
    *("json", "slow", "other-size"),
)


def commit(handler: Handler, fault: Fault, started: float, painted: Image.Image | None = None, seed: int = 1) -> None:
    """painted: what the service had painted, if it had got that far."""
    from tests.emulator.server import Reply

    name, more = fault.name, fault.more
    if name in _REPLIES:
        status, said, words = _REPLIES[name]
        raise Reply(status, said, words)
    if name in _RAW:
        status, kind, body = _RAW[name]
        finish = {"finish-reason": "SUCCESS", "seed": str(seed)} if name == "empty200" else {}
        handler.reply(status, body, {"content-type": kind} | finish)
    elif name == "401-echo":
        key = handler.headers.get("authorization", "").rpartition(" ")[2]
        raise Reply(401, "unauthorized", f"Incorrect API key provided: {key[:14]}****, given as {key}.", v1=True)
    elif name in {"429", "429-lock"}:
        if name == "429-lock":
            handler.server.state.lock_out(float(more.get("seconds", 1.0)))
        reply = Reply(429, "rate_limit_exceeded", SAID["rate"])
        if "retry_after" in more:
            reply.headers["retry-after"] = str(more["retry_after"])
        raise reply
    elif name == "429-balance":
        raise Reply(429, "insufficient_balance", SAID["balance"], v1=True)
    elif name == "redirect":
        handler.reply(
            int(more.get("status", 307)), b"", {"location": more.get("location", "http://127.0.0.1:9/elsewhere")}
        )
    elif name == "reset-headers":
        raise Hangup
    elif name == "close-headers":
        handler.close_connection = True
    elif name == "never":
        time.sleep(float(more.get("seconds", 30)))
        raise Hangup
    elif name == "drip-headers":
        _drip(handler, b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 2000, float(more.get("seconds", 30)))
    elif name == "slow":
        time.sleep(float(more.get("seconds", 3)))
        raise Reply(500, "internal_error", SAID["500"])
    elif painted is not None:
        _spoiled(handler, name, more, started, painted, seed)
    else:
        raise Reply(500, "internal_error", f"the emulator knows no fault called {name}")


def _spoiled(
    handler: Handler, name: str, more: dict[str, Any], started: float, painted: Image.Image, seed: int
) -> None:
    data = encode(blurred(painted) if name == "filtered" else painted, "png")
    headers = {"content-type": "image/png", "finish-reason": "SUCCESS", "seed": str(seed)}
    handler._wait(started, handler.server.state.latency)
    if name == "filtered":
        handler.reply(200, data, headers | {"finish-reason": more.get("reason", "CONTENT_FILTERED")})
    elif name == "truncated":
        handler.reply(200, data[: len(data) // 2], headers)
    elif name == "not-image":
        handler.reply(200, b"\x00\x01 this is not an image" * 40, headers)
    elif name == "no-finish-reason":
        handler.reply(200, data, {"content-type": "image/png", "seed": str(seed)})
    elif name == "wrong-type":
        handler.reply(200, data, headers | {"content-type": "text/html"})
    elif name == "json":
        content = {"image": base64.b64encode(data).decode(), "seed": seed, "finish_reason": "SUCCESS"}
        handler.reply(200, json.dumps(content).encode(), {"content-type": "application/json; type=image/png"})
    elif name == "other-size":
        handler.reply(200, encode(painted.resize(tuple(more["size"])), "png"), headers)
    else:  # the whole length is announced, and less comes
        _head(handler, headers | {"content-length": str(len(data))})
        handler.wfile.write(data[: len(data) // 2])
        if name == "reset-body":
            time.sleep(0.05)  # let the first half arrive: RST makes the other side forget what it has not read
            raise Hangup
        if name == "drip-body":
            _drip(handler, data[len(data) // 2 :], float(more.get("seconds", 30)))
        handler.close_connection = True


def _head(handler: Handler, headers: dict[str, str]) -> None:
    handler.send_response(200)
    for header, value in headers.items():
        handler.send_header(header, value)
    handler.end_headers()


def _drip(handler: Handler, data: bytes, seconds: float) -> None:
    """A byte now and then: every read succeeds, and the whole never comes."""
    until = time.monotonic() + seconds
    for byte in data:
        if time.monotonic() > until:
            break
        handler.wfile.write(bytes([byte]))
        time.sleep(0.05)
    raise Hangup
