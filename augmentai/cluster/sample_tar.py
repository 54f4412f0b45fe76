"""WebDataset tars, written by Python's own tarfile: the library webdataset loads torch first, 2.6 s per worker."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath


class SampleTar:
    """A tar of samples whose bytes depend on its samples alone.

    Args:
        path: the new file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "00000.tar")
        ...     tar = SampleTar(path)
        ...     tar.add("cats/a__v1", {"jpg": b"pixels", "json": b"{}"})
        ...     tar.close()
        ...     tarfile.open(path).getnames()
        ['cats/a__v1.jpg', 'cats/a__v1.json']
    """

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)  # noqa: SIM115  # closed by close()

    def add(self, key: str, files: Mapping[str, bytes]) -> None:
        """Add a sample; its files are next to each other.

        Args:
            key: see `sample_key`.
            files: {ending: content}.
        """
        for ending in sorted(files):
            member = tarfile.TarInfo(f"{key}.{ending}")
            member.size, member.mode, member.mtime = len(files[ending]), 0o444, 0
            self._tar.addfile(member, io.BytesIO(files[ending]))

    def close(self) -> None:
        """Write the end."""
        self._tar.close()


def sample_key(file: str) -> str:
    """The key of a variation's sample: its path without ending. WebDataset's ends at the first dot of the file's name.

    Example:
        >>> sample_key("cats/a__v1.jpg"), sample_key("v1.0/a.b__v1.jpg")
        ('cats/a__v1', 'v1.0/a%2Eb__v1')
    """
    folder, _, name = file.rpartition("/")
    stem = PurePosixPath(name).stem.replace("%", "%25").replace(".", "%2E")
    return f"{folder}/{stem}" if folder else stem


def member_ending(file: str, number: int) -> str:
    """The ending of a file of a sample: that of the image, or "label.txt" for the labels beside it.

    Example:
        >>> member_ending("a__v1.JPG", 0), member_ending("labels/a__v1.txt", 1), member_ending("masks/a__v1.png", 2)
        ('jpg', 'label.txt', 'label2.png')
    """
    ending = PurePosixPath(file).suffix.lstrip(".").lower() or "bin"
    return ending if not number else f"label{number if number > 1 else ''}.{ending}"
