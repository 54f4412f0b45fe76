"""Which preset `geometry: auto` resolves to for a dataset.

Images sorted into classes are flipped horizontally in half of their variations: a mirrored cat is a cat, flipping
moves pixels without mixing them, and a training that flips by itself sees the same images as before. Of all geometry,
it is the one step that helped where the training itself moves nothing (`lift_trials.md` in `benchmarks/results`) and
cost nothing where it flips by itself (at most 0.3 points on the mean of the sets, `lift.md` and `lift_still.md`).
Nothing is flipped if a class may depend on left and right, or if files beside the images may say where an object is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from augmentai.recipe import AUTO, Recipe
from augmentai.types import Source

# Classes of which a mirrored image would be a wrong example. Only names can show it; the recipe's `mirror` is there for
# whatever they do not.
_FLIP_SENSITIVE = frozenset(
    {
        *("hand", "glove", "arrow", "sign", "plate", "logo", "barcode", "retina", "fundus"),
        *("clockwise", "counterclockwise", "anticlockwise"),
        *("text", "letter", "digit", "number", "numeral", "character", "char", "glyph", "font", "word", "script"),
        *("handwriting", "handwritten", "receipt", "invoice", "document", "page", "chart", "captcha"),
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        # Image pairs in two folders, which would no longer match: each variation is flipped or not on its own.
        *("mask", "depth", "gt", "annotation", "label", "input", "target", "lowres", "highres", "lr", "hr"),
    }
)
_COMPOUND = re.compile(
    r"^(left|right)|(left|right)(s|wards?)?$|(road|traffic|street|stop|speed)sign|(number|licen[cs]e)plate"
)
_NOT_COMPOUND = frozenset(
    {"bright", "upright", "cleft", "fright", "wright", "copyright", "aright", "outright", "forthright"}
)
_MAX_NAMED = 3  # classes named in a notice


@dataclass(frozen=True)
class DatasetTraits:
    """What the choice depends on, known before any image is read.

    Attributes:
        classes: how many there are.
        flip_sensitive: names of classes and of the folders around them that suggest left and right, writing, or image
            pairs; sorted.
        labelled: there are label files beside the images, recognized or not.
    """

    classes: int = 0
    flip_sensitive: tuple[str, ...] = ()
    labelled: bool = False


@dataclass(frozen=True)
class ResolvedGeometry:
    """The recipe's geometry for one dataset: presets, never "auto".

    Attributes:
        with_class: the preset of images that have a class.
        without_class: the preset of the others.
        notice: for the user, often empty.
    """

    with_class: str
    without_class: str
    notice: str = ""

    @property
    def moves(self) -> bool:
        """Whether it moves the pixels of any image."""
        return {self.with_class, self.without_class} != {"none"}

    def for_source(self, source: Source) -> str:
        """The preset of one source."""
        return self.with_class if source.label is not None else self.without_class

    def __str__(self) -> str:
        same = self.with_class == self.without_class
        return self.with_class if same else f"{self.with_class} of those with a class"


def dataset_traits(places: Iterable[tuple[str, str | None]], labelled: bool) -> DatasetTraits:
    """The traits of a dataset, whatever the order of its images.

    Args:
        places: the relative path and the class of each image, None for one without a class.
        labelled: there are label files beside the images.

    Example:
        >>> dataset_traits([("left/cats/a.png", "cats"), ("right/dogs/b.png", "dogs")], labelled=False)
        DatasetTraits(classes=2, flip_sensitive=('left', 'right'), labelled=False)
    """
    classes: set[str] = set()
    names: set[str] = set()
    for path, label in places:
        if label is not None:
            classes.add(label)
            names.update(path.split("/")[:-1])
    return DatasetTraits(len(classes), tuple(flip_sensitive_names(classes, names)), labelled)


def resolve_geometry(recipe: Recipe, traits: DatasetTraits) -> ResolvedGeometry:
    """Resolve the recipe's geometry for a dataset.

    "auto" becomes "flip" for the images with a class, if a dataset has two classes or more and no label files. It
    becomes "none" for all others, if `recipe.mirror` is False, if names suggest that left and right matter, and
    at strength 0, which asks for the images as they are.

    Example:
        >>> str(resolve_geometry(Recipe(geometry="light"), DatasetTraits()))
        'light'
        >>> str(resolve_geometry(Recipe(), DatasetTraits(classes=2)))
        'flip of those with a class'
    """
    if recipe.geometry != AUTO:
        return ResolvedGeometry(recipe.geometry, recipe.geometry)
    if not recipe.mirror or recipe.strength == 0 or traits.labelled or traits.classes < 2:
        return ResolvedGeometry("none", "none")
    if traits.flip_sensitive:
        hidden = len(traits.flip_sensitive) - _MAX_NAMED
        named = ", ".join(traits.flip_sensitive[:_MAX_NAMED]) + (f" and {hidden} more" if hidden > 0 else "")
        why = f"nothing is flipped, because left and right may matter for {named}"
        return ResolvedGeometry("none", "none", f"{why}; choose the geometry flip if they do not")
    notice = (
        "half of the variations are flipped horizontally, as is usual for images sorted into classes; "
        "disable flipping if left and right matter"
    )
    return ResolvedGeometry("flip", "none", notice)


def flip_sensitive_names(classes: Iterable[str], folders: Iterable[str] = ()) -> list[str]:
    """Names that suggest left and right, writing or image pairs, or that are a single letter or digit.

    If every class is a single character of any script, all of them count: the images show characters.

    Args:
        classes: names of classes.
        folders: names of the folders around them.

    Returns:
        The names, sorted.

    Example:
        >>> flip_sensitive_names(["cats", "turnLeft", "upright"])
        ['turnLeft']
    """
    names = sorted(set(classes))
    if len(names) > 1 and all(len(name.strip()) == 1 for name in names):
        return names
    characters = {name for name in names if _is_character(name)}
    return sorted(characters | {name for name in {*names, *folders} if _is_flip_sensitive(name)})


def _is_character(name: str) -> bool:
    """A letter or a digit, or a name that ends with a separate letter, such as upper_B."""
    tokens = _tokens(name)
    last = tokens[-1] if tokens else ""
    return len(last) == 1 and last.isascii() and (last.isalpha() or len(tokens) == 1)


def _is_flip_sensitive(name: str) -> bool:
    return any(_is_sensitive_word(word) for token in _tokens(name) for word in re.findall(r"[^\W\d]+", token))


def _tokens(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)  # turnLeft, LEFTTurn
    return re.findall(r"[^\W_]+", spaced.lower())


def _is_sensitive_word(word: str) -> bool:
    if word in _NOT_COMPOUND:
        return False
    return word in _FLIP_SENSITIVE or word.removesuffix("s") in _FLIP_SENSITIVE or _COMPOUND.search(word) is not None
