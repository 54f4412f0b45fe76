"""What variations are worth to a model on a given set, measured."""

from augmentai.lift.report import ClassLift, Difference, LiftError, LiftReport, RecipeLift

__all__ = ["ClassLift", "Difference", "LiftError", "LiftReport", "RecipeLift"]
