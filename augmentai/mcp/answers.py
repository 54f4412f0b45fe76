"""What the tools of the MCP server take and give: allowed files, a call, an answer, an error for the caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from augmentai.settings import Settings

OnProgress = Callable[[int, int, str], None]  # done, all, what is being done


class ToolError(Exception):
    """A call that cannot be served; the message says what was found, what was expected and what to do."""


@dataclass(frozen=True)
class Reach:
    """The folders that the tools may read and write.

    Attributes:
        folders: absolute, links resolved. A relative path in a call is one in the first of them.

    Example:
        >>> Reach.of(["/tmp"]).path("https://example.org/a.jpg")
        Traceback (most recent call last):
        augmentai.mcp.answers.ToolError: https://example.org/a.jpg is a web address; expected a file or folder of ...
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[str | Path]) -> Reach:
        """These folders; the current one if there are none."""
        return cls(tuple(Path(folder).expanduser().resolve() for folder in folders or ["."]))

    def path(self, text: str) -> Path:
        """A path that a call names, with its links resolved.

        Raises:
            ToolError: it is a web address, outside the folders, or longer than the system allows.
        """
        if "://" in text:
            raise ToolError(f"{text} is a web address; expected a file or folder of this computer. Download it first.")
        if "\0" in text:
            raise ToolError("a path contains a null character; expected a file or folder of this computer")
        try:
            path = (self.folders[0] / Path(text).expanduser()).resolve()
            path.exists()
        except (OSError, RuntimeError) as error:  # RuntimeError: no such home folder
            reason = error.strerror if isinstance(error, OSError) else error
            raise ToolError(f"{text} is no path of this computer ({reason}); expected a file or folder") from error
        if not self._holds(path):
            raise ToolError(f"{text} is outside {self._folders()}")
        return path

    def existing(self, text: str) -> Path:
        """A path that a call reads. Raises ToolError also if nothing is there, or if links in it lead outside."""
        path = self.path(text)
        if not path.exists():
            raise ToolError(f"{text} does not exist; expected an image, a folder, a ZIP or a TAR")
        for file in _linked(path, folders=False):  # links to folders are not followed
            self._check_link(text, path, file)
        return path

    def output(self, text: str) -> Path:
        """A path that a call writes. Raises ToolError also if links in or beside it, as left by a run, lead outside."""
        path = self.path(text)
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        files = [file for file in beside if file.name.startswith(f".{path.name}") and file.is_symlink()]
        for file in [*files, *_linked(path, folders=True)]:
            self._check_link(text, path, file)
        return path

    def _check_link(self, text: str, path: Path, file: Path) -> None:
        try:
            if self._holds(file.resolve()):
                return
        except (OSError, RuntimeError):  # a circle of links
            return
        place = os.path.relpath(file, path)
        raise ToolError(f"{text}: {place} is a link to a place outside {self._folders()}")

    def _holds(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self.folders)

    def _folders(self) -> str:
        allowed = ", ".join(map(str, self.folders))
        return (
            f"the folders that this server may use ({allowed}). Name a file in them, or start the server with more: "
            "augmentai mcp FOLDER..."
        )


def _linked(folder: Path, folders: bool) -> Iterator[Path]:
    """The symbolic links below a folder; those to folders only if asked for."""
    for here, subfolders, files in os.walk(folder):
        for name in [*files, *(subfolders if folders else ())]:
            if (file := Path(here, name)).is_symlink():
                yield file


@dataclass(frozen=True)
class Call:
    """One call of a tool.

    Attributes:
        arguments: as sent; they match the tool's schema.
        reach: which files it may use.
        settings: limits, keys and models.
        on_progress: takes how far the work is.
        stop: set when the caller has cancelled the call, or is gone.
    """

    arguments: Mapping[str, Any]
    reach: Reach
    settings: Settings
    on_progress: OnProgress
    stop: Event = field(default_factory=Event)


@dataclass(frozen=True)
class Answer:
    """What a tool gives.

    Attributes:
        data: ready for JSON.
        images: JPEG files to show.
    """

    data: dict[str, Any]
    images: tuple[bytes, ...] = ()
