"""What a response of the hosted API means: an image, a refusal of this image, a fault, or the end of the engine."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from augmentai.engines.redaction import redacted
from augmentai.engines.request_threads import Problem

if TYPE_CHECKING:
    from augmentai.engines.stability.client import RequestFailure, Response

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_ADVICE = {
    401: "check STABILITY_API_KEY",
    402: "buy credits, or choose another engine",
    404: "check STABILITY_API_BASE",
}


@dataclass(frozen=True)
class Success:
    """An image: the file's bytes, not yet decoded, and the seed that the service used."""

    data: bytes = field(repr=False)
    seed: str
    charged: bool = True


def parse_response(response: Response, key: str) -> Success | Problem:
    """What a complete response means. Never raises; the key is removed from all text of the server."""

    def clean(text: str) -> str:
        return redacted(text, key)

    status = response.status
    if 200 <= status < 300:
        return _parse_success(response, clean)
    message = _error_message(response, clean)
    advice = f"; {_ADVICE[status]}" if status in _ADVICE else ""
    reason = f"the hosted API answered {status}: {message}{advice}"
    if status in {401, 402}:
        return Problem("out", reason)
    if status == 429:
        if "balance" in message.lower():  # the older form of 402
            return Problem("out", f"{reason}; {_ADVICE[402]}")
        return Problem("locked", reason, wait_seconds=_retry_after(response.headers), sent_at=response.sent_at)
    if status in {404, 405}:
        return Problem("out", reason)
    if status == 504:  # something in between gave up: the work may well have been done
        return Problem("fault", reason, None)
    if status >= 500 or status == 408:
        return Problem("transient", reason)
    if 300 <= status < 400:
        return Problem("fault", f"the hosted API answered {status}, a redirect, which is not followed")
    if 400 <= status < 500 and (_error_body(response) or status in {413, 422}):
        return Problem("refused", reason)
    # A page of something between here and the service; it says nothing about the image.
    return Problem("fault", reason)


def parse_failure(failure: RequestFailure) -> Problem:
    """What an incomplete request means: it is worth a retry only if it was certainly or very likely not charged."""
    if failure.why in {"certificate", "tls"}:
        return Problem("down", failure.message)
    if failure.stage in {"connect", "send"}:
        return Problem("transient", failure.message)
    if failure.stage == "wait":
        # Long silence: the work may well have been done. A broken connection: retried once, but counted as charged. One
        # that was kept open and closed by the server meanwhile looks the same.
        return Problem("transient" if failure.why == "reset" else "fault", failure.message, None)
    if not 200 <= failure.status < 300:
        kind = "transient" if failure.status >= 500 else "fault"
        return Problem(kind, f"{failure.message} (status {failure.status})")
    return Problem("fault", failure.message, True if failure.looks_paid else None)


def balance_of(response: Response | RequestFailure) -> float | None:
    """Credits in the response of /v1/user/balance, or None."""
    parsed = _json(getattr(response, "body", b"")) or {}
    credits = parsed.get("credits")
    return float(credits) if isinstance(credits, int | float) and getattr(response, "status", 0) == 200 else None


def _parse_success(response: Response, clean: Callable[[str], str]) -> Success | Problem:
    """An image is one whatever the number of its success: it is paid for. Without one, that cannot be known."""
    answered = f"the hosted API answered {response.status}"
    media_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type.startswith("image/"):
        finish, seed, data = response.headers.get("finish-reason", ""), response.headers.get("seed", ""), response.body
        paid: bool | None = True
    elif media_type == "application/json" and (parsed := _json(response.body)) is not None and "image" in parsed:
        finish, seed = str(parsed.get("finish_reason", "")), str(parsed.get("seed", ""))
        paid = True
        try:
            data = base64.b64decode(str(parsed["image"]), validate=True)
        except (binascii.Error, ValueError):
            return Problem("fault", f"{answered} with an image that is not base64", paid)
    else:
        found = _describe_body(response, clean)
        paid = True if "finish-reason" in response.headers else None
        return Problem("fault", f"{answered} with {found}, not an image", paid)
    if not data:
        return Problem("fault", f"{answered} with an empty body", paid)
    finish = clean(finish)
    if not finish:
        return Problem("fault", f"{answered} without a finish-reason, so the image is not trusted", paid)
    if finish == "CONTENT_FILTERED":
        return Problem("refused", "CONTENT_FILTERED: the hosted API blurred the image it made", paid)
    if finish != "SUCCESS":
        return Problem("refused", f"the hosted API finished with {finish}, not SUCCESS", paid)
    return Success(data, clean(seed))


def _error_message(response: Response, clean: Callable[[str], str]) -> str:
    """The server's own words: those of its error body (both versions), or what kind of page it sent."""
    error = _error_body(response)
    if error:
        errors = error.get("errors")
        words = "; ".join(map(str, errors)) if isinstance(errors, list) else str(error.get("message") or "")
        name = str(error.get("name") or "")
        return clean(f"{name}: {words}" if name and words else name or words)
    return _describe_body(response, clean)


def _error_body(response: Response) -> dict[str, Any]:
    parsed = _json(response.body) or {}
    return parsed if {"errors", "message", "name"} & set(parsed) else {}


def _describe_body(response: Response, clean: Callable[[str], str]) -> str:
    if not response.body.strip():
        return "an empty body"
    text = response.body[:4096].decode("utf-8", "replace")
    media_type = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if response.body.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return f"an image labelled as {clean(media_type) or 'nothing'}"
    if "html" in media_type or text.lstrip()[:1] == "<":
        title = _TITLE.search(text)
        return f"an HTML page ({clean(title[1])})" if title and title[1].strip() else "an HTML page"
    if not text.isprintable() and "\ufffd" in text:
        return f"{len(response.body):,} bytes of {clean(media_type) or 'unknown type'}"
    return f"the text {clean(text)[:160]!r}"


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, whether stated so or as a date (RFC 9110, 10.2.3). None if there are none that can be parsed."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text)) if text and float(text) < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
