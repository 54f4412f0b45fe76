"""What flows through the pipeline: sources in, variations and outcomes out, as plain frozen dataclasses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.recipe import SEED_LIMIT

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import LabelReader, Labels


@dataclass(frozen=True, slots=True)
class Source:
    """One input picture.

    path: where it lies in the set, relative, with forward slashes ("cats/a.jpg"); safe to join to a folder.
    label: its class, if it has one. sha256: of the file's bytes. read: gives the file's bytes again when called.
    split: "train", "val" or "test"; None where the set has no splits. labels: reads what is labelled in it, with
    `labels.load()`; None where its set has no labels but classes. Small, since a set may have a hundred thousand.
    """

    path: str
    label: str | None
    sha256: str
    size_bytes: int
    read: Callable[[], bytes] = field(repr=False, compare=False)
    split: str | None = None
    labels: LabelReader | None = field(default=None, repr=False, compare=False)

    @property
    def file(self) -> Path | None:
        """Where it lies on this machine; None in a ZIP or in memory."""
        return getattr(self.read, "path", None)

    @classmethod
    def from_bytes(cls, path: str, data: bytes, label: str | None = None) -> Source:
        """A source that is in memory already."""
        return cls(path, label, hashlib.sha256(data).hexdigest(), len(data), lambda: data)


@dataclass(frozen=True)
class Failure:
    """A file that could not be done, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Fallback:
    """An engine that did not make a variation, and why."""

    engine: str
    reason: str


@dataclass(frozen=True)
class Variation:
    """One synthetic picture, ready to be written.

    file: its relative path ("cats/a__v1.jpg"). data: the encoded file, marked as AI-made. image: the same pixels.
    labels: what is labelled in it: its source's labels, moved where the pixels moved; None where the source has none.
    beside: the files that keep these labels in the set's layout, as (relative path, bytes). record: what a file that
    lists all pictures will say of this one, where labels were moved; None where it says what it says of the source.
    """

    file: str
    data: bytes = field(repr=False)
    image: Image = field(repr=False, compare=False)
    engine: str
    model: str
    prompt: str
    strength: float
    seconds: float
    details: Mapping[str, Any] = field(default_factory=dict)
    labels: Labels | None = field(default=None, repr=False, compare=False)
    beside: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    record: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Rejection:
    """A try that a filter rejected: its seed, the filter's name, why in words, and what was measured."""

    seed: int
    filter: str
    reason: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one wanted variation: either `variation`, or `reason` says why there is none.

    index counts the variations of a source from 1; it is 0 where the source itself could not be read.
    fallbacks: the engines that were tried before and did not make it.
    credits: what the hosted API charged for it, tries that came to nothing included.
    rejections: tries that a filter rejected, this one's last where there is no variation. scores: what the filters
    measured of the variation. fingerprint: a few of its colours, by which its siblings are told apart.
    """

    source: Source
    index: int
    seed: int
    variation: Variation | None = None
    reason: str = ""
    fallbacks: tuple[Fallback, ...] = ()
    notices: tuple[str, ...] = ()
    credits: float = 0.0
    rejections: tuple[Rejection, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    fingerprint: bytes = field(default=b"", repr=False)

    @property
    def attempts(self) -> int:
        """How many pictures were made for it."""
        return len(self.rejections) + self.ok

    @property
    def ok(self) -> bool:
        return self.variation is not None

    def save(self, folder: str | Path) -> Path:
        """Write the variation below `folder`, in its class folder, and its label files. Returns the path.

        Raises FileExistsError rather than overwrite, and ValueError where there is nothing to write.
        """
        if self.variation is None:
            raise ValueError(f"{self.source.path}: no variation to save: {self.reason}")
        for file, data in (*self.variation.beside, (self.variation.file, self.variation.data)):
            path = Path(folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise FileExistsError(f"{path} is already there and nothing is overwritten; save into another folder")
            with path.open("xb") as stream:
                try:
                    stream.write(data)
                    stream.flush()
                except BaseException:
                    path.unlink(missing_ok=True)  # half a picture is worse than none
                    raise
        return path


def variation_seed(run_seed: int, source_sha256: str, index: int, attempt: int = 0) -> int:
    """The seed of one variation, 1 to 4294967294: it hangs on the source's content, never on its place in the batch.

    attempt: 0, then 1, 2, ... where filters rejected those before.
    """
    words = f"{run_seed}:{source_sha256}:{index}" + (f":{attempt}" if attempt else "")
    digest = hashlib.sha256(words.encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % SEED_LIMIT
