"""The keys that visitors bring: checked before a job by a request that is free, never stored as they are."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from augmentai.engines import key_engine
from augmentai.engines.base import Engine
from augmentai.engines.paid import Account
from augmentai.web.access.rate_limit import SlidingWindow, wait_words

_CHECKS_PER_HOUR = 30  # of a visitor: the page must not be of use to whoever tries out keys
_KNOWN_SECONDS = 600.0
_MAX_KNOWN = 1000

_log = logging.getLogger(__name__)


class VisitorKeys:
    """What is known of the keys of all visitors. Thread-safe, of bounded size. Keys are known by a salted hash.

    Args:
        engines: those of the server; the first that takes a visitor's key checks it.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engine = key_engine(engines)
        self._salt = secrets.token_bytes(16)
        self._known: OrderedDict[bytes, tuple[float, Account]] = OrderedDict()
        self._checks = SlidingWindow(_CHECKS_PER_HOUR)
        self._lock = threading.Lock()

    def check(self, key: str, address: str) -> Account:
        """Ask the service about a key, unless it was asked a few minutes ago. Takes up to some 15 s.

        Args:
            key: as it was pasted.
            address: of the visitor.
        """
        if self._engine is None or not key.strip():
            return Account()
        if (known := self._get(key)) is not None:
            return known
        if not self._checks.reserve(address, 1):
            wait = wait_words(self._checks.seconds_until(address, 1))
            return Account(refused=f"too many keys were checked from your address; try again {wait}")
        try:
            account = self._engine.with_key(key).account()
        except Exception as error:  # another package's engine may fail in any way
            _log.warning("a key could not be checked (%s)", type(error).__name__)
            account = Account()
        if account != Account():  # else it is asked again
            with self._lock:
                self._known[self._digest(key)] = time.monotonic(), account
                while len(self._known) > _MAX_KNOWN:
                    self._known.popitem(last=False)
        return account

    def refused(self, key: str, wanted: str) -> str:
        """Why a job cannot use a key that was checked, and what to do; "" if it can.

        Args:
            key: as it was pasted.
            wanted: the recipe's engine; one that takes no key works with any.
        """
        known = self._get(key) if self._is_wanted(key, wanted) else None
        if known is None or not known.refused:
            return ""
        return (
            f"{known.refused[:1].upper()}{known.refused[1:]}. Paste it again, or empty the field to use other engines."
        )

    def refused_now(self, key: str, wanted: str, address: str) -> str:
        """Likewise, as a job begins: a key that was not checked so far, since it was pasted just now, is.

        Args:
            key: as it was pasted.
            wanted: the recipe's engine.
            address: of the visitor.
        """
        if self._is_wanted(key, wanted):
            self.check(key, address)
        return self.refused(key, wanted)

    def _is_wanted(self, key: str, wanted: str) -> bool:
        """Whether there is one, and an engine that may run takes it."""
        return self._engine is not None and self._engine.serves(wanted) and bool(key.strip())

    def _get(self, key: str) -> Account | None:
        with self._lock:
            checked, account = self._known.get(self._digest(key), (0.0, None))
        return account if account is not None and time.monotonic() - checked < _KNOWN_SECONDS else None

    def _digest(self, key: str) -> bytes:
        return hashlib.sha256(self._salt + key.strip().encode("utf-8", "surrogatepass")).digest()
