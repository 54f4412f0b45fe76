"""A measurement as `augmentai.lift.measure` returns it, made up: each verdict once."""

from __future__ import annotations

from augmentai.lift import ClassLift, Difference, LiftReport, RecipeLift

REPORT = LiftReport(
    set="pets",
    task="classification",
    method="probe",
    split="test",
    classes=3,
    pictures=120,
    training=60,
    repeats=10,
    seed=7,
    backbone="efficientnet-lite0",
    seconds=21.0,
    recipes=(
        RecipeLift("light", "cannot tell", 0.4, (-1.2, 2.0), 120, 1900, accuracy=65.4, baseline=65.0),
        RecipeLift(
            "strong | *bold*",
            "hurts",
            -4.0,
            (-7.0, -1.0),
            120,
            shifted=Difference(-2.0, (-6.0, 2.0)),
            accuracy=61.0,
            baseline=65.0,
            failed=2,
            notes=("2 variations could not be made",),
        ),
        RecipeLift(
            "signs",
            "helps",
            4.2,
            (1.1, 7.3),
            120,
            per_class=(ClassLift("cats", 60, 5.0, (1.0, 9.0)), ClassLift("<b>dogs</b>", 60, 3.4, (-2.0, 8.0))),
            shifted=Difference(6.0, (2.0, 10.0)),
            accuracy=69.2,
            baseline=65.0,
        ),
    ),
    notes=("a quick look: an alarm for effects of about 5 points",),
)
