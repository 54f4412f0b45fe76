"""Whether an engine can work now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Readiness:
    """Whether an engine can work now.

    Attributes:
        ready: it can.
        reason: if not, why, in words a user can act on.
        configured: the user has supplied what it needs (a key, a GPU). An engine that was never configured is
            skipped silently; one that was and cannot work is reported as a fallback.
        for_good: asking again during this job is pointless.
    """

    ready: bool
    reason: str = ""
    configured: bool = True
    for_good: bool = True
