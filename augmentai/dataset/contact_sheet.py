"""`contact_sheet.svg`: a few sources beside their variations, so that a set can be judged at a glance."""

from __future__ import annotations

import base64
import hashlib
import heapq
import io
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from augmentai.dataset.checkpoint import find
from augmentai.dataset.manifest import made_in
from augmentai.images import ImageError, decode
from augmentai.types import Source

PAIRS = 12
_LOOKED_AT = 48  # lines of the manifest; of these, those of different sources come first
_COLUMNS = 3
_PICTURE_WH = (176, 132)
_GAP, _BETWEEN, _CAPTION, _HEADER, _MARGIN = 24, 6, 40, 64, 28
_SHARPNESS = 2  # pixels of a preview for each unit of the drawing, so that it is sharp on fine screens
_LONGEST_CAPTION = 46


def sheet(
    entries: Iterable[dict[str, Any]],
    sources: Sequence[Source],
    read: Callable[[str], bytes],
    title: str,
    max_pixels: int,
) -> bytes | None:
    """An SVG with small previews of at most PAIRS pairs of source and variation; None where there is nothing to show.

    entries: lines of the manifest, in any order. sources: sorted by (path, hash). read: gives a file of the output. The
    pairs are chosen by hash, so the same set gives the same sheet. Pictures that cannot be read are left out.
    """
    pairs = []
    for entry in _chosen(entries):
        source = find(sources, entry["source"], entry["source_sha256"])
        if source is None:
            continue
        try:
            before = _preview(source.read(), source.path, max_pixels)
            after = _preview(read(entry["file"]), entry["file"], max_pixels)
        except (ImageError, OSError, KeyError):
            continue
        pairs.append((entry, before, after))
    return _drawn(pairs, title).encode() if pairs else None


def _chosen(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    first = heapq.nsmallest(_LOOKED_AT, filter(made_in, entries), key=_place)
    seen: set[str] = set()
    repeats = []
    for entry in first:
        repeats.append(entry["source_sha256"] in seen)
        seen.add(entry["source_sha256"])
    spread = [entry for _, entry in sorted(zip(repeats, first, strict=True), key=lambda pair: pair[0])]
    return sorted(spread[:PAIRS], key=lambda entry: (entry["source"], entry["index"]))


def _place(entry: dict[str, Any]) -> bytes:
    return hashlib.sha256(f"sheet:{entry['source_sha256']}:{entry['source']}:{entry['index']}".encode()).digest()


def _preview(data: bytes, name: str, max_pixels: int) -> tuple[str, tuple[float, float]]:
    """A picture as a data URI, and its width and height in the drawing."""
    picture = decode(data, name, max_pixels).flattened()
    width, height = _PICTURE_WH
    picture.thumbnail((width * _SHARPNESS, height * _SHARPNESS), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    fit = min(wanted / side for wanted, side in zip(_PICTURE_WH, picture.size, strict=True))
    size_wh = (round(picture.width * fit, 1), round(picture.height * fit, 1))
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), size_wh


def _drawn(pairs: list[tuple[dict[str, Any], Any, Any]], title: str) -> str:
    pair_width = 2 * _PICTURE_WH[0] + _BETWEEN
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    width = 2 * _MARGIN + columns * pair_width + (columns - 1) * _GAP
    height = _HEADER + rows * (_PICTURE_WH[1] + _CAPTION + _GAP) + _MARGIN - _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fbfaf7"/>',
        f'<text x="{_MARGIN}" y="34" font-size="17" font-weight="600" fill="#1f3b39">{escape(title)}</text>',
        f'<text x="{_MARGIN}" y="52" fill="#6b6f6c">left: the source, right: one variation of it</text>',
    ]
    for number, (entry, before, after) in enumerate(pairs):
        x = _MARGIN + number % columns * (pair_width + _GAP)
        y = _HEADER + number // columns * (_PICTURE_WH[1] + _CAPTION + _GAP)
        for place, preview in ((x, before), (x + _PICTURE_WH[0] + _BETWEEN, after)):
            parts.append(_framed(preview, place, y))
        line = y + _PICTURE_WH[1] + 17
        where, name = _told(entry["file"])
        parts.append(f'<text x="{x}" y="{line}" fill="#1f3b39">{escape(name)}</text>')
        by = " · ".join(filter(None, (where, f"{entry['engine']}, strength {entry['strength']:g}")))
        parts.append(f'<text x="{x}" y="{line + 15}" fill="#6b6f6c">{escape(by)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _framed(preview: tuple[str, tuple[float, float]], x: float, y: float) -> str:
    """A picture in the middle of its frame."""
    address, (width, height) = preview
    frame_width, frame_height = _PICTURE_WH
    left, top = round(x + (frame_width - width) / 2, 1), round(y + (frame_height - height) / 2, 1)
    return (
        f'<rect x="{x}" y="{y}" width="{frame_width}" height="{frame_height}" rx="3" fill="#eceae3"/>'
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" href="{address}"/>'
    )


def _told(file: str) -> tuple[str, str]:
    """The folder and the name of a file, each short enough to be shown."""
    path = PurePosixPath(file)
    folder = "" if str(path.parent) == "." else str(path.parent)
    return _short(folder), _short(path.name)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CAPTION else f"{text[:20]}…{text[-(_LONGEST_CAPTION - 21) :]}"
