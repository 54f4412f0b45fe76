"""What is known of models before anything is downloaded."""

from __future__ import annotations

import pytest

from augmentai.engines.diffusion.families import FAMILIES
from augmentai.engines.diffusion.known_models import (
    MODELS,
    SUBSTITUTES,
    known,
    markdown,
    memory_needed,
    substitutes,
)
from augmentai.settings import ROOT


def test_every_family_exists_and_every_substitute_is_free() -> None:
    assert {model.family for model in MODELS} <= {family.name for family in FAMILIES}
    for name in SUBSTITUTES:
        model = known(name)
        assert model is not None
        assert not model.gated
        assert model.licence in {"Apache 2.0", "CreativeML OpenRAIL-M"}


def test_the_documentation_has_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "engines" / "diffusion.md").read_text()


def test_the_steps_of_the_documentation_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "engines" / "diffusion.md").read_text()
    assert all(f"`{family.name}`" in text for family in FAMILIES)


@pytest.mark.parametrize(
    ("free_gb", "says"),
    [
        (None, "needs about 24 GB of GPU memory"),
        (40, "needs about 24 GB of GPU memory"),
        (16, "or 15 GB if its networks take turns, as they will: 16 GB are free"),
        (8, "8 GB are free: layer by layer it will be very slow; choose a smaller model"),
    ],
)
def test_memory_is_said_in_words(free_gb: float | None, says: str) -> None:
    assert memory_needed(20.5, 12.3, free_gb).endswith(says)


@pytest.mark.parametrize(("free_gb", "count"), [(None, 2), (24, 2), (8, 1), (4, 0)])
def test_substitutes_fit(free_gb: float | None, count: int) -> None:
    found, too_large = substitutes(free_gb)
    assert len(found) == count
    assert len(found) + len(too_large) == len(SUBSTITUTES)
