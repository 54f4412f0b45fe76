"""How much variations differ from their source, and from each other, measured by what two images of a class differ.

A difference is one minus the cosine of the features of a pretrained network. By itself it says little; as a share of
what separates two different images of the same class, it says how much of such a new image a variation is.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from augmentai.backbone import Backbone, load_backbone, square
from augmentai.dataset.manifest import is_large, is_made
from augmentai.dataset.sorted_sources import find_source
from augmentai.images import ImageError, decode
from augmentai.plurals import counted
from augmentai.system.threads import in_order
from augmentai.types import Source

MOST_SOURCES = 24
LEAST_SOURCES = 8  # of fewer, the mean over pairs says nothing
_LEAST_PAIRS = 4  # of different images of a class
_OF_A_SOURCE = 2  # variations
_OF_A_CLASS = 2  # images in turn, so that there are pairs also in sets of many classes
_CANDIDATES = 4096  # lines of the manifest that are kept in memory

_Key = tuple[str, str]  # hash and path of a source
_Line = tuple[str, str, int, str, str, bool]  # hash and path of its source, index, file, label, whether it is large


@dataclass(frozen=True)
class Diversity:
    """Mean differences between images of a sample: 0 for the same features, about 1 for unrelated ones.

    Attributes:
        from_source: between a variation and its source.
        between_siblings: between two variations of a source; None if no source has two.
        between_sources: between two different sources of the same class, or of the set if it has no classes.
        classes: whether the set has classes.
        variations, sources: the size of the sample.

    Example:
        >>> Diversity(0.05, 0.03, 0.4, True, 48, 24).sentence()[:73]
        'variations differ from their source by 12 % of what two images of a class'
    """

    from_source: float
    between_siblings: float | None
    between_sources: float
    classes: bool
    variations: int
    sources: int

    def sentence(self) -> str:
        """What was measured, in words."""
        two = "a class" if self.classes else "the set"
        words = (
            f"variations differ from their source by {self._share(self.from_source)} of what two images of {two} differ"
        )
        if self.between_siblings is not None:
            words += f", and from each other by {self._share(self.between_siblings)}"
        return f"{words} ({counted(self.variations, 'variation')} of {counted(self.sources, 'image')} compared)"

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {**asdict(self), "sentence": self.sentence()}

    def _share(self, difference: float) -> str:
        return f"{100 * difference / self.between_sources:.0f} %"


def measure_diversity(
    entries: Iterable[Mapping[str, Any]],
    sources: Sequence[Source],
    read: Callable[[str], bytes],
    max_pixels: int,
    load: Callable[[], Backbone] = load_backbone,
) -> Diversity | None:
    """Compare at most 48 variations of 24 sources with their sources and with each other.

    The sample is chosen by hash, so the same dataset gives the same figures, however often its run was resumed. Images
    that cannot be read are left out.

    Args:
        entries: the lines of the manifest, parsed, in any order.
        sources: sorted by (path, hash).
        read: returns the bytes of a file of the output, by its relative path.
        max_pixels: images with more are skipped.
        load: loads the network.

    Returns:
        The differences; None with fewer than 8 sources, or fewer than 4 pairs of different images of a class.

    Raises:
        BackboneError: the network cannot be loaded.
    """
    chosen = _choose(entries)
    if len(chosen) < LEAST_SOURCES or len(_pairs(chosen)) < _LEAST_PAIRS:
        return None
    backbone = load()
    images: list[np.ndarray] = []
    places: dict[_Key, list[int]] = {}  # in `images`: a source, then its variations
    squares = partial(_squares, max_pixels, backbone.side_px)
    has_large = any(line[5] for lines in chosen.values() for line in lines)
    for key, found in in_order(squares, _files(chosen, sources, read), "diversity", one_by_one=has_large):
        if found:
            places[key] = list(range(len(images), len(images) + len(found)))
            images += found
    chosen = {key: chosen[key] for key in places}
    pairs = _pairs(chosen)
    if len(places) < LEAST_SOURCES or len(pairs) < _LEAST_PAIRS:
        return None
    unit = backbone.features(np.stack(images))
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-6)

    def mean(couples: Iterable[tuple[int, int]]) -> float | None:
        found = [1.0 - float(unit[one] @ unit[other]) for one, other in couples]
        # Rounded: the last bits of features depend on the machine.
        return round(float(np.mean(found)), 3) if found else None

    own = mean((group[0], other) for group in places.values() for other in group[1:])
    siblings = mean(pair for group in places.values() for pair in combinations(group[1:], 2))
    yardstick = mean((places[one][0], places[other][0]) for one, other in pairs)
    if not yardstick or own is None:
        return None  # all images are the same
    has_classes = any(lines[0][4] for lines in chosen.values())
    return Diversity(own, siblings, yardstick, has_classes, len(images) - len(places), len(places))


def _choose(entries: Iterable[Mapping[str, Any]]) -> dict[_Key, list[_Line]]:
    """The variations to compare, by source: of each class in turn two sources, those of the smallest hashes."""
    groups: dict[_Key, list[_Line]] = {}
    for line in heapq.nsmallest(_CANDIDATES, map(_line, filter(is_made, entries))):
        group = groups.setdefault(line[:2], [])
        if len(group) < _OF_A_SOURCE:
            group.append(line)
    classes: dict[str, list[_Key]] = {}
    for key, lines in groups.items():
        classes.setdefault(lines[0][4], []).append(key)
    chosen: list[_Key] = []
    for start in range(0, max(map(len, classes.values()), default=0), _OF_A_CLASS):
        for keys in classes.values():
            chosen += keys[start : start + _OF_A_CLASS]
        if len(chosen) >= MOST_SOURCES:
            break
    return {key: groups[key] for key in chosen[:MOST_SOURCES]}


def _line(entry: Mapping[str, Any]) -> _Line:
    place = entry["source_sha256"], entry["source"], entry["index"], entry["file"]
    return *place, entry["label"] or "", is_large(entry)


def _pairs(chosen: Mapping[_Key, Sequence[_Line]]) -> list[tuple[_Key, _Key]]:
    """All pairs of different images of the same class."""
    same_class = (pair for pair in combinations(chosen, 2) if chosen[pair[0]][0][4] == chosen[pair[1]][0][4])
    return [(one, other) for one, other in same_class if one[0] != other[0]]


def _files(
    chosen: Mapping[_Key, Sequence[_Line]], sources: Sequence[Source], read: Callable[[str], bytes]
) -> Iterator[tuple[_Key, list[tuple[str, bytes]]]]:
    """(name, bytes) of each source and its variations; sources of which any cannot be read are left out."""
    for key, lines in chosen.items():
        source = find_source(sources, key[1], key[0])
        if source is not None:
            with suppress(OSError, KeyError):
                yield key, [(source.path, source.read()), *((line[3], read(line[3])) for line in lines)]


def _squares(
    max_pixels: int, side_px: int, of_a_source: tuple[_Key, list[tuple[str, bytes]]]
) -> tuple[_Key, list[np.ndarray]]:
    """The images of a source as the network sees them; none if one of them cannot be decoded."""
    key, files = of_a_source
    try:
        return key, [
            square(decode(data, name, max_pixels, draft_side_px=side_px).flattened(), side_px) for name, data in files
        ]
    except ImageError:
        return key, []
