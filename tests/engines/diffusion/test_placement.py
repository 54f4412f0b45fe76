"""Where the weights are kept, by the free memory of the GPU."""

from __future__ import annotations

from augmentai.engines.diffusion.placement import choose_placement


def test_placement_by_free_memory() -> None:
    gigabyte = 2**30
    assert choose_placement([2 * gigabyte, gigabyte], 8 * gigabyte) == "whole"
    assert choose_placement([4 * gigabyte, 3 * gigabyte], 8 * gigabyte) == "parts"
    assert choose_placement([24 * gigabyte, gigabyte], 8 * gigabyte) == "layers"
