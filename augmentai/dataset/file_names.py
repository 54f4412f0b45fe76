"""File names: made safe for every system, otherwise kept as they were, and never the same twice."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from pathlib import PurePosixPath

from augmentai.dataset.manifest import OWN_NAMES
from augmentai.dataset.sorted_sources import sort_key
from augmentai.images import extension_for
from augmentai.images.file_types import IMAGE_SUFFIXES, RAW_SUFFIXES
from augmentai.types import Source

LONGEST_PATH_BYTES = 1000  # the limits of systems start at 1,024; the path has to fit below some folder
_LONGEST_NAME_BYTES = 255  # of one file or folder, on every common file system
_ROOM_FOR_ENDING_BYTES = 32  # "__0123abcd__v16.jpeg" and more
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_WINDOWS_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_MADE_UNIQUE = re.compile(r"__[0-9a-f]{8}_*$")
_VARIATION_NAME = re.compile(r"(.+)__v\d+(\.[a-z]+)?", re.DOTALL)
# As browsers and web sites write them: "a.jpeg_large", "a.jpg_w=640", "a.pjpeg", "a.tmp".
_ODD_ENDING = re.compile(r"(?i)\.(p?jpe?g|jfif|png|webp|gif|bmp|tiff?|heic|avif|tmp)([^a-z0-9].*)?")
_ENDINGS = IMAGE_SUFFIXES | set(RAW_SUFFIXES) | {".zip"}


def safe_path(name: str) -> str | None:
    r"""Make a name safe to join to any folder on any system.

    Characters that some system forbids become "_". A part that is longer than systems allow is truncated, and ends in a
    hash of the whole, so that long names stay distinct.

    Args:
        name: a path as a user, a ZIP or a label file states it, with slashes or backslashes.

    Returns:
        A relative path with forward slashes; None if `name` is absolute, leads outside its folder, or is empty.

    Example:
        >>> safe_path("cats/a b.jpg"), safe_path("cats\\a:1.jpg")
        ('cats/a b.jpg', 'cats/a_1.jpg')
        >>> [safe_path(name) for name in ("../a.jpg", "/etc/a.jpg", "C:\\a.jpg")]
        [None, None, None]
    """
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or re.match(r"[A-Za-z]:/", slashed):
        return None
    parts = name_parts(slashed)
    if not parts or ".." in parts:
        return None
    safe = "/".join(_safe_part(part) for part in parts)
    return name if safe == name else safe  # the same object where possible: it is in memory already, in a ZIP's listing


def name_parts(name: str) -> list[str]:
    """The folders and the file of a path, as `safe_path` counts them.

    Example:
        >>> name_parts("./cats//a.jpg")
        ['cats', 'a.jpg']
    """
    return [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]


class SafeFolders:
    """Keeps folders apart whose names become the same when they are made safe: "1:2" and "1?2", "etc" and "etc.".

    The first one has the plain name; each other one gets eight digits of a hash of its own name.

    Example:
        >>> folders = SafeFolders()
        >>> [folders.unique(name, safe_path(name)) for name in ("1:2/a.jpg", "1?2/a.jpg", "1:2/b.jpg")]
        ['1_2/a.jpg', '1_2~31efcc1a/a.jpg', '1_2/b.jpg']
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}  # the name that each safe name stands for
        self._known: dict[str, str] = {}  # the unique folder of each folder

    def unique(self, name: str, safe: str) -> str:
        """The path with folders of different origin kept apart.

        Args:
            name: as the folder or archive states it.
            safe: what `safe_path` makes of it.
        """
        written, _, _ = name.replace("\\", "/").rpartition("/")
        folder, _, last = safe.rpartition("/")
        if not folder:
            return safe
        if written not in self._known:
            self._known[written] = self._found([part for part in written.split("/") if part not in {"", "."}], folder)
        unique = self._known[written]
        return safe if unique == folder else f"{unique}/{last}"

    def _found(self, written: list[str], folder: str) -> str:
        return "/".join(self._unique_part(part, safe) for part, safe in zip(written, folder.split("/"), strict=True))

    def _unique_part(self, part: str, safe: str) -> str:
        """One folder's name: the same wherever it is, since it may be a class."""
        if self._names.setdefault(safe, part) == part:
            return safe
        return f"{safe}~{hashlib.sha256(part.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def printable(name: str) -> str:
    r"""A name that can be printed and written as UTF-8: control characters become "_", undecodable bytes are escaped.

    Example:
        >>> printable("cats\n/\udcff.jpg")
        'cats_/\\udcff.jpg'
    """
    return re.sub(r"[\x00-\x1f\x7f]", "_", name.encode("utf-8", "backslashreplace").decode())


