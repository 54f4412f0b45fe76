"""Maps of what an image shows at each pixel, in colour: surface normals, optical flow, albedo, edges, saliency.

They hold what photographs hold, so that names alone are no proof: each must belong to an image, and normals must be
vectors of length 1, since "normal" is a class more often than a map.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.masks.mask_file import MaskFile
from augmentai.dataset.formats.masks.names import Role, read_folder
from augmentai.dataset.formats.splits import split_named
from augmentai.images.decode import FORMATS, load_decoders

_NORMALS = frozenset({"normal", "normals"})
_DIRECTIONS = _NORMALS | {"flow", "flows", "opticalflow", "optflow", "sceneflow"}
_PLACES = frozenset(
    {"edge", "edges", "saliency", "heatmap", "heatmaps", "confidence", "albedo", "shading", "reflectance"}
    | {"specular", "roughness", "disp", "disparity", "depth", "depths", "scribble", "scribbles"}
)
_MAPS = _DIRECTIONS | _PLACES
_FILLER = frozenset({"map", "maps", "surface", "optical", "gt", "occ", "noc", "vis", "image", "images", "estimated"})
_IMAGE_WORDS = frozenset({"rgb", "image", "img", "color", "colour", "photo", "frame", "left", "im"})
_TOKEN = re.compile(r"[A-Za-z][a-z]*|[A-Z]+|\d+")
_PIECE = re.compile(r"[^-_. ]+")
_MIN_PAIRED = 0.9  # of the files of one kind, that belong to an image
_FILES_SAMPLED = 10
_MIN_UNIT_VECTORS = 0.8  # of the pixels
_LENGTHS = (0.85, 1.15)
_LARGEST_FILE_BYTES = 1 << 28


@dataclass
class FoundMaps:
    """The maps of a set.

    Attributes:
        moved: those that move with the pixels of an image, by image.
        fixed: those whose values are directions, which change when pixels move, by image.
    """

    moved: dict[ImageKey, list[MaskFile]] = field(default_factory=lambda: defaultdict(list))
    fixed: dict[ImageKey, list[Entry]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class _Map:
    """A file that is called as a map.

    Attributes:
        kind: the word that says so.
        marker: what the files of one kind share.
        folder: its folders, with "*" for the one that says what the files are; "" where their names say it.
        stem: what its image is called.
        prefix, suffix: what is around that in its own name.
    """

    entry: Entry
    kind: str
    marker: str
    folder: str
    stem: str
    prefix: str = ""
    suffix: str = ""


def find_maps(tree: Tree, taken: Container[ImageKey]) -> FoundMaps:
    """The maps of a set, by their names, by the images that they belong to, and by what they hold.

    Args:
        tree: the files of the set.
        taken: the keys of files that are known to be something: masks, images with labels of their own.
    """
    named = [one for entry in tree.images if entry.key not in taken and (one := _read(entry)) is not None]
    found = FoundMaps()
    if not named:
        return found
    maps = {one.entry.key for one in named}
    images = _Images([entry for entry in tree.images if entry.key not in maps])
    groups: dict[tuple[str, str], list[tuple[_Map, Entry | None]]] = defaultdict(list)
    for one in named:
        groups[one.kind, one.marker].append((one, images.of(one)))
    for (kind, _), pairs in groups.items():
        paired = [(one, image) for one, image in pairs if image is not None]
        if len(paired) < _MIN_PAIRED * len(pairs) or (kind in _NORMALS and not _are_normals([m for m, _ in paired])):
            continue
        for one, image in paired:
            if kind in _DIRECTIONS:
                found.fixed[image.key].append(one.entry)
            else:
                mask = MaskFile(one.entry, one.prefix, one.suffix, one.stem, _name(image), is_soft=True)
                found.moved[image.key].append(mask)
    return found


def is_called_map(entry: Entry) -> bool:
    """Whether the name of a file, or of a folder that it is in, is that of a map."""
    return _read(entry) is not None


def _read(entry: Entry) -> _Map | None:
    """What the name of a file says, its own name before its folders'; None if that is no map."""
    pieces = [(match.start(), match.end(), match[0].casefold()) for match in _PIECE.finditer(_name(entry))]
    if len(pieces) > 1:
        stem = _name(entry)
        if pieces[-1][2] in _MAPS:
            end = pieces[-2][1]
            return _Map(entry, pieces[-1][2], f"*{pieces[-1][2]}", "", stem[:end], "", stem[end:])
        if pieces[0][2] in _MAPS:
            start = pieces[1][0]
            return _Map(entry, pieces[0][2], f"{pieces[0][2]}*", "", stem[start:], stem[:start], "")
    parts = parent(entry.path).split("/")
    for place in range(len(parts) - 1, -1, -1):
        kind = _kind_of(parts[place])
        if kind:
            folder = "/".join([*parts[:place], "*", *parts[place + 1 :]])
            return _Map(entry, kind, parts[place], folder, _name(entry))
    return None


