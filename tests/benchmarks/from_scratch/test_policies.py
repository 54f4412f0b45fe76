"""Classic augmentation policies on batches."""

from __future__ import annotations

import pytest
import torch

from benchmarks.from_scratch.policies import CEILING, POLICIES, policy


@pytest.mark.parametrize("name", [*POLICIES, CEILING])
def test_policies_keep_shape_and_range(name: str) -> None:
    torch.manual_seed(0)
    x = torch.rand(16, 3, 64, 64)
    out = policy(name)(x.clone())
    assert out.shape == x.shape
    assert 0 <= float(out.min()) <= float(out.max()) <= 1
    assert torch.equal(out, x) == (name == "none")
