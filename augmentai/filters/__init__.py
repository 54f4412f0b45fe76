"""What rejects variations that would not help a training set, and says why.

`quality` judges a variation by itself, `holdout` against validation and test images, `drift` compares labelled objects,
`semantic` what a network sees in it and in its source, and `other_class` what it sees in it and in the classes of the
set; `features` is what the first two measure. Siblings are compared by the pipeline, which knows their order.
"""

from augmentai.filters.drift import Drift, measure_drift
from augmentai.filters.features import ImageFeatures, image_features
from augmentai.filters.holdout import HoldoutIndex
from augmentai.filters.other_class import KnownClasses, OtherClassFilter, Standard
from augmentai.filters.quality import Verdict, judge_quality
from augmentai.filters.semantic import SemanticFilter

__all__ = [
    "Drift",
    "HoldoutIndex",
    "ImageFeatures",
    "KnownClasses",
    "OtherClassFilter",
    "SemanticFilter",
    "Standard",
    "Verdict",
    "image_features",
    "judge_quality",
    "measure_drift",
]
