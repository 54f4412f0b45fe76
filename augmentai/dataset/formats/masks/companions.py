"""Files of an image that its format does not know of: masks next to other labels, drawings of labels, captions.

A set in YOLO's format may keep masks as well, a COCO set its overlays. A reader around the format's own adds them, and
what writes the set asks here for their files. Masks move with their images and are never images themselves; captions
stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from augmentai.annotations import LabelReader, Labels
from augmentai.dataset.file_tree import Entry, Tree
from augmentai.dataset.formats.base import ImageInfo, ImageKey, Layout, OutputFile
from augmentai.dataset.formats.caption_conflicts import Captioned, caption_notices
from augmentai.dataset.formats.captions import captions_for, find_captions, first_caption
from augmentai.dataset.formats.masks.dataset import MaskLabels, MaskLayout, written_masks
from augmentai.dataset.formats.masks.mask_file import instance_masks
from augmentai.dataset.formats.masks.recognition import find_masks, names_of
from augmentai.dataset.formats.masks.unnamed import unnamed_masks
from augmentai.dataset.formats.texts import KEEP_TRUE, captions_in, captions_of, is_sentence
from augmentai.types import Source

_LABELS_SAMPLED = 20


@dataclass(frozen=True, slots=True)
class AccompaniedLabels:
    """Reads the labels of one image in the set's own format, and adds its masks as the last of `other_masks`.

    Attributes:
        own: the reader of the format; None if it knows no labels of the image.
        masks: masks and visualizations.
        captions: texts that describe the image.
    """

    own: LabelReader | None
    masks: MaskLabels
    captions: tuple[Entry, ...] = ()

    def load(self) -> Labels:
        labels = self.own.load() if self.own is not None else Labels()
        added = tuple(loaded.image for loaded in self.masks.read())
        numbered = instance_masks(self.masks.masks, len(labels.masks)).get("instance_masks", ())
        known = (*labels.extra.get("instance_masks", ()), *numbered)
        extra = {**labels.extra, "instance_masks": known} if known else labels.extra
        return replace(labels, other_masks=(*labels.other_masks, *added), extra=extra)


def attach_masks(layout: Layout, tree: Tree, requested: bool = False) -> None:
    """Find the masks and visualizations next to the labels of a set: they are no longer images of the layout.

    In a set of classes alone no mask belongs to an image, else its format would be another.

    Args:
        layout: the set as its format recognised it; changed.
        tree: the files of the set.
        requested: the user asked for this format.
    """
    if isinstance(layout, MaskLayout):
        return
    if not layout.labelled:
        _attach_to_classes(layout, tree, requested)
        return
    own = {key for key, info in layout.images.items() if _has_own_labels(layout, key, info)}
    rest = Tree([entry for entry in tree.images if entry.key not in layout.excluded], tree.sidecars)
    found = find_masks(rest, labelled=own)
    layout.excluded |= found.excluded
    layout.notices += found.notices
    layout.orphans += found.orphans
    layout.masks = dict(found.masks)
    entries = {entry.key: entry for entry in rest.images}
    for key in found.excluded:
        layout.images.pop(key, None)
    for key in {*found.masks, *found.visualizations} - found.excluded:
        info = layout.images.get(key, ImageInfo())
        masks = MaskLabels(entries[key], found.masks.get(key, ()), False, found.visualizations.get(key, ()))
        layout.images[key] = ImageInfo(info.label, info.split, AccompaniedLabels(info.labels, masks))


def attach_captions(layout: Layout, tree: Tree) -> None:
    """Find the captions of the images of a set.

    Args:
        layout: the set as its format recognised it, with its masks attached; changed.
        tree: the files of the set.
    """
    found = find_captions(layout, tree)
    described: list[Captioned] = []
    for entry in tree.images if found else ():
        if entry.key in found:
            info = layout.images.get(entry.key, ImageInfo())
            labels = info.labels
            own = labels.own if isinstance(labels, AccompaniedLabels) else labels
            if own is not None and not isinstance(own, MaskLabels):
                described.append((entry, found[entry.key], own))
            if not isinstance(labels, AccompaniedLabels):
                labels = AccompaniedLabels(labels, MaskLabels(entry, ()))
            layout.images[entry.key] = replace(info, labels=replace(labels, captions=found[entry.key]))
    layout.notices += caption_notices(described)
    layout.notices += _notices_of_texts(layout)


def _notices_of_texts(layout: Layout) -> Iterator[str]:
    """That the labels of a set have captions, as far as a sample shows."""
    readers = [
        info.labels for info in layout.images.values() if info.labels is not None and info.split in {None, "train"}
    ]
    for reader in readers[:: max(1, len(readers) // _LABELS_SAMPLED)]:
        own = reader.own if isinstance(reader, AccompaniedLabels) else reader
        if own is not None and not isinstance(own, MaskLabels) and any(map(is_sentence, captions_in(own))):
            yield f"captions in the labels are copied to variations unchanged; {KEEP_TRUE}"
            return


def _attach_to_classes(layout: Layout, tree: Tree, requested: bool) -> None:
    """Masks in a set of classes: none is an image, unless class folders were asked for."""
    found = find_masks(tree)
    if requested and found.masks:
        masks = [mask.entry for group in found.masks.values() for mask in group]
        layout.notices.append(f"{names_of(masks)}: masks, augmented as images, since the layout is class folders")
    if requested:
        return
    orphans, notices = found.orphans, found.notices
    if not orphans and not notices:
        orphans, notices = unnamed_masks(tree)
    layout.notices += notices
    layout.orphans += orphans
    layout.excluded |= {entry.key for entry in orphans}
    for entry in orphans:
        layout.images.pop(entry.key, None)


def _has_own_labels(layout: Layout, key: ImageKey, info: ImageInfo) -> bool:
    """Whether an image has labels of its own, and so is no mask whatever it is called."""
    if info.labels is None:
        return False
    if layout.lists_images or type(layout).own_label_files is Layout.own_label_files:
        return True  # one file labels all images
    return bool(layout.own_label_files(Source(key[0], None, "", 0, bytes, None, info.labels)))


def without_companions(source: Source) -> Source:
    """A source as the set's own format knows it."""
    return replace(source, labels=source.labels.own) if isinstance(source.labels, AccompaniedLabels) else source


