"""What all jobs of one hosted account share: its connections, its rate limit and its circuit breaker."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from augmentai.engines.circuit_breaker import CircuitBreaker
from augmentai.engines.concurrency import AdaptiveConcurrency
from augmentai.engines.stability.rate_limit import RateLimiter
from augmentai.settings import Settings

if TYPE_CHECKING:
    from augmentai.engines.stability.client import Client


class Service:
    """One account of the hosted API. Thread-safe.

    Attributes:
        settings: of the account.
        rate_limiter: when a request may go out.
        breaker: whether the service works.
        connections: as many as may be in use at once, by what the service has answered so far.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rate_limiter = RateLimiter()
        self.breaker = CircuitBreaker(settings.stability_faults, settings.stability_rest_seconds)
        self.connections = AdaptiveConcurrency(settings.stability_concurrency)
        self._client: Client | None = None
        self._lock = threading.Lock()

    def client(self) -> Client:
        """The HTTP client, made when first needed: `requests` takes a while to import. Raises KeyFormatError."""
        from augmentai.engines.stability.client import Client

        with self._lock:
            if self._client is None:
                self._client = Client(self.settings)
            return self._client
