"""`contact_sheet.svg`: a few sources next to their variations, so that a dataset can be judged at a glance."""

from __future__ import annotations

import base64
import hashlib
import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from augmentai.dataset.manifest import is_made
from augmentai.dataset.sorted_sources import find_source
from augmentai.images import ImageError, decode
from augmentai.system.threads import in_order
from augmentai.types import Source

PAIRS = 12
_CANDIDATES = 48  # lines of the manifest; of these, those of different sources come first
_COLUMNS = 3
_FRAME_WH = (176, 132)
_GAP, _BETWEEN, _CAPTION, _HEADER, _MARGIN = 24, 6, 40, 64, 28
_PIXELS_PER_UNIT = 2  # pixels of a preview for each unit of the drawing, so that it is sharp on fine screens
_LONGEST_CAPTION = 46


@dataclass(frozen=True)
class _Preview:
    """A small image as a data URI, and its size in units of the drawing."""

    uri: str
    width: float
    height: float


@dataclass(frozen=True)
class _Pair:
    entry: Mapping[str, Any]
    source: _Preview
    variation: _Preview


def draw_contact_sheet(
    entries: Iterable[Mapping[str, Any]],
    sources: Sequence[Source],
    read: Callable[[str], bytes],
    title: str,
    max_pixels: int,
) -> bytes | None:
    """Draw a contact sheet of at most `PAIRS` pairs of a source and one of its variations.

    The pairs are chosen by hash, so the same dataset gives the same sheet. Images that cannot be read are skipped.

    Args:
        entries: the lines of the manifest, parsed, in any order.
        sources: sorted by (path, hash).
        read: returns the bytes of a file of the output, by its relative path.
        title: shown at the top.
        max_pixels: images with more are skipped.

    Returns:
        An SVG in UTF-8; None if there is no pair to show.
    """
    files = _files(_choose(entries), sources, read)
    pairs = [pair for pair in in_order(partial(_pair, max_pixels), files, "sheet") if pair is not None]
    return _draw(pairs, title).encode() if pairs else None


def _files(
    entries: Iterable[Mapping[str, Any]], sources: Sequence[Source], read: Callable[[str], bytes]
) -> Iterator[tuple[Mapping[str, Any], Source, bytes, bytes]]:
    """Lines of the manifest with the source and the bytes of both files; those that cannot be read are left out."""
    for entry in entries:
        source = find_source(sources, entry["source"], entry["source_sha256"])
        if source is not None:
            with suppress(OSError, KeyError):
                yield entry, source, source.read(), read(entry["file"])


def _pair(max_pixels: int, files: tuple[Mapping[str, Any], Source, bytes, bytes]) -> _Pair | None:
    entry, source, before, after = files
    try:
        source_preview = _preview(before, source.path, max_pixels)
        return _Pair(entry, source_preview, _preview(after, entry["file"], max_pixels))
    except ImageError:
        return None


def _choose(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first = heapq.nsmallest(_CANDIDATES, filter(is_made, entries), key=_random_order)
    seen: set[str] = set()
    repeats = []
    for entry in first:
        repeats.append(entry["source_sha256"] in seen)
        seen.add(entry["source_sha256"])
    spread = [entry for _, entry in sorted(zip(repeats, first, strict=True), key=lambda pair: pair[0])]
    return sorted(spread[:PAIRS], key=lambda entry: (entry["source"], entry["index"]))


def _random_order(entry: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(f"sheet:{entry['source_sha256']}:{entry['source']}:{entry['index']}".encode()).digest()


def _preview(data: bytes, name: str, max_pixels: int) -> _Preview:
    width, height = _FRAME_WH
    longest = max(width, height) * _PIXELS_PER_UNIT
    image = decode(data, name, max_pixels, draft_side_px=longest).flattened()
    image.thumbnail((width * _PIXELS_PER_UNIT, height * _PIXELS_PER_UNIT), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    scale = min(wanted / side for wanted, side in zip(_FRAME_WH, image.size, strict=True))
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return _Preview(uri, round(image.width * scale, 1), round(image.height * scale, 1))


def _draw(pairs: Sequence[_Pair], title: str) -> str:
    pair_width = 2 * _FRAME_WH[0] + _BETWEEN
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    width = 2 * _MARGIN + columns * pair_width + (columns - 1) * _GAP
    height = _HEADER + rows * (_FRAME_WH[1] + _CAPTION + _GAP) + _MARGIN - _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fbfaf7"/>',
        f'<text x="{_MARGIN}" y="34" font-size="17" font-weight="600" fill="#1f3b39">{escape(title)}</text>',
        f'<text x="{_MARGIN}" y="52" fill="#6b6f6c">left: source, right: one of its variations</text>',
    ]
    for number, pair in enumerate(pairs):
        x = _MARGIN + number % columns * (pair_width + _GAP)
        y = _HEADER + number // columns * (_FRAME_WH[1] + _CAPTION + _GAP)
        parts += _draw_pair(pair, x, y)
    return "\n".join([*parts, "</svg>\n"])


def _draw_pair(pair: _Pair, x: int, y: int) -> list[str]:
    """Two frames next to each other, and the variation's name, folder, engine and strength below them."""
    baseline = y + _FRAME_WH[1] + 17
    folder, name = _caption(pair.entry["file"])
    details = " · ".join(filter(None, (folder, f"{pair.entry['engine']}, strength {pair.entry['strength']:g}")))
    return [
        _draw_frame(pair.source, x, y),
        _draw_frame(pair.variation, x + _FRAME_WH[0] + _BETWEEN, y),
        f'<text x="{x}" y="{baseline}" fill="#1f3b39">{escape(name)}</text>',
        f'<text x="{x}" y="{baseline + 15}" fill="#6b6f6c">{escape(details)}</text>',
    ]


def _draw_frame(preview: _Preview, x: float, y: float) -> str:
    """A frame with a preview at its center."""
    width, height = _FRAME_WH
    left, top = round(x + (width - preview.width) / 2, 1), round(y + (height - preview.height) / 2, 1)
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="#eceae3"/>'
        f'<image x="{left}" y="{top}" width="{preview.width}" height="{preview.height}" href="{preview.uri}"/>'
    )


def _caption(file: str) -> tuple[str, str]:
    """The folder and the name of a file, each short enough to be shown."""
    path = PurePosixPath(file)
    folder = "" if str(path.parent) == "." else str(path.parent)
    return _shorten(folder), _shorten(path.name)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_CAPTION else f"{text[:20]}…{text[-(_LONGEST_CAPTION - 21) :]}"
