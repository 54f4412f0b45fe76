"""What the network sees of variations is stored, so that measuring one more recipe makes only that recipe's.

Views of the images themselves are found by their pixels (`augmentai.backbone.cached`). Those of variations are found by
what decides them, before anything is made: the recipe, the seed, the images that it may borrow from, the engine's model
and the code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from augmentai.backbone import Backbone
from augmentai.backbone.cache import FeatureFile, feature_file
from augmentai.lift.feature_table import views_of
from augmentai.lift.learners import Learner, LinearProbe
from augmentai.lift.plan import OWN_VIEWS
from augmentai.lift.variations import Maker, VariationViews
from augmentai.operations import build_operations
from augmentai.settings import Settings
from augmentai.types import Source

_IMAGES_AT_ONCE = 64  # read or written: 3 MB
_PACKAGE = Path(__file__).resolve().parents[1]

Ints = np.ndarray[Any, np.dtype[np.int64]]


class VariationCache:
    """Views of variations in the file of the feature cache.

    Args:
        file: where they are stored.
        backbone: what sees them.
        seed: of the measurement.
        folder: for what was read; by default it is in memory.
    """

    def __init__(self, file: FeatureFile, backbone: Backbone, seed: int, folder: Path | None = None) -> None:
        self._file, self._seed = file, seed
        self._backbone, self._width, self._folder = backbone.name, backbone.width, folder
        self._row = 1 + OWN_VIEWS * self._width  # whether anything changed, and features

    def read(self, maker: Maker, sources: Sequence[Source], numbers: Ints) -> VariationViews | None:
        """What `views_of_variations` returned for the same arguments; None if any of it is missing.

        Args:
            maker: what makes them.
            sources: the training images.
            numbers: of these among all training images.
        """
        if not _repeatable(maker):
            return None
        keys = self._keys(maker, sources)
        features = views_of((len(keys), OWN_VIEWS, self._width), folder=self._folder)
        changed = False
        for rows, columns in _parts(len(keys)):
            found = self._file.read(keys[rows], self._row)
            if not all(key in found for key in keys[rows]):
                return None
            known = np.stack([found[key] for key in keys[rows]])
            changed = changed or bool(known[:, 0].any())
            features[columns] = known[:, 1:].reshape(-1, self._width)
        return VariationViews(numbers, features, np.ones((len(keys), OWN_VIEWS), bool), changed=changed)

    def write(self, maker: Maker, sources: Sequence[Source], made: VariationViews) -> None:
        """Store views, unless some are missing or would not be the same another time."""
        if made.failed or not _repeatable(maker):
            return
        keys = self._keys(maker, sources)
        for rows, columns in _parts(len(keys)):
            known = np.full((len(keys[rows]), self._row), made.changed, np.float32)
            known[:, 1:] = made.features[columns].reshape(len(known), -1)
            self._file.write(dict(zip(keys[rows], known, strict=True)))

    def _keys(self, maker: Maker, sources: Sequence[Source]) -> list[bytes]:
        ready = [f"{engine.name} {engine.model_version()}" for engine in maker.engines if engine.readiness().ready]
        parts = ["variations", _code(), self._backbone, self._seed, maker.recipe, ready]
        parts += sorted((one.path, one.sha256, one.label) for one in sources)
        arm = hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).digest()
        rows = (f"{one.sha256} {one.path}".encode("utf-8", "backslashreplace") for one in sources)
        return [hashlib.sha256(arm + row).digest() for row in rows]


def variation_cache(learner: Learner, settings: Settings, seed: int) -> VariationCache | None:
    """The cache of a measurement; None if nothing is to be stored, or if pixels would be.

    Example:
        >>> from augmentai.backbone import load_backbone
        >>> variation_cache(LinearProbe(load_backbone()), Settings(cache_mb=0), seed=1) is None
        True
    """
    file = feature_file(settings)
    if file is None or not isinstance(learner, LinearProbe):
        return None
    return VariationCache(file, learner.eye, seed, learner.folder)


def _parts(images: int) -> Iterator[tuple[slice, tuple[Ints, Ints]]]:
    """A few images at a time: as a part of a list of images, and as numbers of images and views."""
    for start in range(0, images, _IMAGES_AT_ONCE):
        rows = slice(start, min(start + _IMAGES_AT_ONCE, images))
        numbers = np.arange(rows.start, rows.stop)
        yield rows, (np.repeat(numbers, OWN_VIEWS), np.tile(np.arange(OWN_VIEWS), len(numbers)))


def _repeatable(maker: Maker) -> bool:
    """Whether the same request gives the same pixels, by code whose changes are noticed."""
    engines = [engine for engine in maker.engines if engine.readiness().ready]
    if any(engine.paid or engine.may_differ for engine in engines):
        return False
    parts = [*engines, *build_operations(maker.recipe.operations)]
    return all(type(one).__module__.startswith("augmentai.") for one in parts)


@lru_cache(maxsize=1)
def _code() -> str:
    """Changes whenever a module of the package does."""
    found = sorted((str(path.relative_to(_PACKAGE)), path.stat()) for path in _PACKAGE.rglob("*.py"))
    digest = hashlib.sha256()
    for name, known in found:
        digest.update(f"{name} {known.st_size} {known.st_mtime_ns}\n".encode())
    return digest.hexdigest()
