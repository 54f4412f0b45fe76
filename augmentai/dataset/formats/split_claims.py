"""The split of images that several files speak of: what one of them holds out is held out, and that is reported."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from augmentai.dataset.formats.image_names import named

TRAINVAL = "trainval"  # training, unless another list says more
_HELD_OUT = frozenset({"val", "test"})
STRENGTH = (None, TRAINVAL, "train", "val", "test")  # a held-out image is held out, whatever other files say


def held_out_first(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], frozenset[str]]:
    """The split of each image in a file that may name several for one, and the images that are for training as well.

    Example:
        >>> held_out_first([("a.jpg", "test"), ("a.jpg", "train"), ("b.jpg", "train")])
        ({'a.jpg': 'test', 'b.jpg': 'train'}, frozenset({'a.jpg'}))
    """
    found: dict[str, str] = {}
    training = set()
    for image, split in pairs:
        found[image] = max(found.get(image, split), split, key=STRENGTH.index)
        if split == "train":
            training.add(image)
    return found, frozenset(image for image in training if found[image] != "train")


@dataclass
class SplitClaims:
    """What files say of the split of each image.

    Attributes:
        noun: what such a file is called in notices.

    Example:
        >>> claims = SplitClaims("list")
        >>> for name, split in (("a.jpg", "train"), ("b.jpg", "train"), ("b.jpg", "val")):
        ...     claims.add(name, split, name)
        >>> claims.settle()
        >>> claims.of("a.jpg"), claims.of("b.jpg")
        ('train', 'val')
        >>> claims.notices
        ['1 image (b.jpg): for training in one list, held out in another; held out, so not augmented']
    """

    noun: str
    _splits: dict[Hashable, str | None] = field(default_factory=dict)
    _first: dict[Hashable, str] = field(default_factory=dict)
    _contradicted: dict[Hashable, str] = field(default_factory=dict)
    _all_held_out: bool = False
    _in_folders: dict[str, list[str]] = field(default_factory=dict)

    def add(self, key: Hashable, split: str | None, name: str) -> None:
        """A file says that an image is of a split.

        Args:
            key: what identifies the image.
            split: "train", "val", "test" or `TRAINVAL`; None if the file lists the image and names no split.
            name: what notices call the image.
        """
        before = self._splits.get(key)
        self._splits[key] = strongest = max(before, split, key=STRENGTH.index)
        if split is not None:
            self._first.setdefault(key, split)
        if "train" in {before, split} and strongest != "train":
            self._contradicted[key] = name

    def settle(self) -> None:
        """Call it when all is added: where every training image is held out as well, they are for training.

        Small sets validate on their training images, and a table called test may list the whole set; without this
        nothing would be augmented. The others are then of the split that the first file names.
        """
        self._all_held_out = bool(self._contradicted) and not {"train", TRAINVAL} & set(self._splits.values())
        if self._all_held_out:
            self._splits.update({**self._first, **dict.fromkeys(self._contradicted, "train")})

    def hold_out(self, folders: Mapping[Any, tuple[str | None, str]]) -> None:
        """Hold out the images of folders called validation or test. Call it after `settle`.

        A folder of which the files hold out some images is theirs to divide: Karpathy trains on a part of val2014. A
        folder with all images of the set holds none out.

        Args:
            folders: the split of the folder that each image of the set is in, and that folder.

        Example:
            >>> claims = SplitClaims("list")
            >>> claims.add("val/a.jpg", "train", "val/a.jpg")
            >>> claims.hold_out({"val/a.jpg": ("val", "val"), "b.jpg": (None, "")})
            >>> claims.of("val/a.jpg"), claims.notices
            ('val', ['1 image (val/a.jpg): for training in a list, but in the folder val; held out, so not augmented'])
        """
        if len(set(folders.values())) < 2:
            return
        held_out = {key: place for key, place in folders.items() if key in self._splits and place[0] in _HELD_OUT}
        divided = {folder for key, (_, folder) in held_out.items() if self._splits[key] in _HELD_OUT}
        for key, (split, folder) in held_out.items():
            if folder not in divided and self._splits[key] in {"train", TRAINVAL}:
                self._splits[key] = split
                self._in_folders.setdefault(folder, []).append(str(key[0] if isinstance(key, tuple) else key))

    def of(self, key: Hashable) -> str | None:
        """The split of an image, None if no file names one."""
        split = self._splits.get(key)
        return "train" if split == TRAINVAL else split

    def __bool__(self) -> bool:
        return bool(self._splits)

    def __contains__(self, key: object) -> bool:
        return key in self._splits

    @property
    def notices(self) -> list[str]:
        """Images that one file trains on, and another one or their folder holds out."""
        found = [
            f"{named(images)}: for training in a {self.noun}, but in the folder {folder}; held out, so not augmented"
            for folder, images in self._in_folders.items()
        ]
        return [*self._among_files(), *found]

    def _among_files(self) -> list[str]:
        if not self._contradicted:
            return []
        names = named(self._contradicted.values())
        if self._all_held_out:
            return [f"{names}: all training images are held out by another {self.noun} too; used for training"]
        return [f"{names}: for training in one {self.noun}, held out in another; held out, so not augmented"]
