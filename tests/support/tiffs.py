"""TIFFs that Pillow does not write: any number of bands, of any kind of number, one after the other or in planes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

RGB, GREY, CMYK = 2, 1, 5  # photometric interpretation (TIFF 6.0, section 8)
_SHORT, _LONG = 3, 4
_CODES = {_SHORT: "H", _LONG: "L"}
_FORMATS = {"u": 1, "i": 2, "f": 3}


def tiff(
    values: np.ndarray[Any, Any], photometric: int = RGB, extra: Sequence[int] | None = None, planes: bool = False
) -> bytes:
    """An uncompressed little-endian TIFF of one page.

    Args:
        values: (H, W, C).
        photometric: what the first bands are.
        extra: what each further band is: 0 unspecified, 1 premultiplied alpha, 2 alpha; None leaves the tag out.
        planes: one band after the other.
    """
    height, width, bands = values.shape
    ordered = values.transpose(2, 0, 1) if planes else values
    data = np.ascontiguousarray(ordered).astype(values.dtype.newbyteorder("<")).tobytes()
    parts = bands if planes else 1
    tags: dict[int, tuple[int, list[int]]] = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [values.dtype.itemsize * 8] * bands),
        259: (_SHORT, [1]),
        262: (_SHORT, [photometric]),
        273: (_LONG, [0] * parts),
        277: (_SHORT, [bands]),
        278: (_LONG, [height]),
        279: (_LONG, [len(data) // parts] * parts),
        284: (_SHORT, [2 if planes else 1]),
        339: (_SHORT, [_FORMATS[values.dtype.kind]] * bands),
    }
    if extra is not None:
        tags[338] = (_SHORT, list(extra))
    longer = sum(
        size for kind, numbers in tags.values() if (size := struct.calcsize(f"<{len(numbers)}{_CODES[kind]}")) > 4
    )
    start = 8 + 2 + 12 * len(tags) + 4
    tags[273] = (_LONG, [start + longer + part * (len(data) // parts) for part in range(parts)])
    table, body = b"", b""
    for tag in sorted(tags):
        kind, numbers = tags[tag]
        packed = struct.pack(f"<{len(numbers)}{_CODES[kind]}", *numbers)
        place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<L", start + len(body))
        body += packed if len(packed) > 4 else b""
        table += struct.pack("<HHL", tag, kind, len(numbers)) + place
    return b"II*\0" + struct.pack("<LH", 8, len(tags)) + table + bytes(4) + body + data
