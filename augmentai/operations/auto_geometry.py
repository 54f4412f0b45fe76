"""Which geometry a set gets where none was asked for.

Photographs sorted into classes are mirrored in half of their variations: a mirrored cat is a cat, mirroring moves
pixels without mixing them, and a training that mirrors by itself sees the same pictures as before. Of all that geometry
could do it is the one step that helped where the training moves nothing (`lift_trials.md` in `benchmarks/results`) and
cost nothing where it mirrors by itself (0.3 points at most on the mean of the sets, `lift.md` beside `lift_still.md`).
It is left out where a class may hang on left and right, and where files beside the photographs may say where something
lies in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from augmentai.recipe import AUTO, Recipe
from augmentai.types import Source

# What a mirrored picture would be a wrong example of. Only names can tell; `mirror` is there for what they do not say.
_HANDED = frozenset(
    {
        *(
            "hand",
            "glove",
            "arrow",
            "sign",
            "plate",
            "logo",
            "barcode",
            "clockwise",
            "counterclockwise",
            "anticlockwise",
        ),
        *("text", "letter", "digit", "number", "numeral", "character", "char", "glyph", "font", "word", "script"),
        *("handwriting", "handwritten", "receipt", "invoice", "document", "page", "chart", "captcha"),
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        # Pictures of one thing in two folders, which would come apart: each variation is mirrored or not by itself.
        *("mask", "depth", "gt", "annotation", "label", "input", "target", "lowres", "highres", "lr", "hr"),
    }
)
_GLUED = re.compile(
    r"^(left|right)|(left|right)(s|wards?)?$|(road|traffic|street|stop|speed)sign|(number|licen[cs]e)plate"
)
_NOT_GLUED = frozenset(
    {"bright", "upright", "cleft", "fright", "wright", "copyright", "aright", "outright", "forthright"}
)
_NAMED = 3  # classes named in a notice


@dataclass(frozen=True)
class DatasetTraits:
    """What the choice hangs on, known before any picture is read.

    classes: how many there are. handed: names of classes and of the folders around them that speak of left and right,
    of writing, or of pairs of pictures; sorted. labelled: label files lie beside the photographs, understood or not.
    """

    classes: int = 0
    handed: tuple[str, ...] = ()
    labelled: bool = False


@dataclass(frozen=True)
class Choice:
    """What is carried out: one of `GEOMETRIES` without "auto".

    geometry: of pictures with a class; loose: of those without. notice: for the user, often empty.
    """

    geometry: str
    loose: str
    notice: str = ""

    def of(self, source: Source) -> str:
        return self.geometry if source.label is not None else self.loose

    def __str__(self) -> str:
        return self.geometry if self.geometry == self.loose else f"{self.geometry} of those with a class"


def traits(places: Iterable[tuple[str, str | None]], labelled: bool) -> DatasetTraits:
    """Of a set, whatever the order of its pictures. places: the path and the class of each, None for one without."""
    classes: set[str] = set()
    names: set[str] = set()
    for path, label in places:
        if label is not None:
            classes.add(label)
            names.update(path.split("/")[:-1])
    return DatasetTraits(len(classes), tuple(handed_names(classes, names)), labelled)


def resolve_geometry(recipe: Recipe, seen: DatasetTraits) -> Choice:
    """What the recipe's geometry comes to for a set.

    "auto" becomes "flip" for the pictures with a class of a set of two classes or more without label files, whose
    trainings mirror by themselves. It becomes "none" for any other, with `recipe.mirror` False, where names tell that
    left and right matter, and at strength 0, which asks for the photographs as they are.
    """
    if recipe.geometry != AUTO:
        return Choice(recipe.geometry, recipe.geometry)
    if not recipe.mirror or recipe.strength == 0 or seen.labelled or seen.classes < 2:
        return Choice("none", "none")
    if seen.handed:
        more = f" and {len(seen.handed) - _NAMED} more" if len(seen.handed) > _NAMED else ""
        named = ", ".join(seen.handed[:_NAMED]) + more
        why = f"nothing is mirrored, since left and right may matter for {named}; ask for it where they do not"
        return Choice("none", "none", why)
    why = (
        "half of the variations are mirrored, as is usual for photographs in classes; "
        "switch that off where left and right matter"
    )
    return Choice("flip", "none", why)


def handed_names(classes: Iterable[str], folders: Iterable[str] = ()) -> list[str]:
    """Those that speak of left and right, of writing or of pairs, or are a single letter or digit; sorted.

    Where every class is a single character of any script, all are: they are characters to be read.
    """
    own = sorted(set(classes))
    if len(own) > 1 and all(len(name.strip()) == 1 for name in own):
        return own
    return sorted({name for name in own if _is_character(name)} | {name for name in {*own, *folders} if _is_told(name)})


def _is_character(name: str) -> bool:
    """A letter or a digit, or something ending with a letter of its own, such as upper_B."""
    tokens = _tokens(name)
    last = tokens[-1] if tokens else ""
    return len(last) == 1 and last.isascii() and (last.isalpha() or len(tokens) == 1)


def _is_told(name: str) -> bool:
    return any(_speaks(word) for token in _tokens(name) for word in re.findall(r"[^\W\d]+", token))


def _tokens(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)  # turnLeft, LEFTTurn
    return re.findall(r"[^\W_]+", spaced.lower())


def _speaks(word: str) -> bool:
    if word in _NOT_GLUED:
        return False
    return word in _HANDED or word.removesuffix("s") in _HANDED or _GLUED.search(word) is not None
