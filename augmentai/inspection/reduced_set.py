"""A few images of a set as small copies, with their labels, for a preview of settings that answers at once.

The copies are read where user files can do no harm, and handed over by value: nothing in them opens a file.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest

from PIL import Image

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.resized_labels import resized
from augmentai.images import ImageError, Photo, decode
from augmentai.images.preview import inspect_header
from augmentai.operations.auto_geometry import DatasetTraits, dataset_traits
from augmentai.types import Source

PICTURES = 8
SIDE_PX = 448  # longest side of a picture
_LENT = 96  # as many as the strength is chosen by
_LENT_OF_CLASS = 3
_LENT_SIDE_PX = 256
_FEWEST_PX = 8

Size = tuple[int, int]


@dataclass(frozen=True)
class Picture:
    """One image of a set, small.

    Attributes:
        source: the image as the set has it.
        photo: its small copy; None if it cannot be read.
        labels: in the pixels of the copy; None if there are none.
        fault: why it cannot be read, in words; "" if it can.
    """

    source: Source
    photo: Photo | None = field(repr=False)
    labels: Labels | None = field(default=None, repr=False)
    fault: str = ""


@dataclass(frozen=True)
class ReducedSet:
    """What a preview needs of a set.

    Attributes:
        pictures: some of its images; of each class as many as of the others, as far as possible.
        sources: all images to be augmented. Some can be read, as small copies, so that engines may borrow from them.
        traits: what automatic geometry depends on.
    """

    pictures: tuple[Picture, ...]
    sources: tuple[Source, ...] = field(repr=False)
    traits: DatasetTraits

    @property
    def is_whole(self) -> bool:
        """Whether every image of the set can be borrowed from, as in a run."""
        return len(self.sources) <= _LENT


def reduce_set(gathered: Gathered, max_pixels: int, most: int = PICTURES) -> ReducedSet:
    """Make small copies of some images of a set.

    Args:
        gathered: the set.
        max_pixels: larger images are not decoded.
        most: how many pictures there are to choose from.

    Returns:
        The set. Images that cannot be read are in it too, with the reason.

    Example:
        >>> buffer = io.BytesIO()
        >>> Image.new("RGB", (1024, 768), "teal").save(buffer, "PNG")
        >>> sea = Source.from_bytes("sea.png", buffer.getvalue())
        >>> small = reduce_set(Gathered((sea, Source.from_bytes("b.png", b"?")), (), ()), max_pixels=10**7)
        >>> [(one.source.path, one.photo and one.photo.size_wh, one.fault[:12]) for one in small.pictures]
        [('b.png', None, 'not an image'), ('sea.png', (448, 336), '')]
    """
    sources = gathered.sources
    lent = {source.key for source in _lenders(sources)}
    labelled = gathered.unread_labels.may_locate or any(source.labels is not None for source in sources)
    return ReducedSet(
        tuple(_picture(source, max_pixels) for source in _spread(sources, most)),
        tuple(_lender(source, max_pixels, source.key in lent) for source in sources),
        dataset_traits(((source.path, source.label) for source in sources), labelled),
    )


def _spread(sources: Sequence[Source], most: int) -> list[Source]:
    """Classes in turn, each in the order of its paths."""
    by_label: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        by_label[source.label or ""].append(source)
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in sorted(by_label))))
    chosen = [source for source in in_turn if source is not None][:most]
    return sorted(chosen, key=lambda source: source.path)


def _lenders(sources: Iterable[Source]) -> list[Source]:
    """Of each class those of the lowest hashes, at least three of it."""
    by_label: dict[str, list[Source]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: (source.sha256, source.path)):
        by_label[source.label or ""].append(source)
    labels = sorted(by_label)[: _LENT // _LENT_OF_CLASS]
    in_turn = chain.from_iterable(zip_longest(*(by_label[label] for label in labels)))
    return [source for source in in_turn if source is not None][:_LENT]


def _picture(source: Source, max_pixels: int) -> Picture:
    plain = replace(source, read=_not_lent, labels=None)
    try:
        data = source.read()
        stored_wh = inspect_header(io.BytesIO(data), source.path, max_pixels)
        photo = decode(data, source.path, max_pixels, draft_side_px=SIDE_PX)
        full_wh = _upright(stored_wh, photo.size_wh)
        photo = reduced(photo, SIDE_PX)
        labels = None if source.labels is None else resized(source.labels.load(), full_wh, photo.size_wh)
    except (ImageError, LabelError, OSError) as error:
        return Picture(plain, None, fault=str(error))
    return Picture(plain, photo, labels)


def _upright(stored_wh: Size, draft_wh: Size) -> Size:
    """The size of the upright image, of which a draft was decoded."""
    is_turned = (stored_wh[0] > stored_wh[1]) != (draft_wh[0] > draft_wh[1])
    return stored_wh[::-1] if is_turned else stored_wh


def reduced(photo: Photo, side_px: int) -> Photo:
    """A small copy of a photo, with 8 bits per channel.

    Args:
        photo: stays as it is.
        side_px: longest side of the copy; a smaller photo keeps its size.

    Example:
        >>> reduced(Photo(Image.new("RGB", (300, 200)), "JPEG", "RGB"), 150).size_wh
        (150, 100)
    """
    scale = min(1.0, side_px / max(photo.size_wh))
    width, height = (max(min(side, _FEWEST_PX), round(side * scale)) for side in photo.size_wh)

    def small(image: Image.Image) -> Image.Image:
        return image.resize((width, height), Image.Resampling.BOX, reducing_gap=3.0)

    alpha = None if photo.alpha is None else small(photo.alpha)
    mode = photo.mode if photo.deep is None else "L"
    return Photo(small(photo.rgb), photo.format, mode, alpha, photo.is_gray or photo.deep is not None)


def _lender(source: Source, max_pixels: int, lends: bool) -> Source:
    read = _not_lent
    if lends:
        try:
            photo = decode(source.read(), source.path, max_pixels, draft_side_px=_LENT_SIDE_PX)
            buffer = io.BytesIO()
            reduced(photo, _LENT_SIDE_PX).flattened().save(buffer, "PNG", compress_level=1)
            read = partial(bytes, buffer.getvalue())
        except (ImageError, OSError):
            pass  # it lends nothing; as a picture it says why
    return replace(source, read=read, labels=None)


def _not_lent() -> bytes:
    raise OSError("it is not part of the preview")
