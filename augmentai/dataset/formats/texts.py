"""Sentences in labels and lists: they go to variations as they are, and may be untrue there, which is said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from augmentai.annotations import LabelError, LabelReader, Labels
from augmentai.images import ImageError

KEEP_TRUE = "where an engine repaints images, or left and right change places, check that the captions stay true"
_FEWEST_WORDS = 4  # names of classes have fewer
_CELLS = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",;\t\n]+)')
_WORDS = re.compile(r"[^\W\d_]{2,}|\b[aAI]\b")
_ESCAPES = re.compile(r"\\[nrt]")
_PATH = re.compile(r"\.[A-Za-z]\w{1,4}(\s|$)|^https?:|^\S*/\S")
_CAPTION = re.compile(r"(?i)(^|_)(captions?|text|prompt|description|sentences?|raw)$")


def is_sentence(text: str) -> bool:
    """Whether a text is more than a name.

    Example:
        >>> [is_sentence(text) for text in ("a car on the left", "traffic light", "my cat on the sofa.jpg")]
        [True, False, False]
    """
    return (
        text.count(" ") >= _FEWEST_WORDS - 1 and len(_WORDS.findall(text)) >= _FEWEST_WORDS and not _PATH.search(text)
    )


def has_sentences(text: str) -> bool:
    r"""Whether a table or JSON has a sentence in a cell or a string. text: its beginning.

    Example:
        >>> has_sentences('{"image": "a.jpg", "value": "<image>\\nWhat is on the left?"}'), has_sentences("a.jpg,cat\n")
        (True, False)
    """
    cells = (quoted or plain for quoted, plain in _CELLS.findall(text))
    return any(is_sentence(_ESCAPES.sub(" ", cell).strip()) for cell in cells)


def is_caption_field(name: str) -> bool:
    """Whether a field or column of that name holds captions.

    Example:
        >>> [is_caption_field(name) for name in ("text", "image_caption", "label")]
        [True, True, False]
    """
    return bool(_CAPTION.search(name))


def drawn_words(details: Mapping[str, Any]) -> str:
    """The words that were drawn for the prompt of a variation, as a caption says them; "" if there are none.

    Args:
        details: of the variation, as in the manifest.

    Example:
        >>> drawn_words({"drawn": {"weather": "fog", "time": "dusk"}})
        'fog, dusk'
    """
    drawn = details.get("drawn")
    return ", ".join(map(str, drawn.values())) if isinstance(drawn, Mapping) else ""


def with_words(caption: str, words: str) -> str:
    """A caption that says as well what was drawn.

    Example:
        >>> with_words("A dog on the lawn.", "fog, dusk"), with_words("", "fog")
        ('A dog on the lawn, fog, dusk.', 'fog')
    """
    if not words:
        return caption
    text = caption.rstrip()
    end = caption[len(text) :]
    stop = "." if text.endswith(".") else ""
    lead = text.removesuffix(".").rstrip()
    return f"{lead}, {words}{stop}{end}" if lead else f"{words}{end}"


def captions_in(reader: LabelReader) -> list[str]:
    """The captions in the labels of an image: texts in fields that are called so."""
    try:
        return captions_of(reader.load())
    except (LabelError, ImageError, OSError):
        return []  # reported with the image


def captions_of(labels: Labels) -> list[str]:
    """The captions in labels that are read already."""
    return list(_captions(labels.extra))


def _captions(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _captions(below, str(key))
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _captions(below, name)
    elif isinstance(value, str) and value.strip() and _CAPTION.search(name):
        yield value
