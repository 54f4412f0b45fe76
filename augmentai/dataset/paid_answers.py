"""Answers of paid engines, on disk from the moment they are received until their variation is.

What was paid for would otherwise be lost with the process: it waits in memory for filters, for its siblings and for its
file. A run that resumes finds it here and does not buy it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from augmentai.system.regular_files import read_regular
from augmentai.types import SourceKey

_NAME_CHARS = 24
_PART = ".part"


@dataclass(frozen=True)
class Item:
    """What a request is to buy: one attempt at one variation.

    Attributes:
        engine: who charges it.
        source, source_sha256: the path and the hash of its source.
        index: of the variation, from 1.
        seed: of the attempt.
        attempt: 0, then 1, 2, ... where filters rejected the attempts before.
    """

    engine: str = ""
    source: str = ""
    source_sha256: str = ""
    index: int = 0
    seed: int = 0
    attempt: int = 0


@dataclass(frozen=True)
class PaidAnswer:
    """What an engine received and paid for.

    Attributes:
        request: its number in the run's ledger.
        data: the bytes of the image, as they came.
        note: what else the engine has to know of it, such as the service's own seed.
        pending: `data` is not the image but what it can be fetched by.
    """

    request: str
    data: bytes = field(repr=False)
    note: str = ""
    pending: bool = False


class PaidAnswers:
    """The answers of one run whose variations are not on disk yet.

    Args:
        folder: of their own, created with the first one; None if the run cannot be resumed: then none is stored.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     answers, item = PaidAnswers(Path(folder, "paid")), Item("painter", "a.jpg", "ab", index=1, seed=7)
        ...     answers.store(item, "model", PaidAnswer("1", b"pixels"))
        ...     found = answers.find(item, "model"), answers.find(item, "another model")
        ...     answers.forget(("a.jpg", "ab"), 1)
        ...     found[0].data, found[1], answers.find(item, "model")
        (b'pixels', None, None)
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()  # or an emptied folder could be removed under an answer

    @property
    def are_stored(self) -> bool:
        """Whether there is a folder for them."""
        return self._folder is not None

    @staticmethod
    def unique_request(item: Item) -> str:
        """A number for an answer whose request is not known; no request in the ledger has it."""
        return f"image-{_name(item, '')}"

    def make_room(self, request: str, size_bytes: int) -> None:
        """Take room on the disk for an answer before it is paid for, so that a full disk cannot lose it.

        Args:
            request: the number under which the answer will be stored.
            size_bytes: how large the answer may become.

        Raises:
            OSError: there is no room.
        """
        if self._folder is None or not size_bytes:
            return
        part = self._part(request)
        with self._lock:
            self._folder.mkdir(exist_ok=True)
            try:
                with part.open("wb") as file:
                    _allocate(file, size_bytes)
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def free_room(self, request: str) -> None:
        """Give back room that no answer has filled."""
        if self._folder is None:
            return
        with self._lock, suppress(OSError):
            self._part(request).unlink()
            self._folder.rmdir()  # refused as long as it holds an answer

    def store(self, item: Item, model: str, answer: PaidAnswer) -> None:
        """Write an answer to disk, into its room if it has one. Where that is not possible it is still used, but would
        be lost with the process."""
        if self._folder is None:
            return
        head: dict[str, object] = {
            "request": answer.request,
            "note": answer.note,
            "sha256": hashlib.sha256(answer.data).hexdigest(),
        }
        head |= {"source": item.source, "index": item.index} | ({"pending": True} if answer.pending else {})
        part = self._part(answer.request)
        with self._lock, suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            try:
                with part.open("r+b" if part.exists() else "wb") as file:
                    file.write(json.dumps(head).encode() + b"\n" + answer.data)
                    file.truncate()
                os.replace(part, self._folder / _name(item, model))
            except BaseException:
                part.unlink(missing_ok=True)
                raise

    def discard(self, item: Item, model: str) -> None:
        """Remove an answer that turned out to be no image."""
        if self._folder is not None:
            with self._lock, suppress(OSError):
                (self._folder / _name(item, model)).unlink()
                self._folder.rmdir()  # refused as long as it holds another answer

    def variations(self) -> frozenset[str]:
        """The variations that an answer is stored for, as `variation_name` names them."""
        try:
            names = os.listdir(self._folder) if self._folder is not None else []
        except OSError:
            return frozenset()
        return frozenset(name[:_NAME_CHARS] for name in names if not name.endswith(_PART))

    def has(self, source: SourceKey, index: int) -> bool:
        """Whether an answer to any attempt at a variation is stored."""
        return self._folder is not None and any(self._folder.glob(f"{variation_name(source, index)}-*"))

    def find(self, item: Item, model: str) -> PaidAnswer | None:
        """The answer to exactly this request, by this model; None if there is none, or its file is damaged."""
        if self._folder is None:
            return None
        try:
            head, _, data = read_regular(self._folder / _name(item, model)).partition(b"\n")
            entry = json.loads(head)
            intact = entry["sha256"] == hashlib.sha256(data).hexdigest()
            about = str(entry["note"]), bool(entry.get("pending"))
            return PaidAnswer(str(entry["request"]), data, *about) if intact else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def images(self) -> Iterator[tuple[str, int, bytes]]:
        """What is stored, for a user who wants to have it as it came: path of the source, index, bytes of the image."""
        for path in sorted(self._folder.iterdir()) if self._folder is not None and self._folder.is_dir() else ():
            if path.suffix == _PART:
                continue
            with suppress(OSError, ValueError, KeyError, TypeError):
                head, _, data = read_regular(path).partition(b"\n")
                entry = json.loads(head)
                if entry["sha256"] == hashlib.sha256(data).hexdigest() and not entry.get("pending"):
                    yield str(entry["source"]), int(entry["index"]), data

    def forget(self, source: SourceKey, index: int) -> None:
        """Remove the answers to all attempts at a variation, which is on disk by now."""
        if self._folder is None or not self._folder.is_dir():
            return
        with self._lock, suppress(OSError):
            for path in self._folder.glob(f"{variation_name(source, index)}*"):
                path.unlink(missing_ok=True)
            self._folder.rmdir()  # refused as long as it holds another answer

    def tidy(self, finished: Iterable[tuple[SourceKey, int]]) -> None:
        """Remove what a killed run left behind: answers of variations that are on disk, and half-written ones.

        Args:
            finished: the variations that the run has made already, as (source key, index). Read only if needed.
        """
        if self._folder is None or not self._folder.is_dir():
            return
        with self._lock, suppress(OSError):
            stored = list(self._folder.iterdir())
            names = {variation_name(source, index) for source, index in finished}
            for path in stored:
                if path.suffix == _PART or path.name[:_NAME_CHARS] in names:
                    path.unlink(missing_ok=True)
            self._folder.rmdir()  # refused as long as it holds another answer

    def _part(self, request: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{request}{_PART}"


def variation_name(source: SourceKey, index: int) -> str:
    """The beginning of the names of all answers to attempts at a variation."""
    return _digest(*source, index)


def _name(item: Item, model: str) -> str:
    variation = variation_name((item.source, item.source_sha256), item.index)
    return f"{variation}-{_digest(item.engine, model, item.seed, item.attempt)}"


def _allocate(file: IO[bytes], size_bytes: int) -> None:
    """Take so many bytes of the disk; a file that is only as long takes none. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    else:
        file.write(bytes(size_bytes))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_NAME_CHARS]
