"""Does it help? A small classifier trained with and without the variations, tested on clean and on shifted pictures.

    from augmentai.lift import measure, LabelledSet
    rows = measure(LabelledSet.read(Path("flowers.zip")), Plan(shots=10))

`benchmarks/lift.py` prints the table for any folder or ZIP of labelled pictures.
"""

from augmentai.lift.data import LabelledSet, LiftError
from augmentai.lift.protocol import Plan, Row, measure
from augmentai.lift.report import markdown, summary

__all__ = ["LabelledSet", "LiftError", "Plan", "Row", "markdown", "measure", "summary"]
