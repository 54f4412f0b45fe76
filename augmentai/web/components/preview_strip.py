"""The preview of settings on one image: the image and what becomes of it, side by side, as HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from PIL import Image

from augmentai.dataset.drawing.label_drawing import ClassColours
from augmentai.dataset.drawing.outlines import shapes_of
from augmentai.dataset.file_names import printable
from augmentai.images.preview import encode_for_web, shrink
from augmentai.inspection.reduced_set import Picture
from augmentai.inspection.setting_preview import Previewed
from augmentai.plurals import counted
from augmentai.web.components.label_overlay import legend, overlay

_THUMBNAIL_PX = 96
_NARROWEST, _WIDEST = 0.8, 2.0  # frame, width to height


def pictures(all_pictures: Sequence[Picture], chosen: int) -> str:
    """The images to choose from, as buttons; nothing if there is no choice."""
    if len(all_pictures) < 2:
        return ""
    items = "".join(_button(number, picture, number == chosen) for number, picture in enumerate(all_pictures))
    return f'<div class="preview-pictures" role="group" aria-label="Image of the preview">{items}</div>'


def strip(
    picture: Picture, lead: str, shown: Sequence[Previewed], marked: str = "", class_names: Sequence[str] = ()
) -> str:
    """A picture and what settings make of it.

    Args:
        picture: one that can be read.
        lead: what is said above, as HTML.
        shown: what is beside the picture.
        marked: the title of the one that stands out.
        class_names: of the set, so that each has the colour that it has in the results.
    """
    assert picture.photo is not None
    name = printable(picture.source.path)
    source = Previewed("Source", picture.photo.restore(picture.photo.rgb), picture.labels)
    cards = [source, *shown]
    drawn = [shapes_of(one.labels, picture.source.label) for one in cards]
    colour_of = ClassColours(class_names).of(shape for shapes in drawn for shape in shapes)
    items = "".join(
        _card(
            one, overlay(shapes, one.image.size, colour_of) if one.image else "", len(shapes), name, one.title == marked
        )
        for one, shapes in zip(cards, drawn, strict=True)
    )
    key = legend([shape for shapes in drawn for shape in shapes], colour_of)
    return f'{lead}<ul class="preview-cards">{items}</ul>{key}'


def fault(picture: Picture) -> str:
    """Why a picture has no preview."""
    name, why = escape(printable(picture.source.path)), escape(picture.fault)
    return f'<p class="aug-line aug-warn"><b>{name}</b> cannot be used: {why}</p>'


def _button(number: int, picture: Picture, is_chosen: bool) -> str:
    name = escape(printable(picture.source.path), quote=True)
    inside = '<b aria-hidden="true">!</b>'
    if picture.photo is not None:
        small = shrink(picture.photo.flattened(), _THUMBNAIL_PX)
        inside = f'<img src="{_uri(small)}" alt="">'
    state = "true" if is_chosen else "false"
    attributes = f'data-picture="{number}" aria-pressed="{state}" aria-label="{name}" title="{name}"'
    return f'<button type="button" {attributes}>{inside}</button>'


def _card(one: Previewed, labels: str, objects: int, name: str, is_marked: bool) -> str:
    note = f'<span class="preview-note">{escape(one.note)}</span>' if one.note else ""
    title = f"<b>{escape(one.title)}</b>" + ('<span class="preview-mark">in use</span>' if is_marked else "")
    if one.image is None:
        return f'<li class="preview-failed"><div class="preview-frame"></div><p>{title}{note}</p></li>'
    alt = escape(f"{one.title}: {name}" + (f", {counted(objects, 'label')}" if objects else ""), quote=True)
    width, height = one.image.size
    ratio = min(max(width / height, _NARROWEST), _WIDEST)
    picture = f'<img src="{_uri(_eight_bits(one.image))}" width="{width}" height="{height}" alt="{alt}">'
    fitted = f'<div class="preview-fit" style="--w:{width};--h:{height}">{picture}{labels}</div>'
    frame = f'<div class="preview-frame" style="--ratio:{ratio:.4f}">{fitted}</div>'
    kind = ' class="preview-marked"' if is_marked else ""
    return f"<li{kind}>{frame}<p>{title}{note}</p></li>"


def _eight_bits(image: Image.Image) -> Image.Image:
    return shrink(image, max(image.size))


def _uri(image: Image.Image) -> str:
    data, ending = encode_for_web(image)
    return f"data:image/{'jpeg' if ending == 'jpg' else 'png'};base64,{base64.b64encode(data).decode()}"
