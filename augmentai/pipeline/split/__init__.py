"""A split for a set that has none: stratified by class, with what belongs together in one split."""

from augmentai.pipeline.split.make_split import make_split

__all__ = ["make_split"]
