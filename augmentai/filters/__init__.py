"""Looks at finished variations and tells those that would not help a training set, and why."""

from augmentai.filters.features import ImageFeatures, image_features
from augmentai.filters.holdout import HoldoutIndex
from augmentai.filters.quality import Verdict, judge_quality
from augmentai.pipeline.deduplicate import Siblings

__all__ = ["HoldoutIndex", "ImageFeatures", "Siblings", "Verdict", "image_features", "judge_quality"]
