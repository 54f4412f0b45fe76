"""Labelled images for the lift measurement: class folders, split into a training and a test part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from augmentai.dataset.readers.gather import Limits, gather
from augmentai.images import decode
from augmentai.plurals import counted
from augmentai.types import Source

SIDE_PX = 64  # of the images that the classifier sees
_MAX_PIXELS = 50_000_000
_MIN_CLASSES, _MIN_PER_CLASS = 2, 4


class LiftError(ValueError):
    """The images cannot be used for a measurement; the message says what was found and what is needed."""


@dataclass(frozen=True)
class LabelledSet:
    """A set of labelled images.

    Args:
        name: For the report.
        classes: Sorted class names.
        train, test: Sources whose `label` is their class.
    """

    name: str
    classes: tuple[str, ...]
    train: tuple[Source, ...]
    test: tuple[Source, ...]

    @classmethod
    def read(cls, path: Path) -> LabelledSet:
        """Read class folders from a folder or a ZIP, with or without train and test (or val) folders above them.

        If there is no test folder, two fifths of the images, chosen by their content, are held out for testing.

        Args:
            path: A folder or a ZIP.

        Raises:
            LiftError: There are fewer than two classes, or fewer than four images of one in either part.
        """
        gathered = gather([path], Limits(1 << 30, 1 << 40))
        if not gathered.sources:
            why = "; ".join(f"{f.file}: {f.reason}" for f in gathered.failures[:3])
            raise LiftError(f"{path}: no image could be read. {why}")
        train, test = list(gathered.sources), [source for source in gathered.holdout if source.split == "test"]
        test = test or list(gathered.holdout)
        if not test:
            train, test = _split(gathered.sources)
        classes = tuple(sorted({source.label for source in train if source.label}))
        if len(classes) < _MIN_CLASSES:
            raise LiftError(f"{path}: {counted(len(classes), 'class folder')} found; a measurement needs two or more")
        for part, sources in (("training", train), ("testing", test)):
            for name in classes:
                if (count := sum(source.label == name for source in sources)) < _MIN_PER_CLASS:
                    raise LiftError(f"{path}: class {name} has {count} images for {part}; 4 or more are needed")
        test = [source for source in test if source.label in classes]
        return cls(path.stem.removeprefix("lift_"), classes, tuple(train), tuple(test))

    def shots(self, count: int, seed: int) -> list[Source]:
        """Draw training images.

        Args:
            count: Images per class; all if there are fewer.
            seed: Determines the choice.
        """
        chosen = []
        for name in self.classes:
            own = [source for source in self.train if source.label == name]
            chosen += sorted(own, key=lambda s: hashlib.sha256(f"{seed}:{s.sha256}:{s.path}".encode()).digest())[:count]
        return chosen

    def pixels(self, sources: Iterable[Source]) -> tuple[Tensor, Tensor]:
        """Decode sources for the classifier: images uint8 (N, 3, 64, 64) and class numbers int64 (N,)."""
        images, numbers = [], []
        for source in sources:
            images.append(to_tensor(decode(source.read(), source.path, _MAX_PIXELS).rgb))
            numbers.append(self.classes.index(source.label or ""))
        return torch.stack(images), torch.tensor(numbers)


def to_tensor(image: Image.Image) -> Tensor:
    """Squeeze an image to the classifier's size, aspect ratio not kept, so that nothing is cropped: uint8 (3, 64, 64).

    Example:
        >>> to_tensor(Image.new("L", (300, 200), 255)).shape
        torch.Size([3, 64, 64])
    """
    resized = image.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, reducing_gap=3.0)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()


def _split(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    """Training and test part, by content alone."""
    for_test = {source.sha256: int(source.sha256[:8], 16) % 5 < 2 for source in sources}
    test = [source for source in sources if for_test[source.sha256]]
    return [source for source in sources if not for_test[source.sha256]], test
