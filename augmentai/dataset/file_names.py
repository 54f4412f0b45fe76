"""Names of files: made safe to write, kept as they were where that is possible, never twice the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from pathlib import PurePosixPath

from augmentai.dataset.manifest import OWN_FILES
from augmentai.images import extension_for
from augmentai.images.file_types import IMAGE_SUFFIXES, RAW_SUFFIXES
from augmentai.types import Source

LONGEST_PATH_BYTES = 1000  # systems differ from 1,024 up; a path has to fit below somebody's folder
_LONGEST_NAME_BYTES = 255  # of one file or folder, on every common file system
_ROOM_FOR_ENDING_BYTES = 32  # "__0123abcd__v16.jpeg" and more
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_WINDOWS_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_VARIATION_NAME = re.compile(r"(.+)__v\d+(\.[a-z]+)?", re.DOTALL)
_ENDINGS = IMAGE_SUFFIXES | set(RAW_SUFFIXES) | {".zip"}


def safe_path(name: str) -> str | None:
    """A relative path that can be joined to any folder on any system, or None where `name` climbs out of one.

    "cats/a b.jpg" stays as it is; "../a.jpg" and "/etc/a.jpg" and "C:\\a.jpg" give None. Letters that some system
    forbids become "_". A part longer than any system takes is cut, and carries a hash of the whole.
    """
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or re.match(r"[A-Za-z]:/", slashed):
        return None
    parts = [part for part in slashed.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        return None
    safe = "/".join(_safe_part(part) for part in parts)
    return name if safe == name else safe  # one object for both: of a large ZIP, its list of contents holds the other


def shown(name: str) -> str:
    """A name as it may be printed and kept in a file: no control characters, no bytes that are no letters."""
    return re.sub(r"[\x00-\x1f\x7f]", "_", name.encode("utf-8", "backslashreplace").decode())


def _safe_part(part: str) -> str:
    part = part.encode("utf-8", "backslashreplace").decode()  # bytes that are no letters: \udcff, then _udcff
    part = _FORBIDDEN.sub("_", part).rstrip(". ") or "_"
    if _WINDOWS_DEVICES.match(part):
        part = "_" + part
    if len(part.encode()) <= _LONGEST_NAME_BYTES:
        return part
    ending = PurePosixPath(part).suffix
    ending = ending if ending.lower() in _ENDINGS else ""
    mark = "~" + hashlib.sha256(part.encode()).hexdigest()[:8] + ending
    return _cut(part, _LONGEST_NAME_BYTES - len(mark)) + mark


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode()[:limit_bytes].decode("utf-8", "ignore")


class Names:
    """Which file each variation becomes: "cats/a.jpg" gives "cats/a__v1.jpg".

    Sources of the same folder and stem (a.jpg and a.png, A.jpg and a.jpg, or two uploads called a.jpg) would meet on
    some system; all but the first by (path, hash) then carry eight digits of their hash. The choice hangs on the set of
    sources, never on their order.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        place: Callable[[Source], str] = attrgetter("path"),
        kept: Iterable[Source] = (),
        own_stems: bool = False,
    ) -> None:
        """place: where a source's picture goes. kept: those that are in the result themselves, under their own names.

        own_stems: no two originals share a stem, for layouts where a.jpg and a.png cannot both have labels.
        """
        ordered = sorted(sources, key=lambda s: (s.path, s.sha256))
        placed = {(source.path, source.sha256): _placed(place(source)) for source in ordered}
        self._place = place
        originals = _originals(placed, sorted(kept, key=lambda s: (s.path, s.sha256)), own_stems)
        stems: dict[tuple[str, str], str] = {}
        held = {str(folder) for path in placed.values() for folder in PurePosixPath(path).parents}
        held.update(originals.values())
        # A folder or an original called "a__v1.jpg" stands where the first variation of a.jpg would go.
        taken = {match[1] for path in held if (match := _VARIATION_NAME.fullmatch(_key(path)))}
        for source in ordered:
            stem = _stem(placed[source.path, source.sha256])
            if _key(stem) in taken:
                stem = f"{stem}__{source.sha256[:8]}"
            while _key(stem) in taken:
                stem += "_"
            taken.add(_key(stem))
            stems[source.path, source.sha256] = stem
        # Nothing is kept of the usual names, so that a large set stays small.
        self._stems = {key: stem for key, stem in stems.items() if stem != _stem(placed[key])}
        self._originals = {key: path for key, path in originals.items() if path != placed[key]}

    def variation(self, source: Source, index: int, file_format: str) -> str:
        """Relative path of variation `index` (from 1) of a source, written as `file_format`."""
        ending = extension_for(file_format, PurePosixPath(source.path).suffix)
        return f"{self._stem_of(source)}__v{index}{ending}"

    def original(self, source: Source) -> str:
        """Relative path of a source that is kept itself."""
        return self._originals.get((source.path, source.sha256)) or _placed(self._place(source))

    def _stem_of(self, source: Source) -> str:
        return self._stems.get((source.path, source.sha256)) or _stem(_placed(self._place(source)))


def beside_own(path: str) -> str:
    """The path of a label file, with "_" before it where what a run says of itself has that name."""
    return "_" + path if path.casefold() in OWN_FILES else path


def _originals(
    placed: Mapping[tuple[str, str], str], kept: Iterable[Source], own_stems: bool
) -> dict[tuple[str, str], str]:
    originals = {}
    taken: set[str] = set()
    for source in kept:
        path = placed[source.path, source.sha256]
        if _key(_stem(path) if own_stems else path) in taken:
            path = f"{_stem(path)}__{source.sha256[:8]}{PurePosixPath(path).suffix}"
        taken.add(_key(_stem(path) if own_stems else path))
        originals[source.path, source.sha256] = path
    return originals


def _placed(path: str) -> str:
    # A folder cannot stand where the manifest and its kin go.
    first, _, rest = path.partition("/")
    return "_" + path if rest and first.casefold() in OWN_FILES else path


def _stem(path: str) -> str:
    """The path without its ending, short enough for what a variation's name adds. "frame.001" has no ending."""
    whole = PurePosixPath(_placed(path))
    name = whole.name
    if whole.suffix.lower() in _ENDINGS:
        name = name[: -len(whole.suffix)]
    return str(whole.with_name(_cut(name, _LONGEST_NAME_BYTES - _ROOM_FOR_ENDING_BYTES)))


def _key(path: str) -> str:
    """The same for names that some file system takes for one: letters of either case, accents in either form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
