"""Which images must stay in one split: equal and nearly equal ones, and the frames of one clip."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from augmentai.filters.near_duplicates import NearDuplicates, Thumbprint, correlation, grouped
from augmentai.types import Source

_FRAME = re.compile(r"^(?P<clip>.*?)(?P<number>\d+)$")
# Of frames that follow each other: a camera that pans by a twentieth of the image changes 16 of the 64 bits of its
# hash; of unrelated images about 32 differ.
_FRAME_BITS = 16
_FRAME_CORRELATION = 0.7
_CLIP_SHARE = 0.5  # of the frames of a name that must resemble the one before, for the rest to be of the clip as well


def groups_of(
    sources: Sequence[Source], prints: Sequence[Thumbprint | None], same_stems: bool = False
) -> list[list[int]]:
    """Positions in `sources`, in groups that stay together; an image that resembles no other is a group of its own.

    Args:
        sources: all images of a set, sorted.
        prints: the thumbprint of each, None if it cannot be read.
        same_stems: also keep images of the same file name together, whatever folder they are in.
    """

    def pairs() -> Iterator[tuple[int, int]]:
        yield from _equal([source.sha256 for source in sources])
        if same_stems:
            yield from _equal([PurePosixPath(source.path).stem for source in sources])
        yield from _near(prints)
        yield from _frames(sources, prints)

    joined = grouped(len(sources), pairs)
    inside = {position for group in joined for position in group}
    return sorted([*joined, *([position] for position in range(len(sources)) if position not in inside)])


def _equal(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    first: dict[str, int] = {}
    for position, key in enumerate(keys):
        if (before := first.setdefault(key, position)) != position:
            yield before, position


def _near(prints: Sequence[Thumbprint | None]) -> Iterator[tuple[int, int]]:
    index, positions = NearDuplicates(), []
    for position, one in enumerate(prints):
        if one is not None:
            index.add(one)
            positions.append(position)
    for first, second in index.pairs():
        yield positions[first], positions[second]


def _frames(sources: Sequence[Source], prints: Sequence[Thumbprint | None]) -> Iterator[tuple[int, int]]:
    """Frames of the same clip: their names differ in a number alone, and each resembles the one before.

    If most of them do, all frames of that name are one clip, also across a cut. Photographs that are merely numbered
    do not resemble each other.
    """
    clips: dict[str, list[tuple[int, int]]] = defaultdict(list)  # (number of the frame, position)
    for position, source in enumerate(sources):
        path = PurePosixPath(source.path)
        if (name := _FRAME.match(path.stem)) is not None:
            clips[f"{path.parent}/{name['clip']}"].append((int(name["number"]), position))
    for frames in clips.values():
        frames.sort()
        follow = [(one, other) for (_, one), (_, other) in pairwise(frames)]
        near = [pair for pair in follow if _alike(prints[pair[0]], prints[pair[1]])]
        yield from follow if len(frames) > 2 and len(near) >= _CLIP_SHARE * len(follow) else near


def _alike(one: Thumbprint | None, other: Thumbprint | None) -> bool:
    if one is None or other is None or one.plain or other.plain:
        return False
    return (one.hash ^ other.hash).bit_count() <= _FRAME_BITS and correlation(one, other) >= _FRAME_CORRELATION
