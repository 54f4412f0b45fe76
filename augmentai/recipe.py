"""What the user asks for: one frozen, validated dataclass."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from augmentai.recipe_checks import RecipeError, is_number, one_of, share, shown, whole, yes_or_no

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

    def with_seed(self) -> Recipe:
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
