"""Do the variations help? A small classifier trained with and without them, tested on clean and on shifted images.

    from augmentai import Recipe
    from augmentai.lift import LabelledSet, LiftPlan, markdown, measure

    data = LabelledSet.read(Path("flowers.zip"))
    results = measure(data, LiftPlan(shots=10), {"8 variations": Recipe(variations=8)})
    print(markdown(results))

`benchmarks/lift.py` prints the table for any folder or ZIP of labelled images.
"""

from augmentai.lift.data import LabelledSet, LiftError
from augmentai.lift.protocol import LiftPlan, LiftResult, measure
from augmentai.lift.report import markdown, summary

__all__ = ["LabelledSet", "LiftError", "LiftPlan", "LiftResult", "markdown", "measure", "summary"]
