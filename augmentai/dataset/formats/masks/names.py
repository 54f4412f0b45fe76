"""What the names of files and folders say: an image, a mask or a visualization, and which image it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from augmentai.dataset.file_names import name_key
from augmentai.dataset.formats.splits import split_within

Span = tuple[int, int]  # the part of a stem that names the image: first character, and the one after the last


class Role(StrEnum):
    """What a file is, as far as its name says."""

    IMAGE = "image"
    MASK = "mask"
    VISUALIZATION = "visualization"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# These words make a folder or a file a mask wherever they are in its name.
_STRONG = _words(
    "mask masks annotation annotations annot annots groundtruth groundtruths segmentation segmentations labelids "
    "labelmap labelmaps trimap trimaps stuffthingmaps"
)
# These do if they begin or end the name, or if the rest says nothing else, as in "train_labels" and "gtFine".
_WEAK = _words(
    "gt gts truth truths ann label labels labelid labeled labelled anno annos seg segs segm semantic semantics "
    "instance instances panoptic parsing parsings matte mattes matting alpha silhouette silhouettes manual "
    "depth depths disparity disparities disp lesion lesions roi rois target targets gtfine gtcoarse"
)
_VISUAL = _words(
    "vis viz visual visuals visualization visualizations visualisation visualisations visualized visualised overlay "
    "overlays overlaid blend blends blended preview previews color colors colour colours colored coloured colormap "
    "colormaps contour contours"
)
_IMAGE = _words(
    "image images img imgs im photo photos picture pictures pic pics rgb input inputs data original originals orig raw "
    "stills frame frames source sources src jpg jpeg jpegs png pngs leftimg8bit rightimg8bit sat dermoscopic"
)
_FILLER = _words(
    "class classes object objects fine coarse aug augmented full part parts task final binary bin dir folder output "
    "isic isbi tr ts tra merged id ids ground hq st nd manual1 manual2 set approved all sem ins pan "
    "8bit bit left right new old"
)
_NUMBERS = _words("id ids index idx")  # "a_instance_id"
_NEUTRAL = _words("dataset datasets project")  # "segmentation_dataset" is a set, not a folder of masks
# At the end of a file's name alone: as folders these are classes as often.
_FILE_ONLY = _words(
    "l binary bin lesion gtfine gtcoarse labelids labeltrainids instanceids instancetrainids superpixels parts roi fov "
    "1stho 2ndho manual1 manual2 manual pixels class object mattes"
)
_BEFORE_WORDS = _words("sync raw aligned registered filled")  # "sync_depth_00045" beside "rgb_00045", as NYU has it
_MASK_FILE = _STRONG | _WEAK | _FILE_ONLY
_IMAGE_NOUNS = _words("image images img imgs photo photos picture pictures input inputs frame frames")
_SOFT = _words("mask masks matte mattes matting alpha depth depths disparity disparities disp")
_MATTES = _words("mask masks matte mattes matting alpha")
_INSTANCE = _words("instance instances instanceids instancetrainids object objects panoptic")

_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_COMPOUND = re.compile(
    r"(train|training|val|valid|validation|test|testing|image|pixel)?(masks?|annots?|annotations?|labels?|gts?)"
)
_PIECE = re.compile(r"[^-_. ]+")
_GLUED_WORDS = "masks?|seg|segmentation|labels?|labelids|gt|matte"
_GLUED = re.compile(rf"(?i)(.*[^-_. ])({_GLUED_WORDS})$")
_WORDS = "|".join(sorted(_MASK_FILE | _VISUAL))
_LABEL_STEM = re.compile(rf"(?i)(?:^|[-_. ])(?:{_WORDS})\d*(?:$|[-_. ])|(?:{_GLUED_WORDS})\d*$")
_NUMBERED = re.compile(rf"(?i)({'|'.join(sorted(_STRONG | _WEAK | _IMAGE))})(\d+)")  # "label0" beside "img0"
_TAG = re.compile(r"__v\d+$")  # of a variation of an earlier run
_CHANNEL = re.compile(r"_000\d$")  # nnU-Net's
_NNUNET_SPLITS = {"tr": "train", "ts": "test"}


@dataclass(frozen=True, slots=True)
class FolderName:
    """What the folders of a path say.

    Attributes:
        role: of the files in it; None if it says nothing.
        parts: its folders without those that only say what the files are, in small letters.
        split: the split that it names, if any.
        marker: the folder that gives the role, for messages; "" if none does.
    """

    role: Role | None
    parts: tuple[str, ...]
    split: str | None
    marker: str = ""


@lru_cache(maxsize=4096)
def read_folder(folder: str) -> FolderName:
    """What the folders of a path say.

    Example:
        >>> read_folder("bottle/ground_truth/broken").parts, read_folder("CamVid/trainannot").split
        (('bottle', 'broken'), 'train')
        >>> read_folder("cats"), read_folder("SegmentationClassVisualization").role
        (FolderName(role=None, parts=('cats',), split=None, marker=''), <Role.VISUALIZATION: 'visualization'>)
    """
    role, split, marker = None, None, ""
    parts: list[str] = []
    above = ""
    for part in folder.split("/") if folder else ():
        # "IMD002/IMD002_lesion" is the folder of lesions of IMD002.
        repeats = bool(above) and len(part) > len(above) and part.casefold().startswith(above.casefold())
        found, own_split = _read_part(part[len(above) :] if repeats else part)
        above = part
        split = own_split or split
        if found is not None:
            role, marker = found, part
        elif own_split is None:
            parts.append(name_key(part, fold_case=True))
    return FolderName(role, tuple(parts), split, marker)


@lru_cache(maxsize=1 << 14)
def _read_part(part: str) -> tuple[Role | None, str | None]:
    """(role, split) of one folder's name."""
    words = [word.casefold() for word in _TOKEN.findall(part)]
    words = [piece for word in words for piece in _pieces(word)]
    joined = "".join(words)
    if not words or _NEUTRAL & set(words):
        return None, None
    known = _STRONG | _WEAK | _VISUAL | _IMAGE | _FILLER
    splits = [split for word in words if (split := split_within(word))]
    split = splits[-1] if splits else None
    if _IMAGE & set(words) or (_STRONG | _WEAK) & set(words):
        split = split or next((_NNUNET_SPLITS[word] for word in words if word in _NNUNET_SPLITS), None)
    says_nothing_else = all(word in known or word.isdigit() or split_within(word) for word in words)
    only_split = split is not None and all(split_within(word) or word.isdigit() for word in words)
    if _VISUAL & set(words) and (says_nothing_else or (_STRONG | _WEAK) & set(words)):
        return Role.VISUALIZATION, split
    plain = [word for word in words if not word.isdigit() and not split_within(word)]
    if _STRONG & set(words) or "groundtruth" in joined or (_WEAK & set(words) and says_nothing_else):
        return Role.MASK, split
    if len(plain) > 1 and {plain[0], plain[-1]} & _WEAK:  # "cfd_gt" beside "cfd_images"
        return Role.MASK, split
    if _IMAGE & set(words) and (says_nothing_else or {plain[0], plain[-1]} & _IMAGE_NOUNS):
        return Role.IMAGE, split
    return None, split if only_split else None


