"""Labelled pictures for the lift measurement: class folders, split into a training and a test part."""

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
from augmentai.types import Source

SIDE_PX = 64  # of the pictures that the classifier sees
_MAX_PIXELS = 50_000_000
_LEAST_CLASSES, _LEAST_A_CLASS = 2, 4


class LiftError(ValueError):
    """The pictures given cannot be used to measure; the message says what was found and what is needed."""


@dataclass(frozen=True)
class LabelledSet:
    """A set of labelled pictures. train, test: sources whose `label` is their class; classes: sorted names."""

    name: str
    classes: tuple[str, ...]
    train: tuple[Source, ...]
    test: tuple[Source, ...]

    @classmethod
    def read(cls, place: Path) -> LabelledSet:
        """Class folders in a folder or a ZIP, with or without train and test (or val) folders above them.

        Where there is no test folder, two fifths of the pictures, chosen by their content, are kept for testing.
        Raises LiftError where there are fewer than two classes or fewer than four pictures of one.
        """
        gathered = gather([place], Limits(1 << 30, 1 << 40))
        if not gathered.sources:
            why = "; ".join(f"{f.file}: {f.reason}" for f in gathered.failures[:3])
            raise LiftError(f"{place}: no picture could be read. {why}")
        train, test = list(gathered.sources), [source for source in gathered.holdout if source.split == "test"]
        test = test or list(gathered.holdout)
        if not test:
            train, test = _parted(gathered.sources)
        classes = tuple(sorted({source.label for source in train if source.label}))
        if len(classes) < _LEAST_CLASSES:
            raise LiftError(f"{place}: {len(classes)} class folder(s) found; measuring needs two or more")
        for part, sources in (("training", train), ("testing", test)):
            for name in classes:
                if (count := sum(source.label == name for source in sources)) < _LEAST_A_CLASS:
                    raise LiftError(f"{place}: class {name} has {count} pictures for {part}; 4 or more are needed")
        test = [source for source in test if source.label in classes]
        return cls(place.stem.removeprefix("lift_"), classes, tuple(train), tuple(test))

    def shots(self, count: int, seed: int) -> list[Source]:
        """`count` training pictures of each class, or all where there are fewer; which ones hangs on the seed."""
        chosen = []
        for name in self.classes:
            own = [source for source in self.train if source.label == name]
            chosen += sorted(own, key=lambda s: hashlib.sha256(f"{seed}:{s.sha256}:{s.path}".encode()).digest())[:count]
        return chosen

    def pixels(self, sources: Iterable[Source]) -> tuple[Tensor, Tensor]:
        """Decoded and squeezed to the classifier's side: uint8 (N, 3, 64, 64), and the classes' numbers (N,)."""
        pairs = [(small(decode(s.read(), s.path, _MAX_PIXELS).rgb), self.classes.index(s.label or "")) for s in sources]
        return torch.stack([picture for picture, _ in pairs]), torch.tensor([number for _, number in pairs])


def small(picture: Image.Image) -> Tensor:
    """uint8 (3, 64, 64): the whole picture, its aspect not kept, so that nothing of it is lost."""
    resized = picture.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, reducing_gap=3.0)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()


def _parted(sources: Sequence[Source]) -> tuple[list[Source], list[Source]]:
    for_test = {source.sha256: int(source.sha256[:8], 16) % 5 < 2 for source in sources}
    test = [source for source in sources if for_test[source.sha256]]
    return [source for source in sources if not for_test[source.sha256]], test
