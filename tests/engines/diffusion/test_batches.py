"""Batches that fill across sources."""

from __future__ import annotations

from augmentai.engines.diffusion.batches import Batches


def test_batches_fill_across_sources_and_waiting_items_stay_bounded() -> None:
    batches: Batches[int] = Batches(4)
    sent = []
    for item in range(100):
        batches.add(item % 10, item, 1.0)
        if batch := batches.pop_full():
            sent.append(batch)
        assert sum(len(group) for group in batches._groups.values()) <= 16
    while batch := batches.pop_rest():
        sent.append(batch)
    assert sorted(item for batch in sent for item in batch) == list(range(100))
    assert all(len({item % 10 for item in batch}) == 1 for batch in sent)


def test_large_sources_do_not_accumulate_in_memory() -> None:
    batches: Batches[str] = Batches(8)
    for number in range(5):
        batches.add(number, "a 50 megapixel source", 50)
    assert batches.pop_full()
