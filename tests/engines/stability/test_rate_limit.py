"""When requests may go out."""

from __future__ import annotations

import threading
import time

from augmentai.engines.stability.rate_limit import RateLimiter


def test_the_rate_is_never_exceeded() -> None:
    limiter = RateLimiter(requests=5, seconds=0.5)
    times: list[float] = []

    def work() -> None:
        for _ in range(4):
            limiter.wait_turn(lambda: False)
            times.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    assert all(later - earlier > 0.45 for earlier, later in zip(times, times[5:], strict=False))
