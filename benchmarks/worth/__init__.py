"""What techniques are worth to a model on named sets: paired differences by the quick look of `augmentai lift`.

    from benchmarks.worth import Plan, compare, markdown, techniques

    print(markdown(compare([Path("clothing")], techniques("colour"), Plan(shots=(5,), draws=4), report=print)))

`benchmarks/lift_worth.py` prints the table for any folders with training and test images of the same classes.
"""

from benchmarks.worth.compare import Plan, compare
from benchmarks.worth.table import Row, markdown, summarise
from benchmarks.worth.techniques import GROUPS, Technique, techniques

__all__ = ["GROUPS", "Plan", "Row", "Technique", "compare", "markdown", "summarise", "techniques"]
