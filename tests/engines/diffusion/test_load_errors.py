"""Failed loads, explained."""

from __future__ import annotations

import pytest

from augmentai.engines.diffusion.load_errors import explain
from tests.support.diffusion_engine import settings_for


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GatedRepoError", "set HF_TOKEN"),
        ("RepositoryNotFoundError", "AUGMENTAI_DIFFUSION_MODEL"),
        ("RevisionNotFoundError", "AUGMENTAI_DIFFUSION_REVISION"),
        ("LocalEntryNotFoundError", "check the network"),
    ],
)
def test_errors_of_the_hub_become_advice(kind: str, words: str) -> None:
    from huggingface_hub import errors

    hub_error = getattr(errors, kind)
    inner = hub_error.__new__(hub_error)
    outer = OSError("cannot load")
    outer.__cause__ = inner
    assert words in explain(outer, settings_for("some/model"))
