"""What a visitor gave: laid out on disk as it lay with them, and looked at before anything is made of it."""

from __future__ import annotations

import base64
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from augmentai.annotations import LabelError
from augmentai.dataset.archive import ArchiveError, check, members, open_archive, size_words, too_large
from augmentai.dataset.file_names import printable, safe_path
from augmentai.dataset.file_tree import Entry as Place
from augmentai.dataset.file_tree import Tree
from augmentai.dataset.formats.base import ImageInfo
from augmentai.dataset.formats.detect import format_named, is_label_file, recognise
from augmentai.images.file_types import IMAGE_SUFFIXES, RAW_SUFFIXES
from augmentai.images.photo import ImageError
from augmentai.images.preview import encode_for_web, inspect_header, thumbnail
from augmentai.operations.auto_geometry import DatasetTraits, dataset_traits
from augmentai.settings import EXAMPLES, Settings
from augmentai.web.forecast import kinds

THUMBNAILS = 12
_THUMBNAIL_SIDE_PX = 144
_REFUSED_SHOWN = 50
_ZIP_MEMBERS_CHECKED = 300  # of a ZIP only so many pictures are opened before the job; all are counted

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
class UploadSummary:
    """What was found in uploads, by names and headers.

    pictures: those that may be varied; carried: those for validation and test, which never are. layout: how the set is
    labelled, empty where it is not. categories: what its labels name. classes: pictures of each class folder. kinds:
    which classes the pictures show that may be varied (see `forecast`). seen: what their geometry hangs on.
    """

    pictures: int = 0
    carried: int = 0
    size_bytes: int = 0
    pixels: int = 0  # of the pictures whose header was read
    pixels_of: int = 0
    layout: str = ""
    categories: list[str] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    kinds: list[tuple[str | None, tuple[str, ...], int]] = field(default_factory=list)
    seen: DatasetTraits = field(default_factory=DatasetTraits)
    refused: list[dict[str, str]] = field(default_factory=list)
    thumbs: list[dict[str, str]] = field(default_factory=list)

    def as_props(self) -> dict[str, Any]:
        """JSON for the drop zone."""
        named: list[dict[str, Any]] = [{"name": name, "count": count} for name, count in sorted(self.classes.items())]
        named = named or [{"name": name} for name in self.categories]
        return {
            "pictures": self.pictures,
            "carried": self.carried,
            "size": size_words(self.size_bytes),
            "layout": format_named(self.layout).title if self.layout else "",
            "classes": named,
            "refused": self.refused[:_REFUSED_SHOWN],
            "refused_in_all": len(self.refused),
            "thumbs": self.thumbs,
        }

    def as_state(self) -> dict[str, Any]:
        """What little cost, time and geometry are told by."""
        numbers = {"pictures": self.pictures, "pixels": self.pixels // max(1, self.pixels_of)}
        return {**numbers, "kinds": self.kinds, "seen": asdict(self.seen)}

    def refuse(self, file: str, reason: object) -> None:
        self.refused.append({"file": printable(file), "reason": str(reason)})


def look(entries: Sequence[Entry], settings: Settings, layout: str = "auto") -> UploadSummary:
    """UploadSummary at uploads: headers of files, contents lists of ZIPs. Decodes a dozen pictures, for thumbnails.

    layout: how the visitor says that the set is laid out.
    Raises nothing for bad files: they are among `refused`, with the reason in words for the visitor.
    """
    found = UploadSummary()
    with ExitStack() as archives:
        tree = Tree()
        for place, path in _placed(entries, found):
            if _is_zip(place):
                _zip_members(Path(path), place, settings, found, tree, archives)
            elif is_label_file(place):
                tree.add_sidecar(Place(place, "", file=Path(path)))
            else:
                _file(Path(path), place, settings, found, tree)
        _sort_out(tree, settings, layout, found)
    return found


def _sort_out(tree: Tree, settings: Settings, wanted: str, found: UploadSummary) -> None:
    """What the set is, by its label files and folders, as the job will read it."""
    layout = recognise(tree, wanted)
    pictures = [entry for entry in tree.images if entry.key not in layout.excluded]
    known = [layout.images.get(entry.key, ImageInfo()) for entry in pictures]
    has_splits = any(one.split for one in known)
    varied = [one for one in known if not has_splits or one.split == "train"]
    found.pictures, found.carried = len(varied), len(known) - len(varied)
    found.layout = layout.name if layout.labelled else ""
    found.categories = layout.class_names() if layout.labelled else []
    found.classes.update(one.label for one in known if one.label)
    found.refused += [{"file": one.file, "reason": one.reason} for one in layout.failures]
    if found.pictures > settings.max_files:
        reason = f"beyond the limit of {settings.max_files} pictures a job; run it in several jobs"
        found.refuse(f"{found.pictures - settings.max_files} pictures", reason)
        found.pictures = settings.max_files
    found.kinds = kinds(varied[: found.pictures])
    labelled = tree.foreign_labels(layout.label_paths) or any(one.labels is not None for one in varied)
    places = zip(pictures, known, strict=True)
    is_varied = ((e.path, one.label) for e, one in places if not has_splits or one.split == "train")
    found.seen = dataset_traits(is_varied, labelled)
    found.thumbs = list(_thumbnails(pictures, settings))


def lay_out(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """The uploads as they lay with the visitor: one folder of files, and ZIPs by themselves. For `gather`.

    Files are linked, not copied. What has a name that leads out of the folder is left out: `look` told so.
    """
    inputs: list[Path] = []
    for place, path in _placed(entries, UploadSummary()):
        if _is_zip(place):
            target = folder.parent / "zips" / str(len(inputs)) / PurePosixPath(place).name
        else:
            target = _free(folder / place)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(Path(path), target)
        if _is_zip(place):
            inputs.append(target)
    return [folder, *inputs] if folder.is_dir() else inputs


def _placed(entries: Sequence[Entry], found: UploadSummary) -> Iterator[Entry]:
    """Entries with safe places. Of one folder that holds class folders the name says nothing, and it is left off."""
    safe: list[Entry] = []
    for rel, path in entries:
        place = safe_path(rel)
        if place is None:
            found.refuse(rel, "its name leads out of the folder; it was not touched")
        else:
            safe.append((place, path))
    tops = {place.split("/", 1)[0] for place, _ in safe if not _is_zip(place)}
    deep = any(place.count("/") > 1 for place, _ in safe)
    strip = len(tops) == 1 and deep and all("/" in place for place, _ in safe if not _is_zip(place))
    for place, path in safe:
        yield (place.split("/", 1)[1] if strip and not _is_zip(place) else place), path


def _file(path: Path, place: str, settings: Settings, found: UploadSummary, tree: Tree) -> None:
    try:
        size = path.stat().st_size
        if size > settings.max_file_bytes:
            raise ArchiveError(too_large(size, settings.max_file_bytes))
        with path.open("rb") as stream:
            _measure(stream, place, settings, found)
    except (ImageError, ArchiveError, OSError) as error:
        found.refuse(place, error)
    else:
        found.size_bytes += size
        tree.images.append(Place(place, "", file=path))


def _zip_members(
    path: Path, place: str, settings: Settings, found: UploadSummary, tree: Tree, archives: ExitStack
) -> None:
    before = len(tree.images) + len(found.refused)
    try:
        archive = archives.enter_context(open_archive(path))
    except ArchiveError as error:
        found.refuse(place, error)
        return
    for number, (name, member, is_folder) in enumerate(members(archive)):
        parts = PurePosixPath(name).parts
        if is_folder or "__MACOSX" in parts or not parts or parts[-1].startswith("."):
            continue
        safe, suffix = safe_path(name), _suffix(name)
        if is_label_file(name):
            if safe is not None:
                tree.add_sidecar(Place(safe, str(path), member=member))
        elif suffix in IMAGE_SUFFIXES or suffix in RAW_SUFFIXES:
            try:
                if safe is None:
                    raise ArchiveError("its name leads out of the folder; it was not touched")
                check(member, settings.max_file_bytes)
                if number < _ZIP_MEMBERS_CHECKED:
                    with member.open() as stream:
                        _measure(stream, name, settings, found)
            except (ImageError, ArchiveError) as error:
                found.refuse(name, error)
            except Exception as error:  # BadZipFile, zlib.error, OSError, EOFError, ...
                found.refuse(name, f"damaged inside the ZIP ({error})")
            else:
                found.size_bytes += member.file_size
                tree.images.append(Place(safe, str(path), member=member))
    if len(tree.images) + len(found.refused) == before:
        found.refuse(place, "there is no picture in this ZIP")


def _measure(stream: IO[bytes], name: str, settings: Settings, found: UploadSummary) -> None:
    width, height = inspect_header(stream, name, settings.max_pixels)
    found.pixels += width * height
    found.pixels_of += 1


def _thumbnails(pictures: Sequence[Place], settings: Settings) -> Iterator[dict[str, str]]:
    """A few of them, spread over the whole set."""
    step = max(1.0, len(pictures) / THUMBNAILS)
    for number in range(min(THUMBNAILS, len(pictures))):
        one = pictures[int(number * step)]
        with suppress(ImageError, LabelError):
            small = thumbnail(one.read(settings.max_file_bytes), one.path, settings.max_pixels, _THUMBNAIL_SIDE_PX)
            data, ending = encode_for_web(small)
            kind = "jpeg" if ending == "jpg" else ending
            src = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
            yield {"name": printable(one.path), "src": src}


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
