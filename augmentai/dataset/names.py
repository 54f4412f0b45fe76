"""Names of files: made safe to write, kept as they were where that is possible, never twice the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from augmentai.images import extension_for
from augmentai.recipe import Source

_LONGEST_NAME_BYTES = 255  # of one file name, on every common file system
_ROOM_FOR_ENDING_BYTES = 32  # "__0123abcd__v16.jpeg" and the writer's ".part"
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_WINDOWS_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


def safe_path(name: str) -> str | None:
    """A relative path that can be joined to any folder on any system, or None where `name` climbs out of one.

    "cats/a b.jpg" stays as it is; "../a.jpg" and "/etc/a.jpg" and "C:\\a.jpg" give None.
    """
    slashed = name.replace("\\", "/")
    if slashed.startswith("/") or re.match(r"^[A-Za-z]:", slashed):
        return None
    parts = [part for part in slashed.split("/") if part not in {"", "."}]
    if not parts or ".." in parts:
        return None
    return "/".join(_safe_part(part, last=i == len(parts) - 1) for i, part in enumerate(parts))


def _safe_part(part: str, last: bool) -> str:
    part = part.encode("utf-8", "replace").decode()
    part = _FORBIDDEN.sub("_", part).rstrip(". ") or "_"
    if _WINDOWS_DEVICES.match(part):
        part = "_" + part
    suffix = PurePosixPath(part).suffix if last else ""
    stem = part[: len(part) - len(suffix)] if suffix else part
    return _cut(stem, _LONGEST_NAME_BYTES - _ROOM_FOR_ENDING_BYTES - len(suffix.encode())) + suffix


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode()[: max(1, limit_bytes)].decode("utf-8", "ignore") or "_"


class Names:
    """Which file each variation becomes: "cats/a.jpg" gives "cats/a__v1.jpg".

    Sources of the same folder and stem (a.jpg and a.png, or two uploads called a.jpg) would meet; all but the first by
    (path, hash) then carry eight digits of their hash. The choice hangs on the set of sources, never on their order.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._stems: dict[tuple[str, str], str] = {}
        taken: set[str] = set()
        for source in sorted(sources, key=lambda s: (s.path, s.sha256)):
            path = PurePosixPath(source.path)
            stem = str(path.with_suffix("")) if path.suffix else str(path)
            if stem.casefold() in taken:
                stem = f"{stem}__{source.sha256[:8]}"
            while stem.casefold() in taken:
                stem += "_"
            taken.add(stem.casefold())
            self._stems[source.path, source.sha256] = stem

    def variation(self, source: Source, index: int, file_format: str) -> str:
        """Relative path of variation `index` (from 1) of a source, written as `file_format`."""
        ending = extension_for(file_format, PurePosixPath(source.path).suffix)
        return f"{self._stems[source.path, source.sha256]}__v{index}{ending}"
