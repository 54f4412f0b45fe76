"""20,000 images in 200 shards, whose workers are killed at random: the bytes of a single run."""

from __future__ import annotations

import pytest

from benchmarks.cluster import measure


@pytest.mark.nightly
def test_twenty_thousand_images_in_two_hundred_shards() -> None:
    result = measure(20_000, 100, [2], kills=6)
    assert result["shards"] == 200
    assert result["rows"]["run-shards, 2"]["killed"] > 0
    assert result["rows"]["merge, 2"]["equal"]
    assert not result["rows"]["merge, 2"]["made_twice"]
