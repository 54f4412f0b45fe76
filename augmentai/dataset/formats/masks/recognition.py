"""The masks of a set: what is one by its name, belongs to an image, and holds what masks hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.masks.content import Content, read_content
from augmentai.dataset.formats.masks.maps import find_maps
from augmentai.dataset.formats.masks.mask_file import MaskFile, mask_named_by_table
from augmentai.dataset.formats.masks.names import Role, may_be_matte, may_be_soft, says_mask, shows_instances
from augmentai.dataset.formats.masks.pair_tables import PairTable, read_pair_tables
from augmentai.dataset.formats.masks.pairing import Group, Named, Pair, Pairing, find_pairs, group_of
from augmentai.dataset.formats.masks.table_notices import table_notices
from augmentai.dataset.readers.read_report import NameSample
from augmentai.images.file_types import IMAGE_SUFFIXES

_FILES_SAMPLED = 20
_MIN_MASK_FRACTION = 0.9  # of the sampled files of one kind, that must hold what masks hold
_SOFT_WORDS = (
    "values without areas, as depth maps and mattes have; they move with the pixels, and are no classes in other "
    "formats"
)
_MIN_IF_NAMED = 0.6  # the same, if they are called masks


@dataclass
class FoundMasks:
    """The masks of a set. A file is an image or a mask, never both.

    Attributes:
        masks: those of each image that has some, classes before instances.
        instances: the images whose masks show one object each.
        visualizations: files that show the labels of an image and do not move with its pixels, by image.
        orphans: masks and visualizations that belong to no image, or to several.
        shared: the keys of the latter.
        tables: those that name the mask of each image.
        maps: files among the masks and visualizations that are recognised as maps of another kind.
        notices: for the user.
    """

    masks: dict[ImageKey, tuple[MaskFile, ...]] = field(default_factory=dict)
    instances: set[ImageKey] = field(default_factory=set)
    visualizations: dict[ImageKey, tuple[Entry, ...]] = field(default_factory=dict)
    orphans: list[Entry] = field(default_factory=list)
    shared: set[ImageKey] = field(default_factory=set)
    tables: list[PairTable] = field(default_factory=list)
    maps: set[ImageKey] = field(default_factory=set)
    notices: list[str] = field(default_factory=list)

    @property
    def excluded(self) -> set[ImageKey]:
        """The keys of all files that are not images."""
        found = {mask.entry.key for masks in self.masks.values() for mask in masks}
        found |= {entry.key for entries in self.visualizations.values() for entry in entries}
        return found | {entry.key for entry in self.orphans}


def find_masks(tree: Tree, requested: bool = False, labelled: Collection[ImageKey] = ()) -> FoundMasks:
    """The masks of a set.

    Args:
        tree: the files of the set.
        requested: what is named like a mask of an image is one, whatever it holds.
        labelled: the keys of images that another format has labels of: they are nobody's mask, and what is named like
            visualizations of them is that.
    """
    pairing = find_pairs(tree, labelled)
    groups: dict[Group, list[Pair]] = defaultdict(list)
    for pair in pairing.pairs:
        groups[pair.group].append(pair)
    found = FoundMasks(shared=pairing.shared)
    verdicts = {group: _Verdict(pairs, requested) for group, pairs in groups.items() if group[0] is Role.MASK}
    masks = [group for group, verdict in verdicts.items() if verdict.are_masks]
    shown = [group for group in groups if group[0] is Role.VISUALIZATION]
    if not masks and not labelled:  # a set may have its masks in colour alone
        masks = [group for group in shown if _are_in_place(groups[group])]
    if not masks:
        shown = [group for group in shown if _mostly(pair.image.entry.key in labelled for pair in groups[group])]
    for group in (group for group in shown if group not in masks):
        if masks and _Verdict(groups[group], requested=False).are_masks:
            masks.append(group)
        else:
            _add_visualizations(found, groups[group])
    for group in sorted(masks, key=_primary_first):
        verdict = verdicts.get(group)
        _add_masks(found, groups[group], is_soft=verdict is not None and verdict.are_soft)
    _add_named_masks(found, tree, labelled)
    has_masks = bool(masks or found.masks)
    _add_maps(found, tree, labelled)
    if has_masks:
        _add_orphans(found, pairing, {*masks, *shown})
    else:
        _add_masks_alone(found, pairing, tree)
    _add_notices(found, verdicts)
    return found


def _are_in_place(pairs: Sequence[Pair]) -> bool:
    """Whether what is called a visualization is a mask, in a folder beside that of its images."""
    return all(pair.same_place for pair in pairs) and _Verdict(pairs, requested=False).are_masks


def _mostly(verdicts: Iterable[bool]) -> bool:
    counted = list(verdicts)
    return sum(counted) > len(counted) / 2


class _Verdict:
    """What the files of one kind hold, from a sample of them."""

    def __init__(self, pairs: Sequence[Pair], requested: bool) -> None:
        self.pairs = pairs
        self.named = " ".join(filter(None, pairs[0].group[1:]))
        self.sample = pairs[:: max(1, len(pairs) // _FILES_SAMPLED)]
        contents = [read_content(pair.other.entry) for pair in self.sample]
        readable = [content for content in contents if content is not None]
        # Masks that are called so are masks, also if some of them are damaged.
        least = _MIN_IF_NAMED if says_mask(self.named) else _MIN_MASK_FRACTION
        self.are_flat = _most(readable, [content.is_flat for content in readable], least)
        self.are_lossy = any(content.is_lossy for content in readable)
        self.are_gray = _most(readable, [content.is_gray for content in readable])
        self.are_cut_out = _most(readable, [content.is_cut_out for content in readable])
        self.are_soft = not self.are_flat and self._are_soft()
        self.are_masks = requested or (self.are_flat and self._belong(readable)) or self.are_soft

    def _belong(self, contents: Sequence[Content]) -> bool:
        """Whether the names are proof enough: class folders may hold drawings under the same numbers."""
        if all(content.is_label_map for content in contents):
            return True
        if says_mask(self.named) and all(pair.same_place for pair in self.sample):
            return True
        images = [read_content(pair.image.entry) for pair in self.sample]
        if self.named == "" and all(pair.same_place for pair in self.sample):  # a.jpg beside a.png, no a.zip or a.svg
            are_images = any(map(_is_image, self.sample, images))
            return are_images and all(content.is_gray or content.is_few for content in contents)
        return _mostly(image is not None and not image.is_flat for image in images)

    def _are_soft(self) -> bool:
        """Whether these are soft masks, as mattes and depth maps are: nothing but their names says so."""
        has_shades = self.are_gray or (self.are_cut_out and may_be_matte(self.named))
        if not (may_be_soft(self.named) and has_shades and all(pair.is_near for pair in self.pairs)):
            return False
        if all(pair.same_place for pair in self.pairs):
            return True
        images = (read_content(pair.image.entry) for pair in self.sample)
        return _mostly(content is not None and not (content.is_gray or content.is_cut_out) for content in images)


def _is_image(pair: Pair, content: Content | None) -> bool:
    """Whether a file that has its name from an image can be read as one and is called so."""
    return content is not None and PurePosixPath(pair.image.entry.path.lower()).suffix in IMAGE_SUFFIXES


def _most(readable: Sequence[Content], verdicts: Sequence[bool], least: float = _MIN_MASK_FRACTION) -> bool:
    return bool(readable) and sum(verdicts) >= least * len(readable)


def _primary_first(group: Group) -> tuple[bool, bool, str, str]:
    """Classes before instances, and both before maps in colour."""
    role, marker, around = group
    return role is Role.VISUALIZATION, shows_instances(f"{marker} {around}"), marker, around


def _add_masks(found: FoundMasks, pairs: Sequence[Pair], is_soft: bool) -> None:
    counts: dict[ImageKey, int] = defaultdict(int)
    for pair in pairs:
        counts[pair.image.entry.key] += 1
    several = any(count > 1 for count in counts.values())
    are_binary = several and all(
        content is not None and content.is_binary
        for content in (read_content(pair.other.entry) for pair in pairs[: _FILES_SAMPLED // 2])
    )
    for pair in pairs:
        key = pair.image.entry.key
        if are_binary and key not in found.masks:
            found.instances.add(key)
        found.masks[key] = (*found.masks.get(key, ()), replace(_mask_file(pair), is_soft=is_soft))


def _mask_file(pair: Pair) -> MaskFile:
    image_stem = PurePosixPath(pair.image.entry.path).stem
    if pair.span is None:
        return MaskFile(pair.other.entry, image_stem=image_stem, subfolder=True)
    file, (start, end) = pair.other.file, pair.span
    core, suffix = file.stem[start:end], file.stem[end:]
    if suffix:
        suffix += file.tag
    else:
        core += file.tag
    return MaskFile(pair.other.entry, file.stem[:start], suffix, core, image_stem)


def _add_named_masks(found: FoundMasks, tree: Tree, labelled: Collection[ImageKey]) -> None:
    """Masks that a table names, where names alone pair none."""
    found.tables = read_pair_tables(tree)
    known = found.excluded
    pairs = dict.fromkeys(pair for table in found.tables for pair in table.pairs)
    named = {mask.key for _, mask in pairs} - set(labelled)
    users = Counter(mask.key for _, mask in pairs)
    for image, mask in pairs:
        if mask.key in named - known and image.key not in named | known:
            own = mask_named_by_table(mask, image, shared=users[mask.key] > 1)
            found.masks[image.key] = (*found.masks.get(image.key, ()), own)
    found.notices += table_notices(found.tables, {key: [one.entry for one in own] for key, own in found.masks.items()})
    if pairs:
        known |= named | {image.key for image, _ in pairs} | set(labelled)
        folders = {parent(mask.path) for _, mask in pairs} - {parent(image.path) for image, _ in pairs}
        rest = [entry for entry in tree.images if parent(entry.path) in folders and entry.key not in known]
        found.orphans += [entry for entry in rest if (content := read_content(entry)) is not None and content.is_flat]


def _add_maps(found: FoundMasks, tree: Tree, labelled: Collection[ImageKey]) -> None:
    """Maps that move with the pixels, and those whose values would have to change."""
    maps = find_maps(tree, found.excluded | set(labelled))
    for key, moved in maps.moved.items():
        found.masks[key] = (*found.masks.get(key, ()), *moved)
    for key, fixed in maps.fixed.items():
        found.visualizations[key] = (*found.visualizations.get(key, ()), *fixed)
    soft = [mask.entry for moved in maps.moved.values() for mask in moved]
    directions = [entry for fixed in maps.fixed.values() for entry in fixed]
    found.maps = {entry.key for entry in (*soft, *directions)}
    if soft:
        found.notices.append(f"{names_of(soft)}: {_SOFT_WORDS}")
    if directions:
        found.notices.append(
            f"{names_of(directions)}: maps of directions, as normals and optical flow, whose values change where "
            "pixels move; copied with their images, and variations have none"
        )


def _add_visualizations(found: FoundMasks, pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        key = pair.image.entry.key
        found.visualizations[key] = (*found.visualizations.get(key, ()), pair.other.entry)


def _add_orphans(found: FoundMasks, pairing: Pairing, known: set[Group]) -> None:
    """What is named like the masks of this set and belongs to no image."""
    folders = {marker for _, marker, _ in known if marker}
    known_masks = found.excluded
    affixes = {around for _, _, around in known if around}
    for one in pairing.unpaired:
        if one.entry.key in known_masks:
            continue
        in_folder = one.folder.marker in folders and one.folder.role is not Role.IMAGE
        readings = one.file.readings()[1:] if one.file.role is not None else []
        if in_folder or any(group_of(one, span)[2] in affixes for _, span in readings):
            found.orphans.append(one.entry)


def _add_masks_alone(found: FoundMasks, pairing: Pairing, tree: Tree) -> None:
    """What is named like masks and holds what masks hold, in a set where no image has one.

    If the set has nothing else, they are what the user has given.
    """
    alone = [one for one in pairing.unpaired if one.role is Role.MASK]
    flat = [one.entry for one in alone if _holds_labels(one)]
    if flat and len(flat) < len(tree.images):
        found.orphans = flat
    elif flat:
        found.notices.append(f"{names_of(flat)}: look like masks, but no image belongs to them; augmented as images")


def _holds_labels(one: Named) -> bool:
    """Whether a file that is called a mask holds flat areas, or the grey values of a matte or a depth map."""
    content = read_content(one.entry)
    return content is not None and (content.is_flat or (content.is_gray and may_be_soft(one.folder.marker)))


def _add_notices(found: FoundMasks, verdicts: dict[Group, _Verdict]) -> None:
    lone = [entry for entry in found.orphans if entry.key not in found.shared]
    if lone:
        found.notices.append(f"{names_of(lone)}: no image belongs to these masks; they are copied unchanged")
    shared = [entry for entry in found.orphans if entry.key in found.shared]
    if shared:
        found.notices.append(
            f"{names_of(shared)}: each may be the mask of several images; copied unchanged, and variations have none. "
            "To have them move with an image, call each as its image, or name the pairs in a table"
        )
    shown = [entry for entries in found.visualizations.values() for entry in entries if entry.key not in found.maps]
    if shown:
        found.notices.append(
            f"{names_of(shown)}: visualizations of labels are copied with their images; variations have none"
        )
    lossy = [
        pair.other.entry for v in verdicts.values() if v.are_masks and v.are_flat and v.are_lossy for pair in v.pairs
    ]
    if lossy:
        found.notices.append(
            f"{names_of(lossy)}: masks in a lossy format; each pixel is read as the value of an area near it, and "
            "moved masks are written in the same format at its highest quality"
        )
    soft = [pair.other.entry for v in verdicts.values() if v.are_masks and v.are_soft for pair in v.pairs]
    if soft:
        found.notices.append(f"{names_of(soft)}: {_SOFT_WORDS}")
    doubtful = [v for v in verdicts.values() if not v.are_masks and v.named and not v.are_flat]
    photos = [pair.other.entry for v in doubtful if says_mask(v.named) for pair in v.pairs if pair.is_near]
    if photos:
        found.notices.append(f"{names_of(photos)}: named like masks, but not flat as masks are; augmented as images")


def names_of(entries: Sequence[Entry]) -> str:
    """The first few of some files, for a notice."""
    sample = NameSample()
    for entry in entries:
        sample.add(entry.path)
    return str(sample)
