"""What a visitor gave: laid out on disk as it lay with them, and looked at before anything is made of it."""

from __future__ import annotations

import base64
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from augmentai.dataset.archive import ArchiveError, check, name_of, open_archive, size_words
from augmentai.dataset.names import safe_path, shown
from augmentai.images.kinds import RAW_SUFFIXES, SUFFIXES
from augmentai.images.photo import ImageError
from augmentai.images.preview import as_web_file, first_look, thumbnail
from augmentai.settings import EXAMPLES, Settings

THUMBNAILS = 12
_THUMBNAIL_SIDE_PX = 144
_REFUSED_SHOWN = 50
_ZIP_MEMBERS_CHECKED = 300  # of a ZIP only so many pictures are opened before the job; all are counted
LABEL_SUFFIXES = frozenset({".txt", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".csv"})

Entry = tuple[str, str]  # (the path it had with the visitor, where the server keeps it)

# The class folders in which the bundled photos are offered, so that a first try shows what labels do.
_SAMPLES = {
    "outdoors": ("china.jpg", "dandelions_clemens_engelhardt.jpg", "flower.jpg"),
    "indoors": ("chelsea.png", "coffee.png"),
    "science": ("hubble_deep_field.jpg", "retina.jpg", "rocket.jpg"),
}


def samples() -> list[Entry]:
    """The bundled photos as if a folder of three classes had been dropped."""
    placed = {name: label for label, names in _SAMPLES.items() for name in names}
    photos = sorted(path for path in EXAMPLES.iterdir() if path.suffix.lower() in {".jpg", ".png"})
    return [(f"{placed.get(path.name, 'more')}/{path.name}", str(path)) for path in photos]


