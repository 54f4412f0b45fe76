"""Text in another encoding as a stream of UTF-8, for parsers of bytes: of files too large to be read at once."""

from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_XML_ENCODING = re.compile(r"""(?s)^(\s*<\?xml[^>]{0,100}?)\s+encoding\s*=\s*["'][^"']*["']""")
_PIECE_CHARACTERS = 1 << 16


def without_declaration(text: str) -> str:
    """The beginning of a text without the encoding that an XML declaration states: it would no longer be true.

    Example:
        >>> without_declaration('<?xml version="1.0" encoding="utf-16"?><a/>')
        '<?xml version="1.0"?><a/>'
    """
    return _XML_ENCODING.sub(r"\1", text, count=1)


class _Utf8(io.RawIOBase):
    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._text = io.TextIOWrapper(stream, encoding, newline="")
        self._pending = memoryview(b"")
        self._is_first = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        if not self._pending:
            piece = self._text.read(_PIECE_CHARACTERS)
            if self._is_first:
                piece, self._is_first = without_declaration(piece), False
            self._pending = memoryview(piece.encode("utf-8", "surrogatepass"))
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._pending))
        target[:count] = self._pending[:count]
        self._pending = self._pending[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._text.close()
        super().close()


def utf8_stream(stream: IO[bytes], encoding: str) -> IO[bytes]:
    """A stream of UTF-8, whichever method a parser reads it by.

    Args:
        stream: of text in the encoding; closed with the result.
        encoding: as Python calls it; "utf-16" and "utf-8-sig" remove the byte order mark.

    Example:
        >>> utf8_stream(io.BytesIO("ü".encode("utf-16")), "utf-16").read()
        b'\\xc3\\xbc'
    """
    return io.BufferedReader(_Utf8(stream, encoding))
