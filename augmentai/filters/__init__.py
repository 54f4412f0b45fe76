"""Looks at finished variations and tells those that would not help a training set, and why."""

from augmentai.filters.features import Look, look_of
from augmentai.filters.holdout import HeldOut
from augmentai.filters.quality import Verdict, verdict_on
from augmentai.pipeline.deduplicate import Siblings

__all__ = ["HeldOut", "Look", "Siblings", "Verdict", "look_of", "verdict_on"]
