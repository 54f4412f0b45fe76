"""The Python API: `augment` yields variations, `run` writes a set, `Augmenter` augments one image after another,
`inspect` says what is in a set, and `preview_masks` what would be cut out of its images."""

from augmentai.api.augmentation import Augmentation, Augmenter, AugmentError, RunResult, augment, run
from augmentai.api.inspection import inspect, preview_masks

__all__ = ["AugmentError", "Augmentation", "Augmenter", "RunResult", "augment", "inspect", "preview_masks", "run"]
