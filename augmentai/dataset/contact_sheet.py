"""`contact_sheet.svg`: a few sources next to their variations, so that a dataset can be judged at a glance.

Labels are drawn over both; a box in the sheet, which needs no script, hides them.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from augmentai.annotations import Labels, Shape
from augmentai.dataset.drawing.label_drawing import STYLE, ClassColours, objects
from augmentai.dataset.drawing.outlines import shapes_of
from augmentai.dataset.file_names import printable
from augmentai.dataset.manifest import is_large, is_made
from augmentai.dataset.resized_labels import resized
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
_LEGEND = 22  # height of the line that names the classes
_LETTER = 6.6  # about the width of a letter of the legend
_TEXT_PX, _NAMED = 19, 4  # height of a class's name beside an object, in halves of a unit; objects that have one
_SHOW_LABELS = (
    '<foreignObject x="{x}" y="18" width="90" height="24"><label xmlns="http://www.w3.org/1999/xhtml" '
    'style="font:14px system-ui,sans-serif;color:#1f3b39;white-space:nowrap">'
    '<input type="checkbox" checked="checked"/> Labels</label></foreignObject>'
)
_LABEL_STYLE = (
    f"<style>{STYLE}.n{{font:600 {_TEXT_PX}px system-ui,sans-serif}}"
    "svg:has(input:not(:checked)) .labels{display:none}</style>"
)

LabelsOf = Callable[[Mapping[str, Any], Source], tuple[Labels | None, Labels | None]]


@dataclass(frozen=True)
class _Preview:
    """A small image as a data URI, its size in units of the drawing, and the objects labelled in it."""

    uri: str
    width: float
    height: float
    shapes: Sequence[Shape] = ()  # in a grid of `drawn_wh`

    @property
    def drawn_wh(self) -> tuple[int, int]:
        """Of what its labels are drawn on: as fine as a preview may be, however small the image is."""
        return round(self.width * _PIXELS_PER_UNIT), round(self.height * _PIXELS_PER_UNIT)


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
    labels_of: LabelsOf = lambda entry, source: (None, None),
    class_names: Sequence[str] = (),
) -> bytes | None:
    """Draw a contact sheet of at most `PAIRS` pairs of a source and one of its variations.

    The pairs are chosen by hash, so the same dataset gives the same sheet. Images that cannot be read are skipped.

    Args:
        entries: the lines of the manifest, parsed, in any order.
        sources: sorted by (path, hash).
        read: returns the bytes of a file of the output, by its relative path.
        title: shown at the top.
        max_pixels: images with more are skipped.
        labels_of: called with a line of the manifest and its source; returns the labels of the source and of the
            variation, each in the pixels of its image, or None.
        class_names: those of the set, for their colours; others get theirs as they occur.

    Returns:
        An SVG in UTF-8; None if there is no pair to show.
    """
    chosen = _choose(entries)
    files = _files(chosen, sources, read, labels_of)
    made = in_order(partial(_pair, max_pixels), files, "sheet", one_by_one=any(map(is_large, chosen)))
    pairs = [pair for pair in made if pair is not None]
    return _draw(pairs, title, ClassColours(class_names)).encode() if pairs else None


@dataclass(frozen=True)
class _Files:
    """A line of the manifest, its source, the bytes of both files, and what is labelled in them."""

    entry: Mapping[str, Any]
    source: Source
    before: bytes
    after: bytes
    labels: tuple[Labels | None, Labels | None]


def _files(
    entries: Iterable[Mapping[str, Any]], sources: Sequence[Source], read: Callable[[str], bytes], labels_of: LabelsOf
) -> Iterator[_Files]:
    """Those that cannot be read are left out."""
    for entry in entries:
        source = find_source(sources, entry["source"], entry["source_sha256"])
        if source is not None:
            with suppress(OSError, KeyError):
                yield _Files(entry, source, source.read(), read(entry["file"]), labels_of(entry, source))


def _pair(max_pixels: int, files: _Files) -> _Pair | None:
    entry, source = files.entry, files.source
    full_wh = int(entry["width"]), int(entry["height"])
    try:
        before = _preview(files.before, source.path, max_pixels)
        after = _preview(files.after, entry["file"], max_pixels)
    except ImageError:
        return None
    labelled = [
        replace(one, shapes=_small_shapes(labels, source.label, full_wh, one.drawn_wh))
        for one, labels in zip((before, after), files.labels, strict=True)
    ]
    return _Pair(entry, *labelled)


def _small_shapes(
    labels: Labels | None, label: str | None, full_wh: tuple[int, int], small_wh: tuple[int, int]
) -> Sequence[Shape]:
    return () if labels is None else shapes_of(resized(labels, full_wh, small_wh), label)


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


def _draw(pairs: Sequence[_Pair], title: str, colours: ClassColours) -> str:
    shapes = [shape for pair in pairs for one in (pair.source, pair.variation) for shape in one.shapes]
    colour_of, header = colours.of(shapes), _HEADER + (_LEGEND if shapes else 0)
    pair_width = 2 * _FRAME_WH[0] + _BETWEEN
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    width = 2 * _MARGIN + columns * pair_width + (columns - 1) * _GAP
    height = header + rows * (_FRAME_WH[1] + _CAPTION + _GAP) + _MARGIN - _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fbfaf7"/>',
        f'<text x="{_MARGIN}" y="34" font-size="17" font-weight="600" fill="#1f3b39">{escape(printable(title))}</text>',
        f'<text x="{_MARGIN}" y="52" fill="#6b6f6c">left: source, right: one of its variations</text>',
    ]
    if shapes:
        parts += [_LABEL_STYLE, _SHOW_LABELS.format(x=width - _MARGIN - 78), _draw_legend(colour_of, width)]
    for number, pair in enumerate(pairs):
        x = _MARGIN + number % columns * (pair_width + _GAP)
        y = header + number // columns * (_FRAME_WH[1] + _CAPTION + _GAP)
        parts += _draw_pair(pair, x, y, colour_of)
    return "\n".join([*parts, "</svg>\n"])


def _draw_legend(colour_of: Mapping[str, str], width: float) -> str:
    """The classes and their colours on one line; those for which there is no room are counted."""
    parts: list[str] = []
    room = width - 2 * _MARGIN - 60
    for name, colour in colour_of.items():
        text = _shorten(printable(name))
        room -= 20 + len(text) * _LETTER
        if room < 0 and parts:
            parts.append(f'<tspan dx="12" fill="#6b6f6c">and {len(colour_of) - len(parts)} more</tspan>')
            break
        apart = 12 if parts else 0
        parts.append(f'<tspan dx="{apart}" fill="{colour}">\u25a0</tspan><tspan dx="4">{escape(text)}</tspan>')
    return f'<text class="labels" x="{_MARGIN}" y="73" fill="#1f3b39">{"".join(parts)}</text>'


def _draw_pair(pair: _Pair, x: int, y: int, colour_of: Mapping[str, str]) -> list[str]:
    """Two frames next to each other, and the variation's name, folder, engine and strength below them."""
    baseline = y + _FRAME_WH[1] + 17
    folder, name = _caption(pair.entry["file"])
    details = " · ".join(filter(None, (folder, f"{pair.entry['engine']}, strength {pair.entry['strength']:g}")))
    return [
        _draw_frame(pair.source, x, y, colour_of),
        _draw_frame(pair.variation, x + _FRAME_WH[0] + _BETWEEN, y, colour_of),
        f'<text x="{x}" y="{baseline}" fill="#1f3b39">{escape(printable(name))}</text>',
        f'<text x="{x}" y="{baseline + 15}" fill="#6b6f6c">{escape(printable(details))}</text>',
    ]


def _draw_frame(preview: _Preview, x: float, y: float, colour_of: Mapping[str, str]) -> str:
    """A frame with a preview at its center, and its labels over it."""
    width, height = _FRAME_WH
    left, top = round(x + (width - preview.width) / 2, 1), round(y + (height - preview.height) / 2, 1)
    place = f'x="{left}" y="{top}" width="{preview.width}" height="{preview.height}"'
    labels = ""
    if preview.shapes:
        named = _NAMED if len(preview.shapes) <= _NAMED else 0
        drawn = objects(preview.shapes, preview.drawn_wh, colour_of, _TEXT_PX, named)
        view = "0 0 {} {}".format(*preview.drawn_wh)
        labels = f'<svg class="labels" {place} viewBox="{view}">{drawn}</svg>'
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="#eceae3"/>'
        f'<image {place} href="{preview.uri}"/>{labels}'
    )


def _caption(file: str) -> tuple[str, str]:
    """The folder and the name of a file, each short enough to be shown."""
    path = PurePosixPath(file)
    folder = "" if str(path.parent) == "." else str(path.parent)
    return _shorten(folder), _shorten(path.name)


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST_CAPTION else f"{text[:20]}…{text[-(_LONGEST_CAPTION - 21) :]}"
