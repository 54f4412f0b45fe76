"""Looks at finished variations and tells those that would not help a training set, and why."""

from augmentai.filters.features import ImageFeatures, image_features
from augmentai.filters.holdout import HoldoutIndex
from augmentai.filters.quality import Verdict, judge_quality

__all__ = ["HoldoutIndex", "ImageFeatures", "Verdict", "image_features", "judge_quality"]
