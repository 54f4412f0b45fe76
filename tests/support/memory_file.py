"""A label file that is nowhere on the disk, for tests of many small ones."""

from __future__ import annotations

import io
import random
from typing import IO

from augmentai.dataset.file_tree import Entry


class MemoryFile(Entry):
    """An entry of a set whose bytes are at hand."""

    data: bytes

    def __init__(self, path: str, data: bytes) -> None:
        super().__init__(path, "")
        object.__setattr__(self, "data", data)

    def open(self) -> IO[bytes]:
        return io.BytesIO(self.data)


def mutated(data: bytes, seed: int, count: int, pieces: list[bytes]) -> bytes:
    """Data with a few places overwritten, cut out or filled in with these pieces."""
    rng = random.Random(seed)
    found = bytearray(data)
    for _ in range(count):
        start = rng.randrange(len(found) + 1)
        found[start : start + rng.choice([0, 1, 1, 2, 5])] = rng.choice(pieces)
    return bytes(found)
