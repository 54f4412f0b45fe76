"""TARs, and ZIPs whose names are not UTF-8, as systems and attackers make them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import Literal

from tests.support.labelled_sets import Files

Packing = Literal["", "gz", "bz2", "xz"]


def tarred(files: Files, packing: Packing = "", encoding: str = "utf-8", links: dict[str, str] | None = None) -> bytes:
    """A TAR. links: {name: where it leads}; a target that begins with "=" makes a hard link."""
    buffer = io.BytesIO()
    kind = tarfile.PAX_FORMAT if encoding == "utf-8" else tarfile.GNU_FORMAT
    with tarfile.open(fileobj=buffer, mode=f"w:{packing}", format=kind, encoding=encoding) as tar:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.LNKTYPE if target.startswith("=") else tarfile.SYMTYPE
            info.linkname = target.lstrip("=")
            tar.addfile(info)
    return buffer.getvalue()


def tar_with_device(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo(f"{kind.decode()}{name}")
            info.type = kind
            tar.addfile(info)
    return buffer.getvalue()


class _RawName(zipfile.ZipInfo):
    """A name written in `encoding` without the flag that says UTF-8."""

    encoding = "cp437"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  # the name that `zipfile` calls
        return self.filename.encode(self.encoding), self.flag_bits


def zipped_with_names(files: Files, encoding: str, extra: bytes = b"") -> bytes:
    """A ZIP as an old program on a system of this encoding writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            info = _RawName(name)
            info.encoding, info.extra = encoding, extra
            archive.writestr(info, data)
    return buffer.getvalue()
