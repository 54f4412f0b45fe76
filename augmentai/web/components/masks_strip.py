"""A strip of images with the outlines of what will be cut out, as HTML."""

from __future__ import annotations

from html import escape

from augmentai.dataset.file_names import printable
from augmentai.inspection.cutout_sheet import Cutout, caption, data_uri
from augmentai.inspection.cutouts import Cutouts

_LEAD = (
    "A new background is for objects whose background does not matter. Where it tells the class, or a mask cuts an "
    "object, it does harm."
)


def strip(found: Cutouts) -> str:
    """What was found, in one line, and the pictures, those that stay as they are first; nothing for no images."""
    if not found.images:
        return ""
    items = "".join(map(_item, sorted(found.images, key=lambda one: not one.fault)))
    return (
        f'<section aria-label="What is cut out"><p class="aug-line"><b>{escape(found.words)}</b></p>'
        f'<p class="aug-hint">{escape(_LEAD)}</p><ul class="masks" tabindex="0">{items}</ul></section>'
    )


def _item(one: Cutout) -> str:
    state = "masks-fault" if one.fault else "masks-passed"
    name = escape(printable(one.path))
    width, height = one.picture.size
    picture = f'<img src="{data_uri(one)}" width="{width}" height="{height}" alt="" loading="lazy">'
    said = f'<span class="masks-name" title="{name}">{name}</span><span class="masks-why">{escape(caption(one))}</span>'
    return f'<li class="{state}">{picture}{said}</li>'
