"""What rejects variations that would not help a training set, and says why.

`quality` judges a variation by itself, `holdout` against validation and test images, `drift` compares labelled objects,
and `semantic` what a network sees in it and in its source; `features` is what the others measure. Siblings are
compared by the pipeline, which knows their order.
"""

from augmentai.filters.drift import Drift, measure_drift
from augmentai.filters.features import ImageFeatures, image_features
from augmentai.filters.holdout import HoldoutIndex
from augmentai.filters.quality import Verdict, judge_quality
from augmentai.filters.semantic import SemanticFilter

__all__ = [
    "Drift",
    "HoldoutIndex",
    "ImageFeatures",
    "SemanticFilter",
    "Verdict",
    "image_features",
    "judge_quality",
    "measure_drift",
]
