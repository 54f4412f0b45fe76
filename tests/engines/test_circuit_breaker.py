"""A service that does not work is left alone, then tried once."""

from __future__ import annotations

import time

from augmentai.engines.circuit_breaker import CircuitBreaker


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