def _pieces(word: str) -> list[str]:
    """A compound in small letters ("trainannot") in its parts."""
    found = _COMPOUND.fullmatch(word)
    return [piece for piece in found.groups() if piece] if found else [word]


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a file says.

    Attributes:
        role: None if it says nothing.
        stem: the name without its ending, without the tag of a variation.
        tag: that tag ("__v1"), "" if there is none.
        spans: which parts of the stem may be the name of the image, the most certain first.
        guesses: spans to be tried only in a folder of masks: without numbers and words that are not known.
        has_channel: the first guess is the name without a channel's number, which images have and masks do not.
    """

    role: Role | None
    stem: str
    tag: str
    spans: tuple[Span, ...]
    guesses: tuple[Span, ...]
    has_channel: bool = False

    def without_inner_word(self) -> list[tuple[str, Span]]:
        """The name without one of its inner words, as "um_road_000001" is of "um_000001" in KITTI."""
        pieces = [match.span() for match in _PIECE.finditer(self.stem)]
        inner = [(start, pieces[i + 1][0]) for i, (start, _) in enumerate(pieces[1:-1], 1)]
        names = [self.stem[:start] + self.stem[end:] for start, end in inner]
        return [(name_key(name, fold_case=True) + self.tag, (0, len(self.stem))) for name in names]

    def readings(self, guess: bool = False) -> list[tuple[str, Span]]:
        """(name of the image in small letters, with its tag; where it is in the stem), the most certain first."""
        spans = self.guesses if guess else self.spans
        return [(name_key(self.stem[start:end], fold_case=True) + self.tag, (start, end)) for start, end in spans]


def read_file(stem: str) -> FileName:
    """What the name of a file says.

    Args:
        stem: the name without folders and ending.

    Example:
        >>> name = read_file("aachen_0_gtFine_labelIds")
        >>> name.role, [key for key, _ in name.readings()]
        (<Role.MASK: 'mask'>, ['aachen_0_gtfine_labelids', 'aachen_0_gtfine', 'aachen_0'])
    """
    tagged = _TAG.search(stem)
    tag = tagged[0] if tagged else ""
    bare = stem.removesuffix(tag)
    pieces = [(match.start(), match.end(), match[0].casefold()) for match in _PIECE.finditer(bare)]
    rights, role = _stripped_right(bare, pieces)
    spans: list[Span] = [(0, end) for end in rights]
    first = 1 if len(pieces) > 2 and pieces[0][2] in _BEFORE_WORDS else 0
    if len(pieces) > first + 1 and pieces[first][2] in _STRONG | _WEAK | _IMAGE:
        start = pieces[first + 1][0]
        spans += [(start, end) for end in rights if end > start]
        if role is None and pieces[first][2] in _STRONG | _WEAK:
            role = Role.MASK
    numbered = _NUMBERED.fullmatch(bare)
    if numbered:
        spans.append(numbered.span(2))
        role = role or (None if numbered[1].casefold() in _IMAGE else Role.MASK)
    guesses = [
        (start, end) for start in {span[0] for span in spans} for _, end, _ in reversed(pieces[:-1]) if end > start
    ]
    channel = _CHANNEL.search(bare)
    if channel:
        guesses.insert(0, (0, channel.start()))
    guesses = [one for one in dict.fromkeys(guesses) if one not in spans]
    return FileName(role, bare, tag, tuple(spans), tuple(guesses), bool(channel))


def _stripped_right(stem: str, pieces: list[tuple[int, int, str]]) -> tuple[list[int], Role | None]:
    """Where the image's name may end: at the end of the stem, or before words that say what the file is."""
    ends, role = [len(stem)], None
    count = len(pieces)
    while count > 1:
        word = pieces[count - 1][2]
        bare = word.rstrip("0123456789")
        is_number = word.strip("()").isdigit() or word in _NUMBERS
        if is_number and count > 2 and pieces[count - 2][2] in _MASK_FILE:
            count -= 1
            word = pieces[count - 1][2]
        elif bare and word not in _MASK_FILE and bare in _STRONG | _WEAK:  # "mask1"
            word = bare
        found = Role.VISUALIZATION if word in _VISUAL else Role.MASK if word in _MASK_FILE else None
        if found is None and word not in _IMAGE and split_within(word) is None:
            break
        if role is not Role.VISUALIZATION and found is not None:
            role = found
        count -= 1
        ends.append(len(stem[: pieces[count][0]].rstrip("-_. ")))
    glued = _GLUED.match(stem) if len(ends) == 1 and pieces else None
    if glued:
        ends.append(glued.end(1))
        role = Role.MASK
    return ends, role


