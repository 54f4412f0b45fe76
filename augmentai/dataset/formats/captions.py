"""Texts that describe one image each, as sets for image generation have them: a.jpg with a.txt or a.caption.

A text is known by its name, which is that of one image, and by its content, which is words; its folder does not matter.
It goes with its image, and unchanged to each variation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from augmentai.annotations import LabelError
from augmentai.dataset.file_names import name_key
from augmentai.dataset.file_tree import Entry, Tree, parent
from augmentai.dataset.formats.base import ImageKey, Layout, OutputFile
from augmentai.dataset.formats.image_names import folder_parts, named, shared_parts
from augmentai.dataset.formats.texts import KEEP_TRUE, with_words
from augmentai.dataset.readers.label_signatures import head_of, image_stem, looks_like_caption, signature_of

SUFFIXES = (".txt", ".caption", ".captions", ".cap", ".tags", ".prompt")
_FILES_SAMPLED = 20  # of those in one folder with one ending
_LARGEST_BYTES = 1 << 20

Captions = dict[ImageKey, tuple[Entry, ...]]


def find_captions(layout: Layout, tree: Tree) -> Captions:
    """The captions of each image that has some.

    Args:
        layout: of the set; files that it has read are no captions. Captions are added to its `label_paths`, and what
            becomes of them to its notices.
        tree: the files of the set.
    """
    claimed = layout.label_paths | {failure.file for failure in layout.failures}
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for path in tree.sidecars:
        if path.lower().endswith(SUFFIXES) and path not in claimed:
            groups[parent(path), PurePosixPath(path).suffix.lower()] += tree.sidecars[path]
    if not groups:
        return {}
    owners = _Owners([entry for entry in tree.images if entry.key not in layout.excluded])
    found: dict[ImageKey, list[Entry]] = defaultdict(list)
    files: list[str] = []
    for group in groups.values():
        pairs = [(text, images) for text in group if (images := owners.of(text))]
        for text, images in _captions(pairs):
            files.append(text.path)
            for image in images:
                found[image.key].append(text)
    if files:
        layout.label_paths.update(files)
        layout.notices.append(f"{named(files, 'caption file')} copied to variations unchanged; {KEEP_TRUE}")
    return {key: tuple(texts) for key, texts in found.items()}


def captions_for(
    texts: tuple[Entry, ...], image: str, file: str, beside: bool = False, drawn: str = ""
) -> Iterator[OutputFile]:
    """The captions of a variation as files: in the folder of those of its source, beside it if it is in another one.

    Args:
        texts: those of its source.
        image: the path of its source.
        file: its own path.
        beside: write them beside the variation in any case.
        drawn: words that were drawn for its prompt, which they say as well.

    Raises:
        LabelError: one cannot be read.
    """
    for text in texts:
        name = caption_name(PurePosixPath(text.path).name, PurePosixPath(image).name, PurePosixPath(file).name)
        folder = parent(file if beside or parent(file) != parent(image) else text.path)
        yield f"{folder}/{name}" if folder else name, _with_words(text.read(_LARGEST_BYTES), drawn)


def first_caption(texts: Iterable[Entry]) -> str:
    """The first caption that can be read, in one line; "" if there is none."""
    for text in texts:
        with suppress(OSError, LabelError):
            if words := " ".join(text.read(_LARGEST_BYTES).decode("utf-8", "replace").lstrip("\ufeff").split()):
                return words
    return ""


def _with_words(data: bytes, drawn: str) -> bytes:
    """A caption file that says as well what was drawn, in each line: each is a caption."""
    if not drawn:
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data  # in another encoding, which is kept
    return "".join(with_words(line, drawn) if line.strip() else line for line in text.splitlines(True)).encode()


def caption_name(text: str, image: str, file: str) -> str:
    """What the caption of another image is called.

    Args:
        text: the file name of a caption.
        image: that of its image.
        file: that of the other image.

    Example:
        >>> caption_name("a.gt.txt", "a.jpg", "a__v1.png"), caption_name("a.jpg.txt", "a.jpg", "a__v1.png")
        ('a__v1.gt.txt', 'a__v1.png.txt')
    """
    is_whole = name_key(text, fold_case=True).startswith(name_key(f"{image}.", fold_case=True))
    known, new = (image, file) if is_whole else (PurePosixPath(image).stem, PurePosixPath(file).stem)
    return ".".join([new, *text.split(".")[known.count(".") + 1 :]])


class _Owners:
    """Finds the image of a text by its name: in its own folder, else the only one, else in the most similar folder."""

    def __init__(self, images: list[Entry]) -> None:
        self._by_stem: dict[str, list[Entry]] = defaultdict(list)
        for image in images:
            self._by_stem[name_key(image.name_stem)].append(image)

    def of(self, text: Entry) -> list[Entry]:
        """The images of a text: several of one name in one folder share it; none if nothing tells whose it is."""
        images = self._by_stem.get(image_stem(PurePosixPath(text.path)), [])
        same_archive = [image for image in images if image.origin == text.origin]
        for some in (same_archive, images):
            beside = [image for image in some if parent(image.path) == parent(text.path)]
            if beside:
                return beside
        images = same_archive or images
        if len(images) > 1:
            parts = folder_parts(text.path)
            scores = [_similarity(parts, folder_parts(image.path)) for image in images]
            best = max(scores)
            images = [image for image, score in zip(images, scores, strict=True) if score == best]
        return images if len({parent(image.path) for image in images}) == 1 else []


def _similarity(one: list[str], other: list[str]) -> int:
    """How many leading and last folders two paths share: "texts/train" and "images/train" share one."""
    return shared_parts(one, other) + shared_parts(one[::-1], other[::-1])


def _captions(pairs: list[tuple[Entry, list[Entry]]]) -> list[tuple[Entry, list[Entry]]]:
    """Those of the texts of one folder that are captions: all of them if the sampled ones are."""
    step = max(1, len(pairs) // _FILES_SAMPLED)
    verdicts = [is_caption(text) for text, _ in pairs[::step]]
    if True not in verdicts:
        return []
    if False not in verdicts:
        return pairs
    return [pair for pair in pairs if is_caption(pair[0]) is not False]


def is_caption(text: Entry) -> bool | None:
    """Whether a text describes an image in words; None if it is empty. text: the file."""
    content = head_of(text)
    if not content.strip():
        return None
    return signature_of(text.path, content) is None and looks_like_caption(content)
