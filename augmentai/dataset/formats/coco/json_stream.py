"""COCO's JSON read piece by piece, also where tools write what JSON does not have: NaN, Infinity, a byte order mark."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import numpy as np

from augmentai.annotations import LabelError
from augmentai.dataset.file_tree import Entry

LISTS = ("images", "annotations")
_MAX_DEPTH = 100  # of lists in lists: a reader's memory grows with its square
_PIECE_BYTES = 1 << 20
# Of ijson, which reads a text again from its beginning for each buffer that it reaches into.
_READING: dict[str, Any] = {"use_float": True, "buf_size": 4 << 20}
_LONGEST_TEXT_BYTES = 64 << 20
_MAX_REREAD_BYTES = 64 << 20  # a broken file up to this size is read again to find the line
_COMPLETE = re.compile(rb'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_UNFINISHED_WORD = re.compile(rb"[-\w]{1,9}$")
# NaN, Infinity, and 1e400, which is as large.
_NOT_FINITE = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"|-?\b(?:NaN|Infinity|nan|inf)\b|-?\b\d[\d.]*[eE]\+?0*(?:309|3[1-9]\d|[4-9]\d\d|\d{4,})\b',
    re.DOTALL,
)
_LONG_NUMBER = re.compile(rb"\d{1001}")  # one of millions takes minutes to read; hashes have a hundred
_LARGE_WHOLE = re.compile(rb"(?<![\d.eE+-])-?\d{19,}(?![\d.eE])")  # ids may be hashes of 64 bits without a sign


class JsonFile:
    """One JSON file.

    Attributes:
        entry: the file.
        has_non_finite: it has NaN or Infinity, which are read as null.
        has_large: it has whole numbers that the fast reader refuses.
        may_list_images: the word "images" is in it, or may be, in escapes.

    Raises:
        LabelError: it cannot be read, or is nested deeper than any label file.
    """

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.has_non_finite = self.has_large = self.may_list_images = False
        self._check()

    def items(self, prefix: str) -> Iterator[Any]:
        """The values at "images.item" or the like, one after another. Raises whatever ijson raises."""
        with self.entry.open_utf8() as stream:
            yield from self._reader().items(self._readable(stream), prefix, **_READING)

    def members(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The names and values of the mapping at a prefix, "" for the whole. Raises whatever ijson raises."""
        with self.entry.open_utf8() as stream:
            yield from self._reader().kvitems(self._readable(stream), prefix, **_READING)

    def head(self, skipped: Collection[str] = LISTS) -> Iterator[tuple[str, Any]]:
        """The top-level fields except the long ones, which are skipped without being stored."""
        from ijson.common import ObjectBuilder

        with self.entry.open_utf8() as stream:
            name, builder = "", None
            for prefix, event, value in self._reader().parse(self._readable(stream), **_READING):
                if prefix == "" and event == "map_key":
                    if builder is not None:
                        yield name, builder.value
                    name, builder = value, None if value in skipped else ObjectBuilder()
                elif builder is not None and prefix:
                    builder.event(event, value)
            if builder is not None:
                yield name, builder.value

    @contextmanager
    def located_errors(self) -> Iterator[None]:
        """Whatever ijson raises becomes a LabelError that says what is wrong, and where."""
        try:
            yield
        except LabelError:
            raise
        except Exception as error:  # ijson raises errors of its backends
            raise self.error(error) from error

    def error(self, error: Exception) -> LabelError:
        """What is wrong with the file, with the line, which the streaming reader does not report."""
        words = " ".join(str(error).split())[:100]
        where = f": not valid JSON ({words})"
        try:
            json.loads(self.entry.text(_MAX_REREAD_BYTES))
        except json.JSONDecodeError as found:
            where = f", line {found.lineno}: {found.msg} (column {found.colno})"
        except (LabelError, ValueError, RecursionError):
            pass
        return LabelError(f"{self.entry.path}{where}; correct it")

    def _check(self) -> None:
        depth = 0
        with self.entry.open_utf8() as stream:
            try:
                for piece in _pieces(stream):
                    self.may_list_images = self.may_list_images or b'images"' in piece or b"\\u" in piece
                    outside = _TEXT.sub(b"", piece)
                    self.has_non_finite = self.has_non_finite or bool(_NOT_FINITE.search(outside))
                    if _LONG_NUMBER.search(outside):
                        raise LabelError(f"{self.entry.path}: a number of more than 1,000 digits; correct it")
                    self.has_large = self.has_large or bool(_LARGE_WHOLE.search(outside))
                    depth, deepest = _depth(outside, depth)
                    if deepest > _MAX_DEPTH:
                        raise LabelError(
                            f"{self.entry.path}: lists in lists, {_MAX_DEPTH} deep and more; expected COCO's few levels"
                        )
            except LabelError:
                raise
            except Exception as error:  # a broken ZIP, or bytes that are not of the encoding that the file states
                raise LabelError(f"{self.entry.path} cannot be read ({error}); save it again as UTF-8") from error

    def _reader(self) -> Any:
        import ijson

        return ijson.get_backend("python") if self.has_large else ijson

    def _readable(self, stream: IO[bytes]) -> IO[bytes]:
        return cast(IO[bytes], _Pieces(stream, self.has_non_finite))


class _Pieces:
    """A stream of JSON that can be read and nothing else, since ijson would read around a decoder.

    Args:
        stream: the JSON.
        has_non_finite: write null in place of NaN and Infinity.
    """

    def __init__(self, stream: IO[bytes], has_non_finite: bool) -> None:
        self._read = stream.read
        self._pieces = _pieces(stream) if has_non_finite else None
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes; ijson asks first for none, to see of which type they are."""
        if self._pieces is None:
            return self._read(size)
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += _NOT_FINITE.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", piece)
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces that end neither within a text nor within a word."""
    rest = b""
    while chunk := stream.read(_PIECE_BYTES):
        if rest[:1] == b'"' and b'"' not in chunk:  # in the middle of a long text, which would be searched again
            rest = _rest_of_text(stream, rest, chunk)
            chunk = b""
        data = rest + chunk
        complete = _COMPLETE.match(data)
        end = complete.end() if complete is not None else 0
        word = _UNFINISHED_WORD.search(data, max(0, end - 9), end)
        end = word.start() if word is not None else end
        rest = data[end:]
        if len(rest) > _LONGEST_TEXT_BYTES:
            raise ValueError("a text in it has no end")
        yield data[:end]
    yield rest


def _rest_of_text(stream: IO[bytes], rest: bytes, chunk: bytes) -> bytes:
    """A text that was begun, up to a piece with a quotation mark. Raises ValueError if it is too long."""
    parts, length = [rest, chunk], len(rest) + len(chunk)
    while length <= _LONGEST_TEXT_BYTES and (chunk := stream.read(_PIECE_BYTES)):
        parts.append(chunk)
        length += len(chunk)
        if b'"' in chunk:
            break
    if length > _LONGEST_TEXT_BYTES + _PIECE_BYTES:
        raise ValueError("a text in it has no end")
    return b"".join(parts)


def _depth(outside: bytes, depth: int) -> tuple[int, int]:
    """(how deep lists are nested at the end of a piece, the deepest in it). outside: the piece without texts."""
    values = np.frombuffer(outside, np.uint8)
    steps = np.zeros(len(values), np.int32)
    steps[(values == ord("[")) | (values == ord("{"))] = 1
    steps[(values == ord("]")) | (values == ord("}"))] = -1
    depths = np.cumsum(steps)
    return depth + int(steps.sum()), depth + int(depths.max(initial=0))
