"""The bounds on what is read are documented."""

from __future__ import annotations

import pytest

from augmentai.dataset import bounds
from augmentai.settings import ROOT

BOUNDS = {name: value for name, value in vars(bounds).items() if name.isupper()}


@pytest.mark.parametrize("name", BOUNDS)
def test_the_docs_state_each(name: str) -> None:
    assert f"{BOUNDS[name]:,}" in (ROOT / "docs" / "limits.md").read_text()
