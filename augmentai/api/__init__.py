"""The Python API: `augment` yields variations, `run` writes a set, `Augmenter` augments one image after another, and
`inspect` says what is in a set."""

from augmentai.api.augmentation import Augmentation, Augmenter, AugmentError, RunResult, augment, run
from augmentai.api.inspection import inspect

__all__ = ["AugmentError", "Augmentation", "Augmenter", "RunResult", "augment", "inspect", "run"]
