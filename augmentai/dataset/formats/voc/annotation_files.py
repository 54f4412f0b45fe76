"""Which image each Pascal VOC annotation describes: the one that it names, else the one of its own name nearby."""

from __future__ import annotations

import codecs
import html
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey
from augmentai.dataset.formats.image_frame import image_frame
from augmentai.dataset.formats.image_names import (
    ImageNames,
    folder_parts,
    match_key,
    name_of,
    shared_parts,
    stem_of,
)

_HEAD_BYTES = 1 << 14  # the fields about the image come before its objects
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")
_SKIPPED = re.compile(r"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\])?\s*>", re.DOTALL)
_ENCODING = re.compile(rb"""<\?xml[^>]*encoding=["']([\w.-]+)""")
_LABEL_FOLDER = re.compile(r"(?i)seg|mask|trimap|visuali[sz]ation|overlay|thumb")
_XML_FOLDER = re.compile(r"(?i)^(annotations?|xmls?|labels?)$")

_IMAGE_FOLDER = re.compile(r"(?i)^(.*images?|imgs?|photos?|pictures?|data)$")


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """An XML file and what it says of its image.

    Attributes:
        entry: the file.
        root: the name of its root element; "" if it is not XML.
        filename, folder, path: of its image, as they stand in it; "" if they do not.
        size_wh: width and height of its image; zeros if it does not say.
    """

    entry: Entry
    root: str
    filename: str = ""
    folder: str = ""
    path: str = ""
    size_wh: tuple[int, int] = (0, 0)

    @property
    def is_voc(self) -> bool:
        return self.root == "annotation"


@dataclass(frozen=True)
class Assigned:
    """Which annotation describes which image.

    Attributes:
        of_image: the annotation of each image that has one.
        unused: annotations whose image is missing, or has another annotation.
    """

    of_image: dict[ImageKey, Entry]
    unused: list[Entry]


def read_annotation_files(tree: Tree) -> list[AnnotationFile]:
    """Every XML file of a set that may be Pascal VOC's, sorted by path: those that are, and those that are broken."""
    found = [_described(entry) for entry in tree.sidecars_ending(".xml")]
    return [one for one in found if one.is_voc or not one.root]


def assign(files: Iterable[AnnotationFile], images: Iterable[Entry]) -> Assigned:
    """Give each image the annotation that describes it.

    An annotation belongs to the image that it names in `<filename>`, of several with this name to that in its
    `<folder>`, of its `<size>` or nearest to it; if there is none, to the image of its own name. If two claim one
    image, the file of the image's name wins, then the nearer one, and the other falls back to the image of its own
    name. So it does not matter which are asked first.
    """
    files, images = list(files), list(images)
    if not files:
        return Assigned({}, [])
    names, stems = ImageNames(images), ImageNames(images, stem_of)
    claims = deque((one, iter(_claims(one, names, stems))) for one in files)
    holders: dict[ImageKey, tuple[AnnotationFile, Iterator[Entry]]] = {}
    unused = []
    while claims:
        claim = claims.popleft()
        image = next(claim[1], None)
        if image is None:
            unused.append(claim[0].entry)
            continue
        other = holders.get(image.key)
        if other is None:
            holders[image.key] = claim
        elif _fit(claim[0].entry, image) > _fit(other[0].entry, image):
            holders[image.key] = claim
            claims.append(other)
        else:
            claims.append(claim)
    of_image = {key: one.entry for key, (one, _) in holders.items()}
    return Assigned(of_image, sorted(unused, key=lambda entry: (entry.path, entry.origin)))


def _claims(one: AnnotationFile, names: ImageNames, stems: ImageNames) -> Iterator[Entry]:
    """The image that an annotation names, then the image of its own name; looked up when it is asked for."""
    path, own = one.entry.path, name_of(one.entry.path).rpartition(".")[0]
    folders = [name_of(one.folder), *folder_parts(one.path)[-1:], *folder_parts(path)[-1:]]
    if one.filename and one.is_voc:
        named = names.called(name_of(one.filename), path, folders)
        yield from _likeliest(one, named or stems.called(stem_of(one.filename), path, folders))
    yield from _likeliest(one, stems.called(own, path, folders))


