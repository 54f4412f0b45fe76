"""CVAT's XML 1.1 for images: one file with an <image> for each, read as a stream and written again."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from augmentai.annotations import LabelError, Labels
from augmentai.dataset.bounds import DEEPEST_XML, image_bounds
from augmentai.dataset.file_tree import Entry
from augmentai.dataset.formats.bitmaps import refuse_bitmaps
from augmentai.dataset.formats.cvat.annotation import SHAPES, TAG, moved_elements, new_elements, shape_of
from augmentai.dataset.formats.drawn_shapes import upright
from augmentai.dataset.formats.guarded_load import check_objects
from augmentai.dataset.formats.label_values import clean, whole
from augmentai.dataset.formats.listed.codec import Fault, NewImage, Placed, Row
from augmentai.dataset.formats.listed.file_start import file_start
from augmentai.dataset.formats.splits import split_like, split_named
from augmentai.images.orientation import Frame

_HEAD_BYTES = 1 << 16
_COUNTS = ("size", "start_frame", "stop_frame", "frame_filter", "segments")  # of a task's images, which are more now


def open_cvat(entry: Entry) -> CvatCodec | None:
    """The codec of a file; None if it is not CVAT's XML for images."""
    try:
        head = file_start(entry, _HEAD_BYTES)
    except LabelError:
        return None  # no text
    return CvatCodec(entry) if re.search(rb"<annotations[\s>]", head) else None


