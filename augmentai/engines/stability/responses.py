"""What an answer of the hosted API means: a picture, a refusal of this image, a fault, or the end of the engine."""

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

from augmentai.engines.stability.api_key import redacted

if TYPE_CHECKING:
    from augmentai.engines.stability.client import Answer, Broken

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_ADVICE = {
    401: "check STABILITY_API_KEY",
    402: "buy credits, or choose another engine",
    404: "check STABILITY_API_BASE",
}


@dataclass(frozen=True)
class Picture:
    """A success: the file's bytes, not yet looked at, and the seed that the service used."""

    data: bytes = field(repr=False)
    seed: str
    charged: bool = True


@dataclass(frozen=True)
class Problem:
    """Everything else.

    kind: "refused" (this image), "fault" (the service does not work as it should), "passing" (a fault worth one more
    try), "down" (a fault that the next request would meet too), "locked" (too many requests; `wait_seconds` where the
    service says) or "out" (no more for this job).
    charged: None where that cannot be known. sent_at: of a locked one, when its request went out (monotonic).
    """

    kind: str
    reason: str
    charged: bool | None = False
    wait_seconds: float | None = None
    sent_at: float = 0.0


def understand(answer: Answer, key: str) -> Picture | Problem:
    """Never raises; no words of the server are passed on without the key struck out."""

    def clean(text: str) -> str:
        return redacted(text, key)

    status = answer.status
    if status == 200:
        return _success(answer, clean)
    said = _said(answer, clean)
    advice = f"; {_ADVICE[status]}" if status in _ADVICE else ""
    reason = f"the hosted API answered {status}: {said}{advice}"
    if status in {401, 402}:
        return Problem("out", reason)
    if status == 429:
        if "balance" in said.lower():  # the older form of 402
            return Problem("out", f"{reason}; {_ADVICE[402]}")
        return Problem("locked", reason, wait_seconds=_retry_after(answer.headers), sent_at=answer.sent_at)
    if status in {404, 405}:
        return Problem("out", reason)
    if status >= 500 or status == 408:
        return Problem("passing", reason)
    if 300 <= status < 400:
        return Problem(
            "fault", f"the hosted API answered {status} and points to another address, which is not followed"
        )
    if 400 <= status < 500 and (_envelope(answer) or status in {413, 422}):
        return Problem("refused", reason)
    # A page of something between here and the service; it says nothing of the picture.
    return Problem("fault", reason)


def understand_broken(broken: Broken) -> Problem:
    """A request without a whole answer: worth another try only where the first cannot have been paid for, or hardly."""
    if broken.why in {"certificate", "tls"}:
        return Problem("down", broken.words)
    if broken.stage in {"connect", "send"} or broken.stale:
        return Problem("passing", broken.words)
    if broken.stage == "wait":
        # Long silence: the work may well have been done. A broken line: retried once, but counted as if it were paid.
        return Problem("passing" if broken.why == "reset" else "fault", broken.words, None)
    if broken.status != 200:
        return Problem("passing" if broken.status >= 500 else "fault", f"{broken.words} (status {broken.status})")
    return Problem("fault", broken.words, True if broken.paid_marks else None)


def balance_of(answer: Answer | Broken) -> float | None:
    """Credits in the answer of /v1/user/balance, or None."""
    told = _json(getattr(answer, "body", b"")) or {}
    credits = told.get("credits")
    return float(credits) if isinstance(credits, int | float) and getattr(answer, "status", 0) == 200 else None


def _success(answer: Answer, clean: Callable[[str], str]) -> Picture | Problem:
    media_type = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type.startswith("image/"):
        finish, seed, data = answer.headers.get("finish-reason", ""), answer.headers.get("seed", ""), answer.body
        paid: bool | None = True
    elif media_type == "application/json" and (told := _json(answer.body)) is not None and "image" in told:
        finish, seed = str(told.get("finish_reason", "")), str(told.get("seed", ""))
        paid = True
        try:
            data = base64.b64decode(str(told["image"]), validate=True)
        except (binascii.Error, ValueError):
            return Problem("fault", "the hosted API answered 200 with a picture that is not base64", paid)
    else:
        shown = _shown(answer, clean)
        paid = True if "finish-reason" in answer.headers else None
        return Problem("fault", f"the hosted API answered 200 with {shown}, not a picture", paid)
    if not data:
        return Problem("fault", "the hosted API answered 200 with an empty body", paid)
    finish = clean(finish)
    if not finish:
        return Problem(
            "fault", "the hosted API answered 200 without a finish-reason, so the picture is not trusted", paid
        )
    if finish == "CONTENT_FILTERED":
        return Problem("refused", "CONTENT_FILTERED: the hosted API blurred the picture it made", paid)
    if finish != "SUCCESS":
        return Problem("refused", f"the hosted API finished with {finish}, not SUCCESS", paid)
    return Picture(data, clean(seed))


def _said(answer: Answer, clean: Callable[[str], str]) -> str:
    """The server's own words: those of its error form (both versions), or what kind of page it sent."""
    told = _envelope(answer)
    if told:
        errors = told.get("errors")
        words = "; ".join(map(str, errors)) if isinstance(errors, list) else str(told.get("message") or "")
        name = str(told.get("name") or "")
        return clean(f"{name}: {words}" if name and words else name or words)
    return _shown(answer, clean)


def _envelope(answer: Answer) -> dict[str, Any]:
    told = _json(answer.body) or {}
    return told if {"errors", "message", "name"} & set(told) else {}


def _shown(answer: Answer, clean: Callable[[str], str]) -> str:
    if not answer.body.strip():
        return "an empty body"
    text = answer.body[:4096].decode("utf-8", "replace")
    media_type = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if answer.body.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return f"a picture said to be {clean(media_type) or 'nothing'}"
    if "html" in media_type or text.lstrip()[:1] == "<":
        title = _TITLE.search(text)
        return f"an HTML page ({clean(title[1])})" if title and title[1].strip() else "an HTML page"
    if not text.isprintable() and "\ufffd" in text:
        return f"{len(answer.body):,} bytes of {clean(media_type) or 'no named type'}"
    return f"the text {clean(text)[:160]!r}"


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, whether given so or as a date (RFC 9110, 10.2.3). None where there is none that can be read."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text)) if text and float(text) < float("inf") else None
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
