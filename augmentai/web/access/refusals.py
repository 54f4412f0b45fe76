"""How the server refuses a request: a status, a message for the visitor, and one line in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

_log = logging.getLogger(__name__)
_LONGEST_PATH = 120  # characters of a path in the log

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class RefusedError(Exception):
    """A request that is not served; the message says why and what to do.

    Attributes:
        retry_seconds: when to try again, for programs; None if that is not known.
    """

    def __init__(self, status: int, message: str, retry_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_seconds = status, message, retry_seconds


async def refuse(scope: Scope, send: Send, refused: RefusedError) -> None:
    """Answer with the refusal as JSON, {"detail": message}; a WebSocket is not opened."""
    _log.warning(
        "refused: %d %s %s: %s",
        refused.status,
        scope.get("method", "WEBSOCKET"),
        ascii(scope["path"][:_LONGEST_PATH]),  # without the query, which names sessions
        refused.message.partition(". ")[0],  # what to do is for the visitor
    )
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": refused.message[:120]})
        return
    body = json.dumps({"detail": refused.message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.retry_seconds is not None:
        headers.append((b"retry-after", str(refused.retry_seconds).encode()))
    if refused.status == 408:  # whoever stalls is not waited for
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