class CvatCodec:
    """One file of CVAT's. See `Codec`."""

    def __init__(self, entry: Entry) -> None:
        self.losses: dict[str, None] = {}
        self._entry = entry
        self._head: list[str] = []  # what comes before the images, as XML
        self._names: dict[str, None] = {}
        self._points: dict[str, list[str]] = defaultdict(list)  # of each skeleton, in their order
        self._largest_id = -1

    def class_names(self) -> Sequence[str]:
        return list(self._names)

    def rows(self) -> Iterator[Row | Fault]:
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import iterparse

        root: Element | None = None
        depth = count = elements = 0
        try:
            with self._entry.open_utf8() as stream:
                for event, element in iterparse(stream, events=("start", "end")):
                    depth += 1 if event == "start" else -1
                    elements = elements + 1 if depth > 1 else 0
                    if depth > DEEPEST_XML:
                        raise RecursionError(f"elements in elements, {DEEPEST_XML} deep and more")
                    if elements > 2 * (most := image_bounds().elements):  # each is seen twice
                        raise ValueError(
                            f"image {count + 1}: more than {most:,} elements (20 times AUGMENTAI_MAX_OBJECTS)"
                        )
                    if root is None:
                        root = element
                        if root.tag != "annotations":
                            return
                    if event == "start" or depth != 1:
                        continue
                    if element.tag == "image":
                        if not count:
                            self._read_head(root)
                        count += 1
                        yield self._row(element, count)
                        root.clear()  # an image that was read is not kept
                    elif element.tag == "track":
                        yield Fault(f"track {element.get('id', '')}", "tracks are of videos; export as CVAT for images")
                        root.clear()
                    elif count:
                        root.clear()
        except (LabelError, MemoryError):
            raise
        except ElementTree.ParseError as error:
            line, column = error.position
            reason = f"line {line}: not valid XML ({error.msg}, column {column}); correct it"
            raise LabelError(f"{self._entry.path}, {reason}") from error
        except DefusedXmlException as error:
            raise LabelError(
                f"{self._entry.path}: XML of an unsafe kind ({type(error).__name__}); remove its DTD and entities"
            ) from error
        except (RecursionError, ValueError, LookupError) as error:
            raise LabelError(
                f"{self._entry.path}: XML that cannot be read ({type(error).__name__}: {error})"
            ) from error
        except Exception as error:  # zlib.error, BadZipFile, EOFError: the file is corrupt
            raise LabelError(f"{self._entry.path} is corrupt ({error}); copy it again") from error

    def _read_head(self, root: Element) -> None:
        for child in takewhile(lambda one: one.tag != "image", list(root)):  # more may have been parsed by now
            for above in child.findall("*"):
                for tag in _COUNTS:
                    for stale in above.findall(tag):
                        above.remove(stale)
            self._head.append(_xml(child))
            for label in child.iter("label"):
                name, above_name = clean(label.findtext("name") or ""), clean(label.findtext("parent") or "")
                if above_name:
                    self._points[above_name].append(name)
                elif name:
                    self._names.setdefault(name)

    def _row(self, element: Element, count: int) -> Row | Fault:
        name = element.get("name") or ""
        if not name.strip():
            return Fault(f"image {count}", "it has no name; expected the name of its file")
        self._largest_id = max(self._largest_id, whole(element.get("id")))
        for child in element:
            if child.tag in SHAPES and clean(child.get("label") or ""):
                self._names.setdefault(clean(child.get("label") or ""))
        subset = element.get("subset") or ""
        return Row(name, _xml(element), split_named(subset), subset)

    def labels(self, raws: Sequence[Any], frame: Frame) -> Labels:
        shapes, tags, reoriented, other_wh = [], [], False, None
        for first, raw in zip(_starts(raws), raws, strict=True):
            image = ElementTree.fromstring(raw)  # written by ElementTree itself, from what was parsed safely
            stated_wh = whole(image.get("width")), whole(image.get("height"))
            on_stored, other_wh = frame.matches_stored(stated_wh), other_wh or frame.unlike(stated_wh)
            size_wh = frame.stored_wh if on_stored else frame.size_wh
            check_objects(sum(child.tag in SHAPES for child in image), f"image {image.get('name')}")
            refuse_bitmaps(len(image.findall("mask")), size_wh, f"image {image.get('name')}")
            for number, child in enumerate(image):
                if child.tag == TAG and child.get("label"):
                    tags.append(clean(child.get("label") or ""))
                if child.tag not in SHAPES:
                    continue
                try:
                    shape = shape_of(child, first + number, size_wh, self._points.get(child.get("label") or "", ()))
                except ValueError as error:
                    raise ValueError(f"image {image.get('name')}, {child.tag} {number + 1}: {error}") from error
                shapes.append(upright(shape, frame) if on_stored else shape)
            reoriented = reoriented or on_stored
        return Labels(tuple(shapes), reoriented=reoriented, extra={"tags": tags}, other_size_wh=other_wh)

    def moved(self, raws: Sequence[Any], placed: Sequence[Placed], size_wh: tuple[int, int]) -> list[Any]:
        by_place = {one.place: one for one in placed if one.place is not None}
        written = []
        for first, raw in zip(_starts(raws), raws, strict=True):
            image = ElementTree.fromstring(raw)
            image.set("width", str(size_wh[0]))
            image.set("height", str(size_wh[1]))
            children = list(image)
            next_group = max((whole(child.get("group_id")) for child in children), default=0) + 1
            for child in children:
                image.remove(child)
            for number, child in enumerate(children):
                made = self._moved_child(child, by_place.get(first + number))
                if len(made) > 1 and not whole(child.get("group_id")):  # the pieces of one object
                    for piece in made:
                        piece.set("group_id", str(next_group))
                    next_group += 1
                image.extend(made)
            if first == 0:
                image.extend(piece for one in placed if one.place is None for piece in new_elements(one.shape))
            written.append(_xml(image))
        return written

    def _moved_child(self, child: Element, one: Placed | None) -> list[Element]:
        if child.tag == TAG:
            return [child]
        if child.tag not in SHAPES:
            self.losses.setdefault(f"<{clean(child.tag)}> is removed from geometrically transformed images")
            return []
        if one is None:
            return []
        if not one.moved:
            return [child]
        return moved_elements(child, one.shape, self._points.get(child.get("label") or "", ()), self.losses)

    def renamed(self, raws: Sequence[Any], image: NewImage) -> list[Any]:
        written = []
        for raw in raws:
            element = ElementTree.fromstring(raw)
            element.set("name", image.name)
            element.attrib.pop("id", None)  # numbered when it is written
            written.append(_xml(element))
        return written

    def in_split(self, raws: Sequence[Any], split: str) -> list[Any]:
        written = []
        for raw in raws:
            element = ElementTree.fromstring(raw)
            if subset := element.get("subset"):
                element.set("subset", split_like(subset, split))
            written.append(_xml(element))
        return written

    def content(self, raws: Iterable[Any]) -> Iterator[bytes]:
        yield from written_file(self._head, raws, self._largest_id)


def written_file(head: Iterable[str], images: Iterable[str], largest_id: int) -> Iterator[bytes]:
    """A file of CVAT's.

    Args:
        head: what comes before the images, as XML.
        images: the images, as XML; those without an id get one.
        largest_id: of the images that have one; -1 if none has.
    """
    yield b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n'
    for part in head:
        yield part.encode("utf-8", "backslashreplace") + b"\n"
    for text in images:
        image = ElementTree.fromstring(text)
        if image.get("id") is None:
            largest_id += 1
            image.attrib = {"id": str(largest_id), **image.attrib}
        ElementTree.indent(image, "  ", 1)
        yield b"  " + _xml(image).encode("utf-8", "backslashreplace") + b"\n"
    yield b"</annotations>\n"


def _starts(raws: Sequence[str]) -> list[int]:
    """The place of the first child of each <image>, of which one image may have several."""
    found, total = [], 0
    for raw in raws:
        found.append(total)
        total += len(ElementTree.fromstring(raw))
    return found


def _xml(element: Element) -> str:
    element.tail = None
    return ElementTree.tostring(element, encoding="unicode")
