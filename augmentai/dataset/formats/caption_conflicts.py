"""Captions that an image has twice, in a text beside it and in the labels of its set: whether they say the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from augmentai.annotations import LabelReader
from augmentai.dataset.file_names import printable
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.texts import captions_in
from augmentai.dataset.readers.label_signatures import head_of
from augmentai.plurals import counted

_MOST_COMPARED = 1000  # images, evenly spread
_SHOWN = 40  # characters of a caption

Captioned = tuple[Entry, Sequence[Entry], LabelReader]  # an image, the texts beside it, and what reads its labels


def caption_notices(captioned: Sequence[Captioned]) -> Iterator[str]:
    """What texts and labels say of the same images, in words; nothing if they agree, or only one of them has captions.

    Args:
        captioned: the images that have a text and labels.
    """
    compared, differing = 0, []
    for image, texts, reader in captioned[:: max(1, len(captioned) // _MOST_COMPARED)]:
        stated = captions_in(reader)
        if not stated:
            continue
        compared += 1
        written = [text for entry in texts for text in (head_of(entry), *head_of(entry).splitlines())]
        if not {_plain(text) for text in written} & {_plain(text) for text in stated}:
            differing.append(f"{printable(image.path)}: {_short(written[0])} and {_short(stated[0])}")
    if differing:
        yield (
            f"captions differ in {len(differing):,} of {counted(compared, 'compared image')}, between the text beside "
            f"the image and the labels of the set ({differing[0]}); both are kept, each in its file"
        )


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _short(text: str) -> str:
    words = " ".join(text.split())
    return f'"{printable(words[:_SHOWN])}{"..." if len(words) > _SHOWN else ""}"'