@lru_cache(maxsize=4096)
def _kind_of(folder: str) -> str:
    """The word that says that a folder holds maps; "" if none does, or if the rest of its name says something else."""
    words = [word.casefold() for word in _TOKEN.findall(folder)]
    kinds = [word for word in words if word in _MAPS]
    is_all = all(word in _MAPS | _FILLER or word.isdigit() or split_named(word) for word in words)
    return kinds[-1] if kinds and is_all else ""


class _Images:
    """Images by where they are and what they are called."""

    def __init__(self, images: Sequence[Entry]) -> None:
        self._by_place: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
        for image in images:
            folder, stem = parent(image.path), _name(image).casefold()
            self._by_place[image.origin, folder, stem].append(image)
            parts = folder.split("/")
            for place, part in enumerate(parts):
                if read_folder(part).role is Role.IMAGE:
                    kept = "/".join([*parts[:place], "*", *parts[place + 1 :]])
                    self._by_place[image.origin, kept, stem].append(image)
            words = _PIECE.findall(stem)
            if len(words) > 1 and words[0] in _IMAGE_WORDS:  # "rgb_000" beside "normal_000"
                self._by_place[image.origin, folder, stem[len(words[0]) + 1 :]].append(image)
            elif len(words) > 1 and words[-1] in _IMAGE_WORDS:
                self._by_place[image.origin, folder, stem[: -len(words[-1]) - 1]].append(image)

    def of(self, one: _Map) -> Entry | None:
        """The image that a map belongs to; None if there is none, or more than one."""
        stem, origin = one.stem.casefold(), one.entry.origin
        places = (
            [one.folder, one.folder.replace("/*", "").removeprefix("*")] if one.folder else [parent(one.entry.path)]
        )
        for place in places:
            found = self._by_place.get((origin, place.strip("/"), stem), [])
            if found:
                return found[0] if len(found) == 1 else None
        return None


def _are_normals(maps: Sequence[_Map]) -> bool:
    """Whether the pixels of a sample are vectors of length 1, in colours from -1 to 1."""
    sample = maps[:: max(1, len(maps) // _FILES_SAMPLED)]
    return sum(map(_is_normals, sample)) >= _MIN_PAIRED * len(sample)


def _is_normals(one: _Map) -> bool:
    load_decoders()
    try:
        with Image.open(io.BytesIO(one.entry.read(_LARGEST_FILE_BYTES)), formats=FORMATS) as opened:
            small = opened.convert("RGB").resize((64, 64), Image.Resampling.NEAREST)
    except Exception:
        return False
    values = np.asarray(small, float)
    known = values.any(-1)  # black where nothing was measured
    lengths = np.linalg.norm(values / 127.5 - 1, axis=-1)[known]
    low, high = _LENGTHS
    return bool(len(lengths)) and float(((lengths > low) & (lengths < high)).mean()) >= _MIN_UNIT_VECTORS


def _name(entry: Entry) -> str:
    return entry.name_stem
