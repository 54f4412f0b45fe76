"""What variations are worth to a model on a given set, measured.

from augmentai import Recipe
from augmentai.lift import measure

report = measure("flowers.zip", {"default": Recipe(variations=8)})
print(report.recipes[0].verdict)
"""

from augmentai.lift.measure import measure
from augmentai.lift.progress import LiftStoppedError
from augmentai.lift.report import ClassLift, Difference, LiftError, LiftReport, RecipeLift

__all__ = ["ClassLift", "Difference", "LiftError", "LiftReport", "LiftStoppedError", "RecipeLift", "measure"]
