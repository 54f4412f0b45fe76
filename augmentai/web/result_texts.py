"""What the page says of results: how many are shown, chosen and excluded, and what the filters measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from augmentai.plurals import counted

_CLASSES_SHOWN = 40
_SCORES = {"contrast": "contrast", "sharpness": "sharpness"}  # as fractions of the source's


def scores(measured: Mapping[str, float]) -> str:
    """What the filters measured of a variation, in words.

    Example:
        >>> scores({"change": 20.0, "contrast": 0.914, "sharpness": 1.2})
        "contrast 91 %, sharpness 120 % of the source's"
    """
    parts = [f"{word} {100 * measured[name]:.0f} %" for name, word in _SCORES.items() if name in measured]
    return f"{', '.join(parts)} of the source's" if parts else ""


def all_label(action: str, count: int) -> str:
    """Label of the button that excludes or includes all that are shown.

    Example:
        >>> all_label("Exclude", 12), all_label("Include", 1)
        ('Exclude these 12', 'Include this one')
    """
    return f"{action} these {count:,}" if count != 1 else f"{action} this one"


def nothing_shown(shown: str) -> str:
    """What stands in place of the images if none is shown."""
    return "Nothing is excluded." if shown == "excluded" else "No variation is shown with these choices."


def legend(classes: Sequence[tuple[str, str, int]]) -> str:
    """Classes with their colours and numbers of objects, if they are counted, as HTML; nothing for none."""
    items = "".join(
        f'<li><i style="background:{colour}" aria-hidden="true"></i>{escape(name)}'
        f"{f' <b>{count:,}</b>' if count else ''}</li>"
        for name, colour, count in classes[:_CLASSES_SHOWN]
    )
    if len(classes) > _CLASSES_SHOWN:
        items += f"<li>and {counted(len(classes) - _CLASSES_SHOWN, 'more class', 'more classes')}</li>"
    return f'<ul class="labels-key" aria-label="Labelled objects">{items}</ul>' if classes else ""


def sentence(text: str) -> str:
    """Words that begin a sentence; a first word that is a file, a path or a code stays as it is.

    Example:
        >>> sentence("nothing is flipped"), sentence("a.jpg: it is empty"), sentence("`pose` is removed")
        ('Nothing is flipped', 'a.jpg: it is empty', '`pose` is removed')
    """
    return text[:1].upper() + text[1:] if re.match("[a-z]+(-[a-z]+)*[ ,;]", text) else text