def says_all(stem: str) -> Role | None:
    """What a name that is nothing but words for it says, as "mask" and "label_viz" beside "img"; None for any other.

    Example:
        >>> says_all("mask"), says_all("image"), says_all("cat_mask")
        (<Role.MASK: 'mask'>, <Role.IMAGE: 'image'>, None)
    """
    words = [word.casefold() for word in _PIECE.findall(_TAG.sub("", stem))]
    if not words or not all(word in _STRONG | _WEAK | _VISUAL | _IMAGE for word in words):
        return None
    if not _IMAGE.isdisjoint(words):
        return Role.IMAGE if len(words) == 1 else None
    return Role.MASK if _VISUAL.isdisjoint(words) else Role.VISUALIZATION


def may_be_label(folder: FolderName, stem: str) -> bool:
    """Whether a file may be called a mask or a visualization; quick, and true of all that are.

    Args:
        folder: what its folders say.
        stem: its name without folders and ending.
    """
    return folder.role in {Role.MASK, Role.VISUALIZATION} or bool(_LABEL_STEM.search(stem))


def says_mask(name: str) -> bool:
    """Whether the name of a folder, or what is around an image's name, hardly means anything but a mask.

    Example:
        >>> says_mask("PedMasks"), says_mask("*_gt"), says_mask("*_l")
        (True, True, False)
    """
    return bool(_words_of(name) & (_STRONG | _WEAK | {"gtfine", "gtcoarse", "labelids", "truth"}))


def may_be_soft(name: str) -> bool:
    """Whether masks of this name may have no flat areas: mattes, depth maps.

    Example:
        >>> may_be_soft("alpha"), may_be_soft("*_label")
        (True, False)
    """
    return bool(_words_of(name) & _SOFT)


def may_be_matte(name: str) -> bool:
    """Whether files of this name may be cut-outs with transparent surroundings, as AISegment has its mattes.

    Example:
        >>> may_be_matte("matting"), may_be_matte("depth")
        (True, False)
    """
    return bool(_words_of(name) & _MATTES)


def shows_instances(name: str) -> bool:
    """Whether a name says that a mask numbers single objects rather than classes.

    Example:
        >>> shows_instances("SegmentationObject"), shows_instances("a_gtFine_labelIds")
        (True, False)
    """
    return bool(_INSTANCE & _words_of(name))


def _words_of(name: str) -> set[str]:
    words = {word.casefold() for word in (*_TOKEN.findall(name), *_PIECE.findall(name))}
    return words | {piece for word in words for piece in _pieces(word)}
