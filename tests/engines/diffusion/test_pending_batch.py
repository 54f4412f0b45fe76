"""Results of a batch, part by part: order, refusals and what overflowed."""

from __future__ import annotations

import torch

from augmentai.engines.diffusion.pending_batch import Decoded, PendingBatch


def decoded(finite: list[bool], vae_overflowed: list[bool], flagged: list[bool]) -> Decoded:
    pixels = torch.arange(len(finite), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 2, 3, 3)
    return Decoded(pixels, torch.tensor(finite), torch.tensor(vae_overflowed), flagged)


def test_results_are_in_the_order_of_the_requests() -> None:
    pending = PendingBatch("overflowed", "cpu", torch.float32)
    pending.add(2, 4, decoded([True] * 3, [False] * 3, [False] * 3))  # the third only fills the batch
    pending.add(1, 4, decoded([True], [False], [False]))
    results = pending.wait()
    assert [int(result.pixels[0, 0, 0]) for result in results if result.pixels is not None] == [0, 1, 0]
    assert [(result.batch, result.steps) for result in results] == [(2, 4), (2, 4), (1, 4)]
    assert {result.vae_dtype for result in results} == {"float32"}
    assert all(result.seconds >= 0 for result in results)


def test_images_that_are_not_finite_or_flagged_are_refused() -> None:
    pending = PendingBatch("overflowed", "cpu", torch.float16)
    pending.add(3, 1, decoded([True, False, True], [False, True, False], [False, True, True]))
    good, overflowed, flagged = pending.wait()
    assert good.pixels is not None
    assert (overflowed.pixels, overflowed.reason, overflowed.overflowed) == (None, "overflowed", True)
    assert flagged.reason == "the model's own safety checker flagged the image"
    assert not flagged.overflowed


def test_a_float32_vae_does_not_overflow() -> None:
    pending = PendingBatch("overflowed", "cpu", torch.float32)
    pending.add(1, 1, decoded([False], [True], [False]))
    [result] = pending.wait()
    assert (result.reason, result.overflowed) == ("overflowed", False)
