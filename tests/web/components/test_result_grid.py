"""What an update of the page's own components sends."""

from __future__ import annotations

from typing import Any

import pytest
from gradio.blocks import postprocess_update_dict

from augmentai.settings import Settings
from augmentai.web.components.file_drop import drop_zone
from augmentai.web.components.result_grid import result_grid


@pytest.mark.parametrize(
    ("component", "update"),
    [(result_grid(), {"items": [], "finished": True, "pair": None}), (drop_zone(Settings()), {"summary": None})],
)
def test_updates_hold_no_addresses(component: Any, update: dict[str, Any]) -> None:
    sent = postprocess_update_dict(component, dict(update))
    assert sent["props"] == update
    assert " at 0x" not in str(sent)
