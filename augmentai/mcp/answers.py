"""What the tools of the MCP server take and give: allowed files, a call, an answer, an error for the caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
            ToolError: it is a web address, or outside the folders.
        """
        if "://" in text:
            raise ToolError(f"{text} is a web address; expected a file or folder of this computer. Download it first.")
        if "\0" in text:
            raise ToolError("a path contains a null character; expected a file or folder of this computer")
        path = (self.folders[0] / Path(text).expanduser()).resolve()
        if not any(path.is_relative_to(folder) for folder in self.folders):
            allowed = ", ".join(map(str, self.folders))
            raise ToolError(
                f"{text} is outside the folders that this server may use ({allowed}). Name a file in them, or start "
                "the server with more: augmentai mcp FOLDER..."
            )
        return path

    def existing(self, text: str) -> Path:
        """A path that a call reads. Raises ToolError also if nothing is there."""
        path = self.path(text)
        if not path.exists():
            raise ToolError(f"{text} does not exist; expected an image, a folder, a ZIP or a TAR")
        return path


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