def own_labels(source: Source, labels: Labels | None) -> Labels | None:
    """The labels of a source or variation without the masks that were added."""
    if not isinstance(source.labels, AccompaniedLabels) or labels is None:
        return labels
    if source.labels.own is None:
        return None
    count = len(labels.other_masks) - len(source.labels.masks.masks)
    return replace(labels, other_masks=labels.other_masks[:count])


def added_entries(source: Source) -> list[Entry]:
    """The masks, visualizations and captions of an image, which are copied with it."""
    if not isinstance(source.labels, AccompaniedLabels):
        return []
    masks = source.labels.masks
    return [*(mask.entry for mask in masks.masks), *masks.visualizations, *source.labels.captions]


def locates_objects(reader: LabelReader | None) -> bool:
    """Whether labels may say where objects are: a caption beside an image does not."""
    if isinstance(reader, AccompaniedLabels):
        return bool(reader.masks.masks) or locates_objects(reader.own)
    return reader is not None


def caption_of(source: Source, labels: Labels | None) -> str:
    """The caption of an image: of its own file, or of a field of its labels that is called so; "" if it has none.

    Args:
        source: the image.
        labels: its own, read already.
    """
    texts = source.labels.captions if isinstance(source.labels, AccompaniedLabels) else ()
    in_labels = captions_of(labels) if labels is not None else []
    return first_caption(texts) or " ".join(" ".join(in_labels[:1]).split())


def added_files(
    source: Source, file: str, labels: Labels | None, losses: dict[str, None], drawn: str = ""
) -> list[OutputFile]:
    """The masks and captions of a variation as files.

    Args:
        source: what it was made from.
        file: its path in the output.
        labels: its labels.
        losses: notices of what cannot be kept; more are added here.
        drawn: words that its captions say as well.
    """
    if not isinstance(source.labels, AccompaniedLabels) or labels is None:
        return []
    masks = source.labels.masks
    bitmaps = labels.other_masks[len(labels.other_masks) - len(masks.masks) :]
    captions = captions_for(source.labels.captions, source.path, file, drawn=drawn)
    return [*written_masks(masks, file, bitmaps, losses), *captions]


def converted_files(
    source: Source, file: str, written: Collection[OutputFile], losses: dict[str, None], drawn: str = ""
) -> list[OutputFile]:
    """The captions of an image in a set that is written in another format: they are beside it.

    Args:
        source: the image, or what it was made from.
        file: its path in the output.
        written: the label files that the format has for it.
        losses: notices of what cannot be kept; more are added here.
        drawn: words that its captions say as well.
    """
    if not isinstance(source.labels, AccompaniedLabels):
        return []
    if source.labels.masks.masks or source.labels.masks.visualizations:
        losses.setdefault("masks and drawings next to the labels were left out")
    taken = {path.casefold() for path, _ in written}
    captions = list(captions_for(source.labels.captions, source.path, file, beside=True, drawn=drawn))
    free = [one for one in captions if one[0].casefold() not in taken]
    if len(free) < len(captions):
        losses.setdefault("captions were left out: label files of this format have their names")
    return free
