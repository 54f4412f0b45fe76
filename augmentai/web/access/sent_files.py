"""Notices which files of an answer have reached their reader as a whole."""

from __future__ import annotations

import re

from starlette.requests import Request

from augmentai.web.access.refusals import Message

_RANGE = re.compile(rb"bytes (\d+)-(\d+)/(\d+)")


class SentFile:
    """Watches one answer that sends a file.

    Args:
        request: the reader's.

    Attributes:
        is_whole: the file was sent to its last byte, and the reader was there to the end. A reader who continues a
            download that broke off asks for the rest alone.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._reaches_end = False
        self._expected = self._sent = 0
        self.is_whole = False

    async def watch(self, message: Message) -> None:
        """To be called with each message of the answer, before it is sent."""
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", []))
            self._expected = int(headers.get(b"content-length", b"-1"))
            part = _RANGE.fullmatch(headers.get(b"content-range", b""))
            ends = part is not None and int(part[2]) + 1 == int(part[3])
            self._reaches_end = message["status"] == 200 or (message["status"] == 206 and ends)
            return
        self._sent += len(message.get("body", b""))
        if self._reaches_end and not message.get("more_body", False) and self._sent == self._expected:
            self.is_whole = not await self._has_left()

    async def _has_left(self) -> bool:
        # The first look at a request without a body gets its end, the second whether the connection is still there.
        return await self._request.is_disconnected() or await self._request.is_disconnected()
