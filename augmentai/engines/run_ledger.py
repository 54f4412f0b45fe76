"""The run's own ledger: every request that a paid engine made for it, charged or not, over stops and restarts.

A line is written before a request goes out, and another when it is known whether it was charged. A request whose second
line is missing was in flight when the run was stopped or killed: it may have been charged.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from augmentai.dataset.paid_answers import Item, PaidAnswer, PaidAnswers
from augmentai.engines.ledger import LedgerError, is_amount
from augmentai.plurals import counted
from augmentai.types import SourceKey

OWNER = "owner"  # who pays if no visitor brought a key
_RESERVED, _CHARGED, _FREE, _UNKNOWN = "reserved", "charged", "free", "unknown"
_STATES = {True: _CHARGED, False: _FREE, None: _UNKNOWN}


@dataclass(frozen=True)
class _Request:
    item: Item
    payer: str
    credits: float


class RunLedger:
    """Requests of one run and what became of them. Thread-safe.

    Args:
        path: a file in the run's folder, which one process at a time writes; created with the first request. None if
            the run cannot be resumed: then the ledger ends with the process.
        answers: a folder in which answers wait until their variations are on disk; None if none is stored.

    Attributes:
        answers: those that were paid for and whose variations are not on disk yet.
        is_resumed: whether an earlier process has written to the file.
        fault: why nothing may be spent, in words; "" if all is well.
        cut_short: whether a limit, or a full disk, kept something from being bought.
        disk_is_full: whether it was the disk.

    Example:
        >>> from augmentai.dataset.paid_answers import Item
        >>> ledger = RunLedger()
        >>> first, second = (ledger.reserve(Item("painter", "a.jpg", index=i), 2.5) for i in (1, 2))
        >>> ledger.settle(first, charged=True)
        >>> ledger.charged, ledger.committed()
        (2.5, 5.0)
        >>> ledger.uncertain()
        'up to 1 request was in flight at the stop or lost its connection; that may have cost 2.5 more credits'
    """

    def __init__(self, path: Path | None = None, answers: Path | None = None) -> None:
        self._path = path
        self.answers = PaidAnswers(answers)
        self._lock = threading.Lock()
        self._open: dict[str, _Request] = {}
        self._unknown: list[_Request] = []
        self._charged: defaultdict[str, float] = defaultdict(float)  # by payer
        self._earlier: defaultdict[tuple[str, str, int], float] = defaultdict(float)  # by variation
        self._numbers = count(1)
        self._mine = secrets.token_hex(4)  # two processes give no number twice
        self._cut_at: int | None = None
        self.is_resumed = self.cut_short = self.disk_is_full = False
        self.fault = ""
        if path is not None:
            self._load(path)

    @property
    def charged(self) -> float:
        """Credits that were charged for this run."""
        with self._lock:
            return round(sum(self._charged.values()), 6)

    def committed(self, payer: str = OWNER) -> float:
        """Credits that were or may have been charged to this payer, those of requests in flight included."""
        with self._lock:
            uncertain = sum(one.credits for one in (*self._open.values(), *self._unknown) if one.payer == payer)
            return round(self._charged[payer] + uncertain, 6)

    def charged_before(self, source: SourceKey, index: int) -> float:
        """Credits that earlier processes were charged for a variation."""
        return self._earlier.get((*source, index), 0.0)

    def uncertain(self) -> str:
        """Requests of which it is not known whether they were charged, in words; "" if there are none."""
        with self._lock:
            requests = [*self._open.values(), *self._unknown]
        if not requests:
            return ""
        were = counted(len(requests), "request was", "requests were")
        its, more = ("its", "that") if len(requests) == 1 else ("their", "they")
        credits = sum(one.credits for one in requests)
        return (
            f"up to {were} in flight at the stop or lost {its} connection; "
            f"{more} may have cost {credits:g} more credits"
        )

    def reserve(self, item: Item, credits: float, payer: str = OWNER, answer_bytes: int = 0) -> str:
        """Note a request that is about to go out.

        Args:
            item: what it is to buy.
            credits: its price.
            payer: whose credits these are.
            answer_bytes: room on the disk that is taken for the answer.

        Returns:
            The number by which it is settled.

        Raises:
            LedgerError: it cannot be noted, or its answer would have no room on the disk, so it must not go out.
        """
        with self._lock:
            number = f"{self._mine}.{next(self._numbers)}"
            request = _Request(item, payer, credits)
            try:
                self.answers.make_room(number, answer_bytes)
            except OSError as error:
                self.disk_is_full = True
                raise LedgerError(
                    f"there is no room on the disk for an answer of up to {answer_bytes / 1e6:.1f} MB "
                    f"({error.strerror or error}), so none is bought; make room, then resume"
                ) from error
            try:
                self._append(_line(number, _RESERVED, request))
            except LedgerError:
                self.answers.free_room(number)
                raise
            self._open[number] = request
            return number

    def settle(self, number: str, charged: bool | None) -> None:
        """Note whether a request was charged; None if that cannot be known.

        If the file can no longer be written, it says that the request was in flight, which is the safe side.
        """
        with self._lock:
            self._apply(number, _STATES[charged])
            with suppress(LedgerError):
                self._append({"request": number, "state": _STATES[charged]})

    def book(self, item: Item, credits: float, payer: str = OWNER) -> None:
        """Note what was charged without having been reserved. If the file cannot be written, nothing more is spent."""
        with self._lock:
            self._book(_Request(item, payer, credits), before=False)

    def find(self, item: Item, model: str) -> tuple[PaidAnswer, float] | None:
        """An answer that an earlier process paid for and did not come to use.

        Returns:
            The answer, and the credits that are first counted now, since that process was killed before it could note
            that they were charged; None if there is no answer.
        """
        answer = self.answers.find(item, model)
        if answer is None:
            return None
        with self._lock:
            request = self._open.get(answer.request)
        if request is None:
            return answer, 0.0
        self.settle(answer.request, charged=True)
        return answer, request.credits

    def adopt(self, settled: float, unsettled: Mapping[tuple[str, str, int], float]) -> None:
        """Begin the ledger of a run that an earlier version charged.

        Args:
            settled: credits of the variations that need not be made again.
            unsettled: those of variations still to be made, by the path and hash of their source, and their index.
        """
        amounts = [(Item(), settled)] if settled else []
        amounts += [(Item("", path, sha256, index), credits) for (path, sha256, index), credits in unsettled.items()]
        with self._lock:
            for item, credits in amounts:
                self._book(_Request(item, OWNER, credits), before=True)
            self.is_resumed = self.is_resumed or bool(amounts)

    def _book(self, request: _Request, before: bool) -> None:
        try:
            self._append(_line(f"{self._mine}.{next(self._numbers)}", _CHARGED, request))
        except LedgerError as error:
            self.fault = str(error)
        self._count_charged(request, before)

    def _apply(self, number: str, state: str, before: bool = False) -> None:
        request = self._open.pop(number)
        if state == _CHARGED:
            self._count_charged(request, before)
        elif state == _UNKNOWN:
            self._unknown.append(request)

    def _count_charged(self, request: _Request, before: bool) -> None:
        self._charged[request.payer] += request.credits
        if before:
            item = request.item
            self._earlier[item.source, item.source_sha256, item.index] += request.credits

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Raises LedgerError."""
        if self.fault:
            raise LedgerError(self.fault)
        if self._path is None:
            return
        data = (json.dumps(entry) + "\n").encode()
        try:
            with self._path.open("ab", buffering=0) as file:
                if self._cut_at is not None:
                    file.truncate(self._cut_at)
                    self._cut_at = None
                start = file.seek(0, os.SEEK_END)
                if file.write(data) != len(data):
                    file.truncate(start)
                    raise OSError("no space left")
        except OSError as error:
            self.disk_is_full = True
            raise LedgerError(
                f"the run's credits cannot be written to {self._path} ({error.strerror or error}), so none are spent; "
                "make room, then run the same command again"
            ) from error

    def _load(self, path: Path) -> None:
        try:
            if os.path.lexists(path) and not path.is_file():
                raise OSError(0, "it is not a file")
            lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
            for line in lines[:-1]:
                self._read(json.loads(line))
            if lines[-1]:  # a line that was cut off: its request did not go out, or its answer is not known
                self._cut_at = path.stat().st_size - len(lines[-1])  # removed by whoever writes, not by who reads
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            why = getattr(error, "strerror", "") or type(error).__name__
            self.fault = (
                f"the run's credits cannot be read from {path} ({why}), so none are spent; "
                "correct the file, or delete it to count from the manifest"
            )
        self.is_resumed = bool(self._charged or self._open or self._unknown)

    def _read(self, entry: dict[str, Any]) -> None:
        """One line of the file. Raises ValueError, KeyError or TypeError if it is damaged."""
        number, state = str(entry["request"]), entry["state"]
        if "credits" in entry:
            credits, payer = entry["credits"], str(entry["payer"])
            if not is_amount(credits) or number in self._open:
                raise ValueError(number)
            item = Item(**{name: entry[name] for name in Item.__dataclass_fields__})
            self._open[number] = _Request(item, payer, float(credits))
        if state in _STATES.values():
            self._apply(number, state, before=True)
        elif state != _RESERVED:
            raise ValueError(state)


def _line(number: str, state: str, request: _Request) -> dict[str, Any]:
    return {
        "request": number,
        "state": state,
        "payer": request.payer,
        "credits": request.credits,
        **asdict(request.item),
    }
