"""What a visitor may upload: bytes and files per hour, no large form fields, no stalled connections."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from augmentai.settings import Settings
from augmentai.system.free_space import is_nearly_full
from augmentai.web.access.rate_limit import SlidingWindow, wait_words
from augmentai.web.access.refusals import Message, Receive, RefusedError

STALLED_SECONDS = 60.0  # a connection that sends nothing for so long is closed
SLOW_SECONDS = 120.0  # after this, so is one whose body arrives at fewer bytes a second than the next line says
SLOWEST_BYTES = 500
_MAX_FIELD_BYTES = 65_536  # of all fields that are not files; the page sends none, and Gradio holds them in memory

_temporary: ContextVar[list[str] | None] = ContextVar("temporary files of an upload", default=None)


def track_temporary_files() -> None:
    """Let Gradio note the temporary files of each upload, for `no_leftovers`. It forgets those of uploads that fail."""
    from gradio import route_utils

    create = route_utils.NamedTemporaryFile
    if getattr(create, "__module__", "") == __name__:
        return

    def tracked(*arguments: Any, **options: Any) -> Any:
        file = create(*arguments, **options)
        if (names := _temporary.get()) is not None:
            names.append(file.name)
        return file

    route_utils.NamedTemporaryFile = tracked


@contextmanager
def no_leftovers() -> Iterator[None]:
    """While an upload is received: whatever was not stored under its name is deleted at the end."""
    names: list[str] = []
    token = _temporary.set(names)
    try:
        yield
    finally:
        _temporary.reset(token)
        for name in names:
            with suppress(OSError):
                os.unlink(name)


class UploadLimits:
    """Counts each upload against its visitor's hour, chunk by chunk, before Gradio sees the chunk."""

    def __init__(self, settings: Settings, folder: str) -> None:
        """folder: where uploads are stored."""
        megabytes = settings.visitor_upload_mb_per_hour
        self._folder = folder
        self._bytes = SlidingWindow(None if megabytes is None else megabytes * 1_000_000)
        self._files = SlidingWindow(settings.visitor_files_per_hour)

    def counted(self, request: Request, visitor: str, receive: Receive) -> Receive:
        """The upload as it arrives.

        Raises:
            RefusedError: 400, 408, 413, 429 or 507; at once or when a chunk is received.
        """
        declared = request.headers.get("content-length", "")
        if is_nearly_full(Path(self._folder), int(declared) if declared.isdecimal() else 0):
            raise RefusedError(507, "The server's disk is nearly full; try again later, or with fewer files.")
        if declared.isdecimal() and int(declared) > self._bytes.remaining(visitor):
            raise RefusedError(429, self._too_many_bytes(visitor, int(declared)))
        form, timed = _Form(request.headers.get("content-type", "")), TimedBody(receive)

        async def counting() -> Message:
            message = await timed()
            chunk = message.get("body", b"")
            if not self._bytes.reserve(visitor, len(chunk)):
                raise RefusedError(429, self._too_many_bytes(visitor, len(chunk)))
            count = form.count_files(chunk)
            if not self._files.reserve(visitor, count):
                raise RefusedError(429, self._too_many_files(visitor, count))
            return message

        return counting

    def _too_many_bytes(self, visitor: str, count: int) -> str:
        limit = self._bytes.limit
        assert limit is not None
        if count > limit:
            return f"The upload exceeds the limit of {limit / 1e6:,.0f} MB per hour per visitor."
        wait = wait_words(self._bytes.seconds_until(visitor, count))
        return f"The upload limit of {limit / 1e6:,.0f} MB per hour is reached. Try again {wait}."

    def _too_many_files(self, visitor: str, count: int) -> str:
        limit = self._files.limit
        assert limit is not None
        if count > limit:
            return f"The upload exceeds the limit of {limit:,.0f} files per hour per visitor. Upload a ZIP instead."
        wait = wait_words(self._files.seconds_until(visitor, count))
        return f"The upload limit of {limit:,.0f} files per hour is reached. Try again {wait}, or upload a ZIP."


class _Form:
    """Reads along with a multipart form: counts its files, bounds what is not a file, keeps nothing."""

    def __init__(self, content_type: str) -> None:
        self._files = 0
        self._field_bytes = 0
        self._header = self._value = self._disposition = b""
        self._is_file = False
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        self._parser = None  # Gradio refuses what is no form
        if boundary:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                },
            )

    def count_files(self, chunk: bytes) -> int:
        """How many files begin in the next chunk.

        Raises:
            RefusedError: 400 or 413, the form is malformed or has a large field.
        """
        if self._parser is None or not chunk:
            return 0
        before = self._files
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise RefusedError(400, "The upload is malformed.") from None
        return self._files - before

    def _begin_part(self) -> None:
        self._disposition = b""
        self._is_file = False
        self._field_bytes += 1  # empty fields count too

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _end_headers(self) -> None:
        self._is_file = b"filename" in parse_options_header(self._disposition)[1]
        self._files += self._is_file

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            return
        self._field_bytes += end - start
        if self._field_bytes > _MAX_FIELD_BYTES:
            raise RefusedError(413, "A field of the upload is too large. Only files are accepted.")


class TimedBody:
    """Receives a body part by part, and gives up one that stalls or drips."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._began = time.monotonic()
        self._bytes = 0

    async def __call__(self) -> Message:
        """The next part.

        Raises:
            RefusedError: 408, nothing arrived for STALLED_SECONDS, or too little in all.
        """
        try:
            message = await asyncio.wait_for(self._receive(), STALLED_SECONDS)
        except TimeoutError:
            raise RefusedError(408, "Nothing arrived for too long. Try again.") from None
        self._bytes += len(message.get("body", b""))
        seconds = time.monotonic() - self._began
        if message.get("more_body") and seconds > SLOW_SECONDS and self._bytes < seconds * SLOWEST_BYTES:
            raise RefusedError(408, "The request arrives too slowly. Try again with a faster connection.")
        return message
