"""How often `augmentai lift` is wrong: its own protocol on many small sets drawn from large ones.

    from benchmarks.calibration import CalibrationPlan, calibrate, markdown

    print(markdown(calibrate(Path("flowers"), CalibrationPlan(shots=(5,), draws=10), report=print)))

`benchmarks/lift_calibration.py` prints the table for any folders with training and test images of the same classes.
"""

from benchmarks.calibration.calibrate import calibrate
from benchmarks.calibration.plan import CalibrationPlan
from benchmarks.calibration.pool import CalibrationError, Pool, read_pool
from benchmarks.calibration.summary import Answer, Row, markdown, needed, summarise

__all__ = [
    "Answer",
    "CalibrationError",
    "CalibrationPlan",
    "Pool",
    "Row",
    "calibrate",
    "markdown",
    "needed",
    "read_pool",
    "summarise",
]
