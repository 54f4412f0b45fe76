"""The Python API: `augment` yields variations, `run` writes a set, `Augmenter` augments one image after another."""

from augmentai.api.augmentation import Augmentation, Augmenter, AugmentError, RunResult, augment, run

__all__ = ["AugmentError", "Augmentation", "Augmenter", "RunResult", "augment", "run"]
