"""When requests may go out: the rate, and the circuit breaker."""

from __future__ import annotations

import threading
import time

from augmentai.engines.stability.rate_limit import CircuitBreaker, RateLimiter


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


def test_one_trial_after_the_cool_down() -> None:
    breaker = CircuitBreaker(faults=2, cool_down_seconds=0.1)
    breaker.fault("a")
    assert not breaker.open_reason
    breaker.fault("b")
    assert "last error: b" in breaker.open_reason
    breaker.fault("straggler")
    time.sleep(0.12)
    assert breaker.on_trial
    assert not breaker.open_reason
    breaker.fault("c")  # the trial failed: the cool-down is twice as long
    time.sleep(0.12)
    assert breaker.open_reason
    time.sleep(0.12)
    assert breaker.on_trial
    breaker.success()
    assert not breaker.on_trial
    assert not breaker.open_reason
