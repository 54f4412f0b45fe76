"""The masks on the page: when they are looked for, and what is said if they cannot be found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from augmentai.settings import Settings
from augmentai.web.access.visitors import Visitors
from augmentai.web.handlers.masks import MaskHandlers
from augmentai.web.parsing.pool import ParsingPool

UPLOADS = [("a.png", "/uploads/1/a.png")]
BEGUN = {
    # the uploads, the operations, whether masks are looked for
    "an operation that cuts": (UPLOADS, ["flip", "background(ground=plain)"], True),
    "no image": ([], ["background"], False),
    "nothing that cuts": (UPLOADS, ["flip"], False),
    "no operation": (UPLOADS, [], False),
    "half typed": (UPLOADS, ["background(ground="], False),
}


@pytest.fixture
def pool() -> Iterator[ParsingPool]:
    pool = ParsingPool(seconds=60, megabytes=4000)
    yield pool
    pool.close()


@pytest.fixture
def handlers(pool: ParsingPool) -> MaskHandlers:
    return MaskHandlers(Settings(), Visitors(Settings()), pool)


@pytest.mark.parametrize(("uploads", "operations", "wanted"), BEGUN.values(), ids=BEGUN)
def test_masks_are_looked_for_only_where_something_is_cut(
    handlers: MaskHandlers, uploads: Any, operations: list[str], wanted: bool
) -> None:
    updates = handlers.begin(uploads, operations, None)
    assert updates["masks"].visible is wanted
    assert bool(updates["masks_strip"]) is wanted


def test_names_of_files_are_text(handlers: MaskHandlers, tmp_path: Path) -> None:
    name = "cats & dogs.png"
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "a.png")
    request: Any = gr.Request(session_hash="one")
    updates = handlers.show([(name, str(tmp_path / "a.png"))], ["background"], None, request)
    assert "cats &amp; dogs.png" in updates["masks_strip"]
    assert "0 of 1 image gets another background; 1 stays as it is" in updates["masks_strip"]
