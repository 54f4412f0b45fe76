"""What is asked for and what came out: plain frozen dataclasses, used by every other module."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augmentai.checks import RecipeError, is_number, one_of, share, shown, whole, yes_or_no

if TYPE_CHECKING:
    from PIL.Image import Image

    from augmentai.dataset.labels.base import LabelReader, Labels

AUTO = "auto"
ENGINES = (AUTO, "stability", "diffusion", "gan")
OUTPUT_FORMATS = ("same", "png", "jpeg", "webp")
GEOMETRIES = (AUTO, "none", "flip", "light", "strong")
LAYOUTS = ("auto", "folders", "yolo", "coco", "voc", "masks", "imagefolder")
TARGETS = ("same", "yolo", "coco", "voc", "imagefolder")
ORIGINALS = ("auto", "copy", "link", "none")
SPLITS = ("copy", "leave-out")
MAX_VARIATIONS = 16
MAX_PROMPT_CHARS = 10_000
SEED_LIMIT = 2**32 - 2  # the largest seed that every engine takes


DRIFTS = ("reject", "mark")
MAX_RETRIES = 3
MAX_PER_CLASS = 1_000_000
MAX_PER_SOURCE = 1000


@dataclass(frozen=True)
class Thresholds:
    """Where the filters draw their lines; 0 switches a filter off.

    near_copy: a variation must differ from its source by so many levels of 255 times the strength (mean, at a glance).
    flat: least contrast, as a share of its source's. blurred: least sharpness, as a share of its source's.
    duplicate: siblings must differ by more than this many levels, times the strength, somewhere. held_out: perceptual
    hashes of a variation and a validation or test picture must differ in more than this many of 64 bits.
    drift: least correlation of edges where the labels are, for engines that paint anew, 0 to 1.

    Raises RecipeError where a value is no number or below 0.
    """

    near_copy: float = 4.0
    flat: float = 0.1
    blurred: float = 0.35
    duplicate: float = 3.0
    held_out: float = 4
    drift: float = 0.4

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (is_number(value) and 0 <= value < float("inf")):
                raise RecipeError(f"the threshold {one.name} is {shown(value)}; expected a number from 0")
            object.__setattr__(self, one.name, float(value))


@dataclass(frozen=True)
class Recipe:
    """What the user asks for.

    prompt: what the variations should show, for engines that read words; empty keeps the subject as it is.
    negative_prompt: what they should not show.
    strength: 0 (the source itself) to 1 (as far from it as the engine goes), or "auto": what the engine does best with;
    the local GAN goes as far as the classes of a labelled set bear, which is less the more pictures they have.
    variations: how many of each source, 1 to 16.
    engine: "auto" prefers the hosted API, then a GPU, then the local GAN; any other name is used alone.
    seed: 0 draws one at random, which the report tells; 1 to 4294967294 repeats a run exactly.
    output_format: "same" as the source, "png", "jpeg" or "webp".
    geometry: what is moved besides, whichever engine made it: "none"; "flip" (left and right swapped in half of the
    variations); "light" (flip, crops, small turns); "strong" (also perspective, all of it further). Labels move along.
    "auto" flips photographs in two classes or more, unless label files lie beside them or the names of classes speak of
    left and right or of writing; what it came to, the report tells.
    mirror: left and right may be swapped; False where they matter (text, road signs, left and right hands).
    least_visible: 0 to 1; a labelled thing of which geometry leaves a smaller share in the picture loses its label.
    layout: how the set is laid out: "auto" recognises it; "folders" takes pictures and class folders alone.
    to: the layout to write, "same" as it came in.
    originals: "copy" or "link" them into the result, or "none"; "auto" copies those of a set (class folders, splits,
    labels) and leaves loose photos out.
    splits: "copy" the pictures for validation and test, which are never varied, or "leave-out".
    filters: variations that would not help are rejected and tried again with another seed: near-copies of their source,
    flat and blurred ones, near-duplicates of each other or of validation and test pictures, and those in which labelled
    things have drifted. thresholds: where they draw their lines; a mapping of its fields will do.
    retries: tries after a rejected one, 0 to 3. paid_retries: also where the rejected one cost credits.
    per_class: grow each class of the training split to so many pictures, originals counted, in place of `variations` of
    each picture; 0 does not. balance: grow all classes to the size of the largest. most_per_source: with either, the
    most variations of one picture, 1 to 1000.
    drift: "reject" those in which labelled things have drifted, or "mark" them in the manifest and the report.

    Raises RecipeError where a value is out of range.
    """

    prompt: str = ""
    negative_prompt: str = ""
    strength: float | str = AUTO
    variations: int = 1
    engine: str = "auto"
    seed: int = 0
    output_format: str = "same"
    geometry: str = AUTO
    mirror: bool = True
    least_visible: float = 0.3
    layout: str = "auto"
    to: str = "same"
    originals: str = "auto"
    splits: str = "copy"
    filters: bool = True
    thresholds: Thresholds = field(default_factory=Thresholds)
    retries: int = MAX_RETRIES
    paid_retries: bool = False
    drift: str = "reject"
    per_class: int = 0
    balance: bool = False
    most_per_source: int = MAX_VARIATIONS

    def __post_init__(self) -> None:
        whole(self, "variations", 1, MAX_VARIATIONS)
        whole(self, "seed", 0, SEED_LIMIT)
        if self.strength != AUTO:
            share(self, "strength", f", or {AUTO}")
        one_of(self, "engine", ENGINES)
        one_of(self, "output_format", OUTPUT_FORMATS)
        one_of(self, "geometry", GEOMETRIES)
        for name in ("mirror", "filters", "paid_retries", "balance"):
            yes_or_no(self, name)
        whole(self, "retries", 0, MAX_RETRIES)
        whole(self, "per_class", 0, MAX_PER_CLASS)
        whole(self, "most_per_source", 1, MAX_PER_SOURCE)
        if self.per_class and self.balance:
            raise RecipeError("per_class and balance are both set; use per_class for a number, balance for the largest")
        one_of(self, "drift", DRIFTS)
        object.__setattr__(self, "thresholds", _thresholds(self.thresholds))
        share(self, "least_visible")
        if self.geometry == "flip" and not self.mirror:
            raise RecipeError("geometry is flip and mirror is False, which leaves nothing to do; use none or light")
        one_of(self, "layout", LAYOUTS)
        one_of(self, "to", TARGETS)
        one_of(self, "originals", ORIGINALS)
        one_of(self, "splits", SPLITS)
        for name in ("prompt", "negative_prompt"):
            words = getattr(self, name)
            if not isinstance(words, str):
                raise RecipeError(f"{name} is {shown(words)}; expected text")
            if len(words) > MAX_PROMPT_CHARS:
                raise RecipeError(f"{name} has {len(words):,} characters; at most {MAX_PROMPT_CHARS:,} are taken")

    def strength_or(self, best: float) -> float:
        """The strength as a number; `best` is what the engine that asks does best with, for "auto"."""
        return best if isinstance(self.strength, str) else self.strength

    def settled(self) -> Recipe:
        """The same recipe with a seed that is not 0: drawn at random where none was asked for."""
        return self if self.seed else replace(self, seed=1 + secrets.randbelow(SEED_LIMIT))


def _thresholds(value: object) -> Thresholds:
    if isinstance(value, Thresholds):
        return value
    names = [one.name for one in fields(Thresholds)]
    if not isinstance(value, Mapping):
        raise RecipeError(f"thresholds is {shown(value)}; expected numbers by name ({', '.join(names)})")
    if unknown := [str(name) for name in value if name not in names]:
        raise RecipeError(f"there is no threshold {', '.join(unknown)}; there are {', '.join(names)}")
    return Thresholds(**value)


def strength_of(words: object) -> float | str:
    """What somebody typed as a strength: "auto", or a number from 0 to 1. Raises RecipeError."""
    try:
        typed = words if words == AUTO else float(words)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        typed = str(words)
    return Recipe(strength=typed).strength


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
    measured of the variation. print: a few of its colours, by which its siblings are told apart.
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
    print: bytes = field(default=b"", repr=False)

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