def as_on_disk(name: str) -> str:
    r"""The name that `printable` made of one with undecodable bytes; any other as it is.

    Example:
        >>> as_on_disk(printable("caf\udce9")) == "caf\udce9"
        True
    """
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda escape: chr(0xDC00 + int(escape[1], 16)), name)


@lru_cache(maxsize=4096)  # folders are those of many files
def _safe_part(part: str) -> str:
    part = part.encode("utf-8", "backslashreplace").decode()  # an undecodable byte: \udcff, then _udcff
    part = _FORBIDDEN.sub("_", part).rstrip(". ") or "_"
    if _WINDOWS_DEVICES.match(part):
        part = "_" + part
    if len(part.encode()) <= _LONGEST_NAME_BYTES:
        return part
    ending = PurePosixPath(part).suffix
    ending = ending if ending.lower() in _ENDINGS else ""
    mark = "~" + hashlib.sha256(part.encode()).hexdigest()[:8] + ending
    return _truncate(part, _LONGEST_NAME_BYTES - len(mark)) + mark


def _truncate(text: str, limit_bytes: int) -> str:
    return text.encode()[:limit_bytes].decode("utf-8", "ignore")


def name_key(name: str, fold_case: bool = False) -> str:
    """What two names are compared by: equal for all that are written alike.

    macOS stores "é" as two characters (NFD) and most other systems as one (NFC); label files keep either.

    Args:
        name: a file name, a path, or part of one.
        fold_case: also treat "A.JPG" and "a.jpg" as one, as the file systems of Windows and macOS do.

    Example:
        >>> name_key("cafe\\u0301.jpg") == name_key("caf\\u00e9.jpg"), name_key("A.JPG", fold_case=True)
        (True, 'a.jpg')
    """
    if name.isascii():
        return name.lower() if fold_case else name
    normal = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFC", normal.casefold()) if fold_case else normal


class Names:
    """The file name of every variation and original of a run.

    Sources of the same folder and stem (a.jpg and a.png, A.jpg and a.jpg, or two uploads called a.jpg) would collide on
    some system; all but the first by (path, hash) then get eight digits of their hash. The choice depends on the set of
    sources, never on their order.

    Args:
        sources: all images of the dataset, in any order.
        path_of: the path of a source in the output; its own by default.
        originals: the sources that are part of the output themselves, under their own names.
        unique_stems: no two originals share a stem, for formats in which a.jpg and a.png cannot both have labels.
        label_folders: the folders in which a source has label files that are named after it. The variations of two
            sources of the same stem in different folders would share their label files there, so they count as one
            folder.

    Example:
        >>> jpeg, png = Source.from_bytes("cats/a.jpg", b"1"), Source.from_bytes("cats/a.png", b"2")
        >>> names = Names([jpeg, png])
        >>> names.variation(jpeg, 1, "JPEG"), names.variation(png, 1, "PNG")
        ('cats/a__v1.jpg', 'cats/a__d4735e3a__v1.png')
        >>> names.original(png)
        'cats/a.png'
    """

    def __init__(
        self,
        sources: Iterable[Source],
        path_of: Callable[[Source], str] = attrgetter("path"),
        originals: Iterable[Source] = (),
        unique_stems: bool = False,
        label_folders: Callable[[Source], Iterable[str]] | None = None,
    ) -> None:
        self._path_of = path_of
        sources = tuple(sources)
        paths = {sort_key(source): clear_of_own_folders(path_of(source)) for source in sorted(sources, key=sort_key)}
        original_paths = paths_of_originals(paths, sorted(originals, key=sort_key), unique_stems)
        shared = {sort_key(one): tuple(label_folders(one)) if label_folders is not None else () for one in sources}
        stems = _unique_stems(paths, original_paths, shared)
        # Only the exceptions are remembered, so that a large dataset stays small in memory.
        self._stems = {key: stem for key, stem in stems.items() if stem != natural_stem(paths[key])}
        self._originals = {key: path for key, path in original_paths.items() if path != paths[key]}

    def variation(self, source: Source, index: int, file_format: str) -> str:
        """The relative path of a variation.

        Args:
            source: what it was made from.
            index: the number of the variation, from 1.
            file_format: what it is encoded as: "JPEG", "PNG" or "WEBP".
        """
        ending = extension_for(file_format, PurePosixPath(source.path).suffix)
        return f"{self.stem(source)}__v{index}{ending}"

    def original(self, source: Source) -> str:
        """The relative path of a source that is part of the output itself."""
        return self._originals.get(sort_key(source)) or clear_of_own_folders(self._path_of(source))

    def stem(self, source: Source) -> str:
        """What the paths of all variations of a source begin with."""
        return self._stems.get(sort_key(source)) or natural_stem(clear_of_own_folders(self._path_of(source)))


