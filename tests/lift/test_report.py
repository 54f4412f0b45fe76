"""What a report says as JSON."""

from __future__ import annotations

import json

from augmentai.lift import ClassLift, Difference, LiftReport, RecipeLift


def test_json_keeps_the_order_asked_and_lists_intervals() -> None:
    recipes = (
        RecipeLift(
            "small", "cannot tell", 0.4, (-1.2, 2.0), 120, needs=1900, per_class=(ClassLift("a", 60, 1, (0, 2)),)
        ),
        RecipeLift("large", "helps", 6.0, (2.1, 9.8), 120, shifted=Difference(3.0, (1.0, 5.0))),
    )
    report = LiftReport(
        "pets", "classification", "probe", "test", 3, 120, 60, 10, 7, "tiny", 21.0, recipes, ("a note",)
    )
    found = json.loads(json.dumps(report.as_dict()))
    assert [one["recipe"] for one in found["recipes"]] == ["small", "large"]
    assert found["recipes"][0]["interval"] == [-1.2, 2.0]
    assert found["recipes"][0]["per_class"] == [{"name": "a", "pictures": 60, "difference": 1, "interval": [0, 2]}]
    assert found["recipes"][0]["shifted"] is None
    assert found["recipes"][1]["shifted"] == {"difference": 3.0, "interval": [1.0, 5.0]}
    assert found["notes"] == ["a note"]
