"""XML from users: its elements are counted, and their depth, while it is parsed."""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder

from augmentai.annotations import LabelError
from augmentai.dataset.bounds import DEEPEST_XML, image_bounds


class BoundedBuilder(TreeBuilder):
    """Builds the elements of a label file. Raises LabelError if there are more, or deeper ones, than a label file has.

    Args:
        file: the path of the file, for messages.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._depth = self._count = 0
        self._most = image_bounds().elements

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEEPEST_XML:
            raise LabelError(f"{self._file}: elements in elements, {DEEPEST_XML} deep and more; expected a few levels")
        if self._count > self._most:
            raise LabelError(
                f"{self._file}: more than {self._most:,} elements (20 times AUGMENTAI_MAX_OBJECTS); "
                "expected the labels of one image"
            )
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)
