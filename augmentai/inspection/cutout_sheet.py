"""The contact sheet of masks: what would be cut out of a few images, and what stays as it is and why."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from PIL import Image

from augmentai.dataset.file_names import printable
from augmentai.images.preview import encode_for_web

_COLUMNS = 4
_FRAME_WH = (220, 176)
_GAP, _CAPTION, _HEADER, _MARGIN = 20, 56, 56, 28
_LONGEST_NAME, _NAME_START = 31, 12
_WHY_COLUMNS, _WHY_LINES = 36, 2


@dataclass(frozen=True)
class Cutout:
    """One image and what would be cut out of it.

    Attributes:
        path: its place in the set.
        label: its class, if it has one.
        picture: the image, small; if it passes, with the outline drawn and the ground darkened.
        covered: the share of the image that is kept, 0 to 1; 0 if it does not pass.
        fault: why it stays as it is, in words; "" if it passes.
    """

    path: str
    label: str | None
    picture: Image.Image = field(repr=False)
    covered: float
    fault: str = ""


def draw_cutouts(images: Sequence[Cutout], title: str) -> str:
    """Draw them as SVG, four in a row."""
    columns = max(1, min(_COLUMNS, len(images)))
    rows = -(-len(images) // columns)
    width = 2 * _MARGIN + columns * (_FRAME_WH[0] + _GAP) - _GAP
    height = _HEADER + rows * (_FRAME_WH[1] + _CAPTION + _GAP) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fbfaf7"/>',
        f'<text x="{_MARGIN}" y="34" font-size="16" font-weight="600" fill="#1f3b39">{escape(title)}</text>',
    ]
    for number, one in enumerate(images):
        x = _MARGIN + number % columns * (_FRAME_WH[0] + _GAP)
        y = _HEADER + number // columns * (_FRAME_WH[1] + _CAPTION + _GAP)
        parts += _draw(one, x, y)
    return "\n".join([*parts, "</svg>\n"])


def data_uri(one: Cutout) -> str:
    """Its picture, for a browser."""
    return "data:image/jpeg;base64," + base64.b64encode(encode_for_web(one.picture)[0]).decode()


def caption(one: Cutout) -> str:
    """What is said below its picture: how much of it is kept, or why it stays as it is."""
    return f"stays as it is: {one.fault}" if one.fault else f"{one.covered:.0%} kept"


def _draw(one: Cutout, x: int, y: int) -> list[str]:
    """A frame with a picture at its centre, and its name and what becomes of it below."""
    scale = min(wanted / side for wanted, side in zip(_FRAME_WH, one.picture.size, strict=True))
    width, height = (round(side * scale, 1) for side in one.picture.size)
    left, top = round(x + (_FRAME_WH[0] - width) / 2, 1), round(y + (_FRAME_WH[1] - height) / 2, 1)
    name = printable(one.path)
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_NAME_START]}…{name[_NAME_START + 1 - _LONGEST_NAME :]}"
    colour = "#b3410d" if one.fault else "#6b6f6c"
    why = textwrap.wrap(caption(one), _WHY_COLUMNS, max_lines=_WHY_LINES, placeholder=" …")
    lines = [
        f'<text x="{x}" y="{y + _FRAME_WH[1] + 32 + 15 * number}" fill="{colour}">{escape(line)}</text>'
        for number, line in enumerate(why)
    ]
    return [
        f'<rect x="{x}" y="{y}" width="{_FRAME_WH[0]}" height="{_FRAME_WH[1]}" rx="3" fill="#eceae3"/>',
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" href="{data_uri(one)}"/>',
        f'<text x="{x}" y="{y + _FRAME_WH[1] + 17}" fill="#1f3b39">{escape(name)}</text>',
        *lines,
    ]
