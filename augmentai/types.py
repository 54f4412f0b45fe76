"""What flows through the pipeline: sources in, variations and outcomes out, as plain frozen dataclasses."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.recipe import SEED_LIMIT

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.annotations import LabelReader, Labels


SourceKey = tuple[str, str]  # of a source: its path and its SHA-256


@dataclass(frozen=True, slots=True)
class Source:
    """One input image. Small, since a set may have a hundred thousand.

    Attributes:
        path: its place in the set, relative, with forward slashes ("cats/a.jpg"); safe to join to a folder.
        label: its class, if it has one.
        sha256: of the file's bytes, as hexadecimal text.
        size_bytes: of the file.
        read: returns the file's bytes, read anew at each call.
        split: "train", "val" or "test"; None if the set has no splits.
        labels: reads what is labelled in it, by `labels.load()`; None if its set has no labels but classes.

    Example:
        >>> Source.from_bytes("cats/a.png", b"...", label="cats").label
        'cats'
    """

    path: str
    label: str | None
    sha256: str
    size_bytes: int
    read: Callable[[], bytes] = field(repr=False, compare=False)
    split: str | None = None
    labels: LabelReader | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> SourceKey:
        """Identifies it in its set: two files may share a path (in two ZIPs), or their content."""
        return self.path, self.sha256

    @property
    def file(self) -> Path | None:
        """The file on this machine; None in a ZIP or in memory."""
        return getattr(self.read, "path", None)

    @classmethod
    def from_bytes(cls, path: str, data: bytes, label: str | None = None) -> Source:
        """A source whose file is in memory already.

        Args:
            path: its place in the set, such as "cats/a.jpg".
            data: the bytes of the file.
            label: its class, if it has one.
        """
        return cls(path, label, hashlib.sha256(data).hexdigest(), len(data), lambda: data)


@dataclass(frozen=True)
class Failure:
    """A file that could not be used, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Fallback:
    """An engine that did not make a variation, and why."""

    engine: str
    reason: str


@dataclass(frozen=True)
class Variation:
    """One synthetic image, ready to be written. A notebook shows its image.

    Attributes:
        file: its relative path ("cats/a__v1.jpg").
        data: the encoded file, marked as AI-made.
        image: the same pixels, with the width and height of the source.
        engine, model: what made it.
        prompt: the engine's prompt; empty if it reads none.
        strength: 0 to 1, as it was used.
        seconds: how long the engine took.
        details: what else explains it (style donor, geometry, credits), as in the manifest.
        labels: its source's labels, moved where the pixels moved; None if the source has none.
        beside: the files that hold these labels in the set's format, as (relative path, bytes).
        record: what a file that lists all images will say of this one, if labels were moved; None if it says the
            same as of the source.
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

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return as_png(self.image)


@dataclass(frozen=True)
class Rejection:
    """An attempt that a filter rejected: its seed, the filter's name, why in words, and what was measured."""

    seed: int
    filter: str
    reason: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one requested variation: either `variation`, or `reason` says why there is none.

    It unpacks into image and label: `image, label = outcome`. The image is None if there is no variation.

    Attributes:
        source: what it was to be made from.
        index: counts the variations of a source from 1; 0 if the source itself could not be read.
        seed: this variation's own.
        variation: the result; None if there is none.
        reason: why there is none, in words.
        fallbacks: the engines that were asked first and did not make it.
        notices: what the user should know of this image.
        credits: what paid engines charged for it, failed attempts included.
        rejections: attempts that a filter rejected; if there is no variation, the last one's too.
        scores: what the filters measured of the variation.
        fingerprint: a few mean colours, by which its siblings are compared with it.
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
        """How many images were made for it."""
        return len(self.rejections) + self.ok

    @property
    def ok(self) -> bool:
        """Whether there is a variation."""
        return self.variation is not None

    @property
    def image(self) -> Image | None:
        """The image that was made; None if there is none."""
        return None if self.variation is None else self.variation.image

    @property
    def pixels(self) -> int:
        """How many the image has; 0 without one."""
        return 0 if self.variation is None else self.variation.image.width * self.variation.image.height

    @property
    def label(self) -> str | None:
        """The class of the source, which is the variation's too."""
        return self.source.label

    def __iter__(self) -> Iterator[Any]:
        yield self.image
        yield self.label

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows."""
        return None if self.variation is None else as_png(self.variation.image)

    def save(self, folder: str | Path) -> Path:
        """Write the variation and its label files below `folder`, in its class folder.

        Args:
            folder: created if it does not exist.

        Returns:
            The path of the image.

        Raises:
            FileExistsError: the file exists; nothing is overwritten.
            ValueError: there is no variation; the message says why.
        """
        if self.variation is None:
            raise ValueError(f"{self.source.path}: no variation to save: {self.reason}")
        for file, data in (*self.variation.beside, (self.variation.file, self.variation.data)):
            path = Path(folder) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                raise FileExistsError(f"{path} exists already and nothing is overwritten; save into another folder")
            with path.open("xb") as stream:
                try:
                    stream.write(data)
                    stream.flush()
                except BaseException:
                    path.unlink(missing_ok=True)  # half an image is worse than none
                    raise
        return path


def as_png(image: Image) -> bytes:
    """An image as the bytes of a PNG file, for notebooks."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def variation_seed(run_seed: int, source_sha256: str, index: int, attempt: int = 0) -> int:
    """The seed of one variation. It depends on the source's content, never on its position in the batch.

    Args:
        run_seed: the recipe's.
        source_sha256: of the source's bytes.
        index: of the variation, from 1.
        attempt: 0, then 1, 2, ... if filters rejected the attempts before.

    Returns:
        1 to 4294967294: the first 64 bits of a SHA-256 over all four, modulo the largest seed, plus 1.

    Example:
        >>> variation_seed(7, "ab" * 32, 1) == variation_seed(7, "ab" * 32, 1, 0) != variation_seed(7, "ab" * 32, 2)
        True
    """
    words = f"{run_seed}:{source_sha256}:{index}" + (f":{attempt}" if attempt else "")
    digest = hashlib.sha256(words.encode()).digest()
    return 1 + int.from_bytes(digest[:8], "big") % SEED_LIMIT
