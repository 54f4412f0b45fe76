"""Do the variations help? A small classifier trained with and without them, tested on clean and on shifted images.

    from augmentai import Recipe
    from benchmarks.from_scratch import LabelledSet, LiftPlan, markdown, measure

    data = LabelledSet.read(Path("flowers.zip"))
    results = measure(data, LiftPlan(shots=10), {"8 variations": Recipe(variations=8)})
    print(markdown(results))

`benchmarks/lift.py` prints the table for any folder or ZIP of labelled images.
"""

from benchmarks.from_scratch.data import LabelledSet, LiftError
from benchmarks.from_scratch.protocol import LiftPlan, LiftResult, measure
from benchmarks.from_scratch.report import markdown, summary

__all__ = ["LabelledSet", "LiftError", "LiftPlan", "LiftResult", "markdown", "measure", "summary"]