def _likeliest(one: AnnotationFile, images: list[Entry]) -> list[Entry]:
    """The image that an annotation means; none if there are no images."""
    if len(images) < 2:
        return images
    here, place = folder_parts(one.entry.path), folder_parts(one.path)
    folder, called = match_key(name_of(one.folder)), name_of(one.entry.path).rpartition(".")[0]

    def likelihood(image: Entry) -> tuple[object, ...]:
        own = folder_parts(image.path)
        last = name_of(parent(image.path))
        return (
            own == here and image.origin == one.entry.origin,
            bool(folder) and match_key(last) == folder,
            shared_parts(own[::-1], place[::-1]),
            name_key(stem_of(image.path)) == name_key(stem_of(name_of(one.filename)) or called),  # "A.jpg" or "a.jpg"
            _has_size(image, one.size_wh),
            not _LABEL_FOLDER.search(last),
            shared_parts(own, here),
            len(_words(own) & _words(here)),
            image.origin == one.entry.origin,
            match_key(name_of(image.path)) == match_key(name_of(one.filename)),
            bool(_IMAGE_FOLDER.match(last)),
            shared_parts(own[::-1], here[::-1]),
        )

    return [max(images, key=likelihood)]


def _words(folders: list[str]) -> set[str]:
    """The words in names of folders: those of "train_images" are "train" and "images"."""
    return {word for folder in folders for word in re.findall(r"[^\W\d_]+|\d+", folder)}


def _has_size(image: Entry, size_wh: tuple[int, int]) -> bool:
    """Whether an image has the size that an annotation states, upright or as stored."""
    if min(size_wh) < 1:
        return False
    try:
        return size_wh in {(frame := image_frame(image)).size_wh, frame.stored_wh}
    except LabelError:
        return False


def _fit(annotation: Entry, image: Entry) -> tuple[object, ...]:
    """How well an annotation fits an image that it claims."""
    here, own = folder_parts(annotation.path), folder_parts(image.path)
    return (
        match_key(stem_of(image.path)) == match_key(name_of(annotation.path).rpartition(".")[0]),
        name_key(stem_of(image.path)) == name_key(name_of(annotation.path).rpartition(".")[0]),
        here == own,
        shared_parts(here, own),
        len(_words(here) & _words(own)),
        annotation.origin == image.origin,
        any(_XML_FOLDER.match(part) for part in here),
        shared_parts(here[::-1], own[::-1]),
        [-ord(letter) for letter in annotation.path],
    )


def _described(entry: Entry) -> AnnotationFile:
    """What the beginning of an XML file says, without parsing the rest of it."""
    try:
        with entry.open() as stream:
            head = stream.read(_HEAD_BYTES)
    except Exception:  # reported when the turn of its image comes
        return AnnotationFile(entry, "")
    text = _SKIPPED.sub("", _decoded(head))
    root = _ROOT.search(text)
    if root is None or not text.lstrip().startswith("<"):
        return AnnotationFile(entry, "")
    size_wh = _whole(_text_of("width", text)), _whole(_text_of("height", text))
    return AnnotationFile(
        entry, root[1], _text_of("filename", text), _text_of("folder", text), _text_of("path", text), size_wh
    )


def _decoded(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace")
    stated = _ENCODING.search(head[:200])
    try:
        return head.decode(stated[1].decode() if stated else "utf-8-sig", "replace").lstrip("\ufeff")
    except LookupError:
        return head.decode("utf-8", "replace")


def _text_of(tag: str, text: str) -> str:
    found = re.search(rf"<{tag}>\s*(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?\s*</{tag}>", text, re.DOTALL)
    return html.unescape(found[1]).strip() if found else ""


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
