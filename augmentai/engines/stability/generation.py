"""Generations that are answered with a number: it is paid for, and the image is fetched once it is finished."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from augmentai.engines.request_threads import Problem
from augmentai.engines.stability.client import Client, RequestFailure, Response
from augmentai.engines.stability.responses import Success, parse_response

_NUMBER = re.compile(r"[0-9A-Za-z_-]{8,128}")  # nothing else may become a part of the address
_TIMEOUTS = (10.0, 60.0)  # seconds to connect, and to read
_LONGEST_SECONDS = 600.0
_NAP_SECONDS = 0.2


@dataclass(frozen=True)
class Generation:
    """A generation that is paid for and not finished. number: the service's own."""

    number: str
    charged: bool = True


def generation_in(response: Response) -> Generation | None:
    """The generation that a response announces; None if it announces none."""
    if response.status not in {200, 202}:
        return None
    try:
        number = json.loads(response.body).get("id")
    except (ValueError, AttributeError):
        return None
    return Generation(number) if isinstance(number, str) and _NUMBER.fullmatch(number) else None


def fetch(client: Client, number: str, poll_seconds: float, closed: Callable[[], bool]) -> Success | Problem | None:
    """Ask for the image of a generation until it is there.

    Args:
        client: of the account that paid for it.
        number: of the generation.
        poll_seconds: between two requests.
        closed: nobody waits for it any more.

    Returns:
        The image, or why there is none, which was charged in any case; None if it is not there yet and nobody waits:
        it can be fetched later.
    """
    if not _NUMBER.fullmatch(number):
        return Problem("fault", "the number of a generation is damaged", charged=True)
    end, last = time.monotonic() + _LONGEST_SECONDS, "it is in progress"
    while _slept(poll_seconds, closed):
        answer = client.get(f"/v2beta/results/{number}", _TIMEOUTS)
        if isinstance(answer, RequestFailure):
            last = answer.message
        elif answer.status == 404:
            return Problem("fault", "the hosted API has no image for this generation any more", charged=True)
        elif answer.status == 200:
            parsed = parse_response(answer, client.key)
            return parsed if isinstance(parsed, Success) else Problem(parsed.kind, parsed.reason, charged=True)
        elif answer.status != 202:
            last = f"it answered {answer.status}"
        if time.monotonic() > end:
            return Problem("fault", f"the hosted API did not finish in {_LONGEST_SECONDS:g} s ({last})", charged=True)
    return None


def _slept(seconds: float, closed: Callable[[], bool]) -> bool:
    """Wait. False if nobody waits for the image any more."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not closed():
        time.sleep(min(left, _NAP_SECONDS))
    return not closed()
