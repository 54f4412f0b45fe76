"""`make_split`: a set without a split gets one before anything is planned, the same for the same images and seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from augmentai.annotations import LabelError
from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.made_split import layout_with_split
from augmentai.dataset.formats.masks.companions import without_companions
from augmentai.dataset.formats.object_shapes import classes_in
from augmentai.dataset.image_rows import ImageRows
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.sorted_sources import sort_key
from augmentai.filters.features import SIDE_PX, image_features
from augmentai.filters.near_duplicates import Thumbprint, thumbprint
from augmentai.images import ImageError, decode
from augmentai.pipeline.split.groups import groups_of
from augmentai.pipeline.split.stratify import Group, stratify
from augmentai.plurals import counted
from augmentai.recipe import Recipe, RecipeError
from augmentai.recipe.split_shares import split_shares
from augmentai.system.threads import in_order
from augmentai.types import Source

_NAMED = 5
_TITLES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one image shows. objects: how many of each class; 1 for a class folder or a mask."""

    thumb: Thumbprint | None
    objects: tuple[tuple[str, int], ...]


def make_split(gathered: Gathered, recipe: Recipe, max_pixels: int) -> Gathered:
    """The set with the split that a recipe asks for.

    Every image is decoded at reduced size and every label read once, so this takes as long as an inspection.

    Args:
        gathered: a set without validation and test images, or one that was split here, which stays as it is.
        recipe: `make_split` and `seed` decide, `to` says whether the set is converted.
        max_pixels: larger images are not decoded.

    Returns:
        The set whose sources are the training images; it is the same object if no split is asked for.

    Raises:
        RecipeError: the set has a split already, has too few images, or cannot be written with one in its own format.
    """
    if not recipe.make_split or gathered.made_split:
        return gathered
    _check(gathered, recipe)
    sources = sorted(gathered.sources, key=sort_key)
    seen = list(in_order(partial(_look, max_pixels=max_pixels), sources, "split"))
    groups = groups_of(sources, [one.thumb for one in seen], same_stems=gathered.layout.name == "voc")
    splits = stratify([_group(group, sources, seen, recipe.seed) for group in groups], split_shares(recipe.make_split))
    split_of = {position: split for group, split in zip(groups, splits, strict=True) for position in group}
    divided = [replace(source, split=split_of[number]) for number, source in enumerate(sources)]
    notices = _notices(divided, seen, len(groups), recipe)
    after = with_split(gathered, recipe, divided)
    if gathered.layout.is_in(recipe.to):
        notices += _left_out(after.layout, divided)
    return replace(after, notices=(*gathered.notices, *notices))


def with_split(gathered: Gathered, recipe: Recipe, divided: Sequence[Source]) -> Gathered:
    """The set with a split that was made for it.

    Args:
        gathered: the set without one.
        recipe: says whether the set is converted.
        divided: all its images, sorted by path and hash, each with its split.
    """
    same = gathered.layout.is_in(recipe.to)
    return replace(
        gathered,
        sources=tuple(source for source in divided if source.split == "train"),
        holdout=tuple(source for source in divided if source.split != "train"),
        layout=layout_with_split(gathered.layout, divided) if same else gathered.layout,
        made_split=True,
    )


def _check(gathered: Gathered, recipe: Recipe) -> None:
    asked = f"make_split is {recipe.make_split}"
    if gathered.holdout:  # a set whose images are all for training may be split
        counts = Counter(source.split or "other" for source in (*gathered.sources, *gathered.holdout))
        found = ", ".join(f"{count} {split}" for split, count in counts.items())
        raise RecipeError(f"{asked}, and the set has a split already ({found} images); leave make_split empty")
    needed = len(split_shares(recipe.make_split))
    if len(gathered.sources) < needed:
        raise RecipeError(f"{asked}, and the set has {len(gathered.sources)} images; expected {needed} or more")
    if gathered.layout.is_in(recipe.to):
        layout_with_split(gathered.layout, gathered.sources)  # before the work, which would otherwise be wasted


def _look(source: Source, max_pixels: int) -> _Seen:
    try:
        photo = decode(source.read(), source.path, max_pixels, draft_side_px=SIDE_PX)
        seen = thumbprint(image_features(photo.original, photo.black_white))
    except (ImageError, OSError):
        seen = None  # reported when its turn comes
    return _Seen(seen, tuple(sorted(_objects(source).items())))


def _objects(source: Source) -> Mapping[str, int]:
    if source.label is not None or source.labels is None:
        return {} if source.label is None else {source.label: 1}
    try:
        labels = source.labels.load()
    except (LabelError, OSError):
        return {}  # reported when its turn comes
    counted = Counter(shape.category for shape in labels.shapes)
    return counted or dict.fromkeys(classes_in(labels), 1)


def _group(members: Sequence[int], sources: Sequence[Source], seen: Sequence[_Seen], seed: int) -> Group:
    images, objects = Counter[str](), Counter[str]()
    for position in members:
        for name, count in seen[position].objects:
            images[name] += 1
            objects[name] += count
    first = min(sources[position].sha256 + sources[position].path for position in members)
    order = hashlib.sha256(f"{seed}:split:{first}".encode("utf-8", "backslashreplace")).hexdigest()
    return Group(order, len(members), images, objects)


def _left_out(layout: Layout, divided: Sequence[Source]) -> list[str]:
    """What the written set will not have of what the set has, in the words of a run's report."""
    known = dict(layout.losses)
    rows = ImageRows([without_companions(source) for source in divided], lambda source: source.path, [])
    for _ in layout.dataset_files(rows):  # each names a file; none of them is written
        pass
    found = [words for words in layout.losses if words not in known]
    for words in found:
        del layout.losses[words]
    return found


def _notices(divided: Sequence[Source], seen: Sequence[_Seen], groups: int, recipe: Recipe) -> list[str]:
    counts = Counter(source.split for source in divided)
    parts = ", ".join(f"{counts[split]} {_TITLES[split]}" for split in split_shares(recipe.make_split))
    notices = [f"split by class into {parts} images (seed {recipe.seed}); only training images are augmented"]
    if (together := len(divided) - groups) > 0:
        stay = counted(together, "near-duplicate or frame of a clip stays", "near-duplicates or frames of a clip stay")
        notices[0] += f"; {stay} with the image that {'it resembles' if together == 1 else 'they resemble'}"
    shown: dict[str, set[str | None]] = {}
    for source, one in zip(divided, seen, strict=True):
        for name, _ in one.objects:
            shown.setdefault(name, set()).add(source.split)
    for split in split_shares(recipe.make_split):
        missing = sorted(name for name, splits in shown.items() if split not in splits)
        if missing:
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            named = ", ".join(missing[:_NAMED]) + more
            notices.append(f"no {_TITLES[split]} image shows {named}: there are too few images of it")
    return notices