def clear_of_own_files(path: str) -> str:
    """The path of a label file, preceded by "_" if a run writes its own file under that name.

    Example:
        >>> clear_of_own_files("recipe.yaml"), clear_of_own_files("data.yaml")
        ('_recipe.yaml', 'data.yaml')
    """
    return "_" + path if path.casefold() in OWN_NAMES else path


def paths_of_originals(
    paths: Mapping[tuple[str, str], str], originals: Iterable[Source], unique_stems: bool = False
) -> dict[tuple[str, str], str]:
    """The paths of `originals`, sorted by (path, hash): no two are one file on any system. paths: of all, by that."""
    found = {}
    taken: set[str] = set()
    for source in originals:
        path = paths[sort_key(source)]
        if name_key(natural_stem(path) if unique_stems else path, fold_case=True) in taken:
            path = f"{natural_stem(path)}__{source.sha256[:8]}{PurePosixPath(path).suffix}"
        taken.add(name_key(natural_stem(path) if unique_stems else path, fold_case=True))
        found[sort_key(source)] = path
    return found


def _unique_stems(
    paths: Mapping[tuple[str, str], str],
    original_paths: Mapping[tuple[str, str], str],
    label_folders: Mapping[tuple[str, str], tuple[str, ...]],
) -> dict[tuple[str, str], str]:
    """What the names of each source's variations begin with. paths: sorted by (path, hash)."""
    occupied = {str(folder) for path in paths.values() for folder in PurePosixPath(path).parents}
    occupied.update(original_paths.values())
    for key, path in paths.items():
        occupied.update(_label_names(natural_stem(path), label_folders[key]))
    return unique_stems(paths, {name for path in occupied if (name := varied_by(path))}, label_folders)


def varied_by(path: str) -> str:
    """The `stem_key` of the image of which a file or folder has the name of a variation; "" if there is none.

    A folder or an original called "a__v1.jpg" has the name that the first variation of a.jpg would get.

    Example:
        >>> varied_by("cats/A__v1.jpg"), varied_by("cats/a.jpg")
        ('cats/a', '')
    """
    match = _VARIATION_NAME.fullmatch(name_key(path, fold_case=True))
    return match[1] if match else ""


def stem_key(stem: str) -> str:
    """What the beginnings of variations' names are compared by; equal for all that collide on some system."""
    return name_key(stem, fold_case=True)


def has_odd_stem(stem: str) -> bool:
    """Whether another image may come to have this stem because its own was taken.

    Example:
        >>> has_odd_stem("cats/a__0123abcd"), has_odd_stem("cats/a")
        (True, False)
    """
    return _MADE_UNIQUE.search(stem_key(stem)) is not None


def unique_stems(
    paths: Mapping[tuple[str, str], str],
    taken: set[str],
    label_folders: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
) -> dict[tuple[str, str], str]:
    """What the names of each source's variations begin with.

    Args:
        paths: of the sources, by (path, hash), sorted by that. Those that can collide with none of them may be missing.
        taken: the keys of stems that cannot be used; see `varied_by`. More are added.
        label_folders: see `Names`.
    """
    stems: dict[tuple[str, str], str] = {}
    for key, path in paths.items():
        stem, folders = natural_stem(path), label_folders[key] if label_folders is not None else ()
        if not taken.isdisjoint(_names_of(stem, folders)):
            stem = f"{stem}__{key[1][:8]}"
        while not taken.isdisjoint(_names_of(stem, folders)):
            stem += "_"
        taken |= _names_of(stem, folders)
        stems[key] = stem
    return stems


def _names_of(stem: str, label_folders: tuple[str, ...]) -> set[str]:
    """The names that an image of this stem takes: its own, and those of its label files."""
    return {name_key(name, fold_case=True) for name in (stem, *_label_names(stem, label_folders))}


def _label_names(stem: str, label_folders: tuple[str, ...]) -> list[str]:
    """Names for label files that no image can have, since an image and its label file may share a stem."""
    return [f"{folder}/\0{PurePosixPath(stem).name}" for folder in label_folders]


def clear_of_own_folders(path: str) -> str:
    """The path, preceded by "_" if its first folder has the name of a file that a run writes about itself."""
    first, _, rest = path.partition("/")
    return "_" + path if rest and first.casefold() in OWN_NAMES else path


def natural_stem(path: str) -> str:
    """What the paths of the variations of an image begin with, if no other image gets the same.

    It is the path without its ending, short enough for what a variation's name adds.

    Example:
        >>> natural_stem("cats/a.jpg"), natural_stem("frame.001")
        ('cats/a', 'frame.001')
    """
    whole = PurePosixPath(clear_of_own_folders(path))
    name = whole.name
    if whole.suffix.lower() in _ENDINGS or _ODD_ENDING.fullmatch(whole.suffix):
        name = name[: -len(whole.suffix)]
    return str(whole.with_name(_truncate(name, _LONGEST_NAME_BYTES - _ROOM_FOR_ENDING_BYTES)))
