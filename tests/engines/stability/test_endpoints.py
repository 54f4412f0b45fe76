"""Settings of the hosted API that the service would not understand."""

from __future__ import annotations

from typing import Any

import pytest

from augmentai.engines.stability.endpoints import FieldError, request_plan
from augmentai.settings import Settings

PLANS: list[tuple[dict[str, Any], str]] = [
    ({"stability_model": "sdxl"}, "STABILITY_MODEL is 'sdxl'; expected one of sd3.5-large"),
    ({"stability_fields": {"cfg": 3}}, "cfg is not a field of sd3; it knows cfg_scale"),
    ({"stability_fields": {"cfg_scale": "high"}}, "cfg_scale is 'high'; expected a number from 1 to 10"),
    ({"stability_fields": {"style_preset": "nice"}}, "style_preset is 'nice'; expected one of enhance"),
    ({"stability_fields": {"seed": 3}}, "may not set seed"),
    ({"stability_endpoint": "ultra", "stability_fields": {"cfg_scale": 3}}, "cfg_scale is not a field of ultra"),
    (
        {"stability_endpoint": "structure", "stability_fields": {"style_preset": "enhance"}},
        "style_preset is not a field of structure",  # which would accept it and not apply it
    ),
    ({"stability_prices": {"ultr": 3}}, "AUGMENTAI_STABILITY_PRICES names 'ultr'"),
]


@pytest.mark.parametrize(("changes", "says"), PLANS, ids=[says for _, says in PLANS])
def test_settings_that_the_service_would_not_understand(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(FieldError, match=says):
        request_plan(Settings(**changes))
