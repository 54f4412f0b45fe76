"""What an inspection finds, by kind: how many, and the first examples of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "unread_labels",
    "second_labels",
    "labels_without_image",
    "labels_left_out",
    "broken_labels",
    "unreadable_images",
    "boxes_outside",
    "boxes_without_area",
    "conflicting_classes",
    "tiny_boxes",
    "agreeing_labels",
    "repeated_objects",
    "images_without_labels",
    "images_without_objects",
    "images_without_class",
    "duplicates",
    "near_duplicates",
    "duplicates_across_splits",
    "similar_across_splits",
    "unlikely_labels",
    "outliers",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Those that lose labels, or make them untrue; the others are worth knowing.
PROBLEMS = frozenset(KINDS[: KINDS.index("tiny_boxes")])

UNUSABLE = frozenset({"broken_labels", "unreadable_images"})  # an image of which one is found is not augmented

TITLES: dict[Kind, str] = {
    "unread_labels": "Label files that are not understood",
    "second_labels": "Label files in a second format, which are not used",
    "labels_without_image": "Label files without their image",
    "labels_left_out": "Labels that are left out",
    "broken_labels": "Labels that cannot be read",
    "unreadable_images": "Images that cannot be read",
    "boxes_outside": "Boxes that reach outside the image",
    "boxes_without_area": "Boxes without area",
    "conflicting_classes": "The same image in several classes",
    "tiny_boxes": "Boxes of less than 3 pixels on a side",
    "agreeing_labels": "Label files in a second format, which say the same",
    "repeated_objects": "Objects that are labelled twice",
    "images_without_labels": "Images without labels",
    "images_without_objects": "Images whose labels name no object",
    "images_without_class": "Images without a class",
    "duplicates": "Images that are in the set several times",
    "near_duplicates": "Images that are nearly the same as another",
    "duplicates_across_splits": "Training images that are nearly the same as a validation or test image",
    "similar_across_splits": "Training images that show nearly the same as a validation or test image",
    "unlikely_labels": "Images that look more like another class",
    "outliers": "Images unlike all others",
}
_EXAMPLES_KEPT = 50


@dataclass(frozen=True)
class Example:
    """One thing that was found.

    Attributes:
        file: the image or label file.
        detail: what is wrong, in words.
        line: of the label file, from 1; None if it is unknown.
    """

    file: str
    detail: str
    line: int | None = None

    def __str__(self) -> str:
        line = f", line {self.line}" if self.line is not None else ""
        return f"{self.file}{line}: {self.detail}"


@dataclass
class Finding:
    """All that was found of one kind. examples: the first ones."""

    kind: Kind
    count: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def is_problem(self) -> bool:
        return self.kind in PROBLEMS

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        examples = [{"file": one.file, "line": one.line, "detail": one.detail} for one in self.examples]
        severity = "problem" if self.is_problem else "note"
        return {"kind": self.kind, "severity": severity, "count": self.count, "examples": examples}


class Findings:
    """Collects examples by kind.

    Example:
        >>> findings = Findings()
        >>> findings.add("broken_labels", Example("a.txt", "found 2 numbers", 3))
        >>> [str(one) for one in findings.all()[0].examples]
        ['a.txt, line 3: found 2 numbers']
    """

    def __init__(self) -> None:
        self._found: dict[Kind, Finding] = {}

    def add(self, kind: Kind, example: Example, count: int = 1) -> None:
        """Count something, and keep it as an example if there are not many yet."""
        found = self._found.setdefault(kind, Finding(kind))
        found.count += count
        if len(found.examples) < _EXAMPLES_KEPT:
            found.examples.append(example)

    def all(self) -> tuple[Finding, ...]:
        """Everything that was found, problems first."""
        return tuple(self._found[kind] for kind in KINDS if kind in self._found)