@dataclass
class Look:
    """What was found in uploads, by names and headers: pictures (and their classes), refused files, small pictures."""

    pictures: int = 0
    size_bytes: int = 0
    labels: int = 0  # files that may hold boxes, masks' names or classes
    pixels: int = 0  # of the pictures whose header was read
    pixels_of: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, str]] = field(default_factory=list)
    thumbs: list[dict[str, str]] = field(default_factory=list)

    def as_props(self) -> dict[str, Any]:
        """JSON for the drop zone."""
        named = [{"name": name, "count": count} for name, count in sorted(self.classes.items())]
        return {
            "pictures": self.pictures,
            "size": size_words(self.size_bytes),
            "labels": self.labels,
            "classes": named,
            "refused": self.refused[:_REFUSED_SHOWN],
            "refused_in_all": len(self.refused),
            "thumbs": self.thumbs,
        }

    def as_state(self) -> dict[str, Any]:
        """The few numbers by which cost and time are told."""
        numbers = {"pictures": self.pictures, "pixels": self.pixels // max(1, self.pixels_of)}
        return {**numbers, "classes": dict(self.classes)}


def look(entries: Sequence[Entry], settings: Settings) -> Look:
    """Look at uploads: headers of files, contents lists of ZIPs. Decodes a dozen pictures, for thumbnails.

    Raises nothing for bad files: they are among `refused`, with the reason in words for the visitor.
    """
    found = Look()
    candidates: list[_Candidate] = []
    for place, path in _placed(entries, found):
        if _is_zip(place):
            candidates += _zip_members(Path(path), place, settings, found)
        elif _suffix(place) in LABEL_SUFFIXES and "/" in place:
            found.labels += 1
        else:
            candidates += _file(Path(path), place, settings, found)
    found.pictures = len(candidates)
    for candidate in candidates:
        parts = PurePosixPath(candidate.place).parts
        if len(parts) > 1:
            found.classes[parts[-2]] += 1
    if found.pictures > settings.max_files:
        over = found.pictures - settings.max_files
        reason = f"beyond the limit of {settings.max_files} pictures a job; run it in several jobs"
        found.refused.append({"file": f"{over} pictures", "reason": reason})
        found.pictures = settings.max_files
    found.thumbs = list(_thumbnails(candidates, settings))
    return found


def lay_out(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """The uploads as they lay with the visitor: one folder of files, and ZIPs by themselves. For `gather`.

    Files are linked, not copied. Names that lead out of the folder are left where they are, under their plain name, so
    that the job tells about them.
    """
    inputs: list[Path] = []
    for place, path in _placed(entries, Look()):
        if _is_zip(place):
            target = folder.parent / "zips" / str(len(inputs)) / PurePosixPath(place).name
        else:
            target = _free(folder / place)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(Path(path), target)
        if _is_zip(place):
            inputs.append(target)
    return [folder, *inputs] if folder.is_dir() else inputs


@dataclass
class _Candidate:
    """A picture that may be shown: where it lay, and how to get its bytes; `entry` where it lies in a ZIP."""

    place: str
    path: Path
    entry: zipfile.ZipInfo | None = None

    def read(self) -> bytes:
        if self.entry is None:
            return self.path.read_bytes()
        with open_archive(self.path) as archive:
            return archive.read(self.entry)


def _placed(entries: Sequence[Entry], found: Look) -> Iterator[Entry]:
    """Entries with safe places. Of one folder that holds class folders the name says nothing, and it is left off."""
    safe: list[Entry] = []
    for rel, path in entries:
        place = safe_path(rel)
        if place is None:
            found.refused.append({"file": shown(rel), "reason": "its name leads out of the folder; it was not touched"})
        else:
            safe.append((place, path))
    tops = {place.split("/", 1)[0] for place, _ in safe if not _is_zip(place)}
    deep = any(place.count("/") > 1 for place, _ in safe)
    strip = len(tops) == 1 and deep and all("/" in place for place, _ in safe if not _is_zip(place))
    for place, path in safe:
        yield (place.split("/", 1)[1] if strip and not _is_zip(place) else place), path


def _file(path: Path, place: str, settings: Settings, found: Look) -> list[_Candidate]:
    try:
        size = path.stat().st_size
        if size > settings.max_file_bytes:
            limit = size_words(settings.max_file_bytes)
            raise ImageError(f"{size_words(size)} is more than the limit of {limit} a file; make it smaller")
        with path.open("rb") as stream:
            _measure(stream, place, settings, found)
    except (ImageError, OSError) as error:
        found.refused.append({"file": shown(place), "reason": str(error)})
        return []
    found.size_bytes += size
    return [_Candidate(place, path)]


def _zip_members(path: Path, place: str, settings: Settings, found: Look) -> list[_Candidate]:
    candidates: list[_Candidate] = []
    try:
        with open_archive(path) as archive:
            for entry in archive.infolist():
                name = name_of(entry)
                parts = PurePosixPath(name).parts
                if entry.is_dir() or "__MACOSX" in parts or not parts or parts[-1].startswith("."):
                    continue
                suffix = _suffix(name)
                if suffix in LABEL_SUFFIXES:
                    found.labels += 1
                if suffix not in SUFFIXES and suffix not in RAW_SUFFIXES:
                    continue
                try:
                    if (member := safe_path(name)) is None:
                        raise ImageError("its name leads out of the folder; it was not touched")
                    check(entry, settings.max_file_bytes)
                    if len(candidates) < _ZIP_MEMBERS_CHECKED:
                        with archive.open(entry) as stream:
                            _measure(stream, name, settings, found)
                except (ImageError, ArchiveError) as error:
                    found.refused.append({"file": shown(name), "reason": str(error)})
                except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
                    found.refused.append({"file": shown(name), "reason": f"damaged inside the ZIP ({error})"})
                else:
                    found.size_bytes += entry.file_size
                    candidates.append(_Candidate(member, path, entry))
    except ArchiveError as error:
        found.refused.append({"file": shown(place), "reason": str(error)})
        return []
    if not candidates and not found.refused:
        found.refused.append({"file": shown(place), "reason": "there is no picture in this ZIP"})
    return candidates


def _measure(stream: IO[bytes], name: str, settings: Settings, found: Look) -> None:
    width, height = first_look(stream, name, settings.max_pixels)
    found.pixels += width * height
    found.pixels_of += 1


def _thumbnails(candidates: Sequence[_Candidate], settings: Settings) -> Iterator[dict[str, str]]:
    """A few of them, spread over the whole set."""
    step = max(1.0, len(candidates) / THUMBNAILS)
    for number in range(min(THUMBNAILS, len(candidates))):
        one = candidates[int(number * step)]
        with suppress(ImageError, ArchiveError, OSError, zipfile.BadZipFile):
            small = thumbnail(one.read(), one.place, settings.max_pixels, _THUMBNAIL_SIDE_PX)
            data, ending = as_web_file(small)
            kind = "jpeg" if ending == "jpg" else ending
            src = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            yield {"name": shown(one.place), "src": src}


def _free(path: Path) -> Path:
    """Two files of one name may be given one after the other; both are kept."""
    number = 2
    free = path
    while os.path.lexists(free):
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
        number += 1
    return free


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(path, target)


def _is_zip(place: str) -> bool:
    return _suffix(place) == ".zip" and "/" not in place


def _suffix(place: str) -> str:
    return PurePosixPath(place).suffix.lower()
