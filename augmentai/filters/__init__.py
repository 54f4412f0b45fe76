"""Looks at finished variations and tells those that would not help a training set, and why."""

from augmentai.filters.held_out import HeldOut
from augmentai.filters.measure import Look, look_of
from augmentai.filters.siblings import Siblings
from augmentai.filters.verdict import Verdict, verdict_on

__all__ = ["HeldOut", "Look", "Siblings", "Verdict", "look_of", "verdict_on"]
