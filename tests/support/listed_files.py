"""Label files that list many images, read with anything in them: it is read or reported, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from augmentai.annotations import LabelError
from augmentai.dataset.formats.listed.codec import Codec, Placed, Row
from augmentai.images.orientation import Frame


def assert_read_or_reported(
    open_file: Callable[[], Codec | None], name: str, place: str, size_wh: tuple[int, int]
) -> None:
    """Read a file, and write its labels back where they are.

    Args:
        open_file: opens it.
        name: its name; the message of a file that cannot be read begins with it.
        place: what the message of a row that cannot be read has: a line, an image.
        size_wh: width and height of its images in pixels.
    """
    try:
        codec = open_file()
        rows = [row for row in codec.rows() if isinstance(row, Row)] if codec is not None else []
    except LabelError as error:
        assert str(error).startswith(name)  # noqa: PT017 (rows are only read afterwards)
        return
    for row in rows:
        assert codec is not None
        try:
            labels = codec.labels([row.raw], Frame(size_wh, size_wh))
        except ValueError as error:
            assert place in str(error)  # noqa: PT017 (labels are only compared afterwards)
            continue
        placed = [Placed(shape, shape.extra["place"], True) for shape in labels.shapes]
        again = codec.labels(codec.moved([row.raw], placed, size_wh), Frame(size_wh, size_wh))
        assert [shape.category for shape in again.shapes] == [shape.category for shape in labels.shapes]
        assert again.extra.get("tags") == labels.extra.get("tags")


def changed_anywhere(content: Any, data: st.DataObject, values: st.SearchStrategy[Any]) -> None:
    """Put a drawn value at a drawn place of a JSON value, which is changed."""
    *above, last = data.draw(st.sampled_from(_places(content)[1:]))
    for key in above:
        content = content[key]
    content[last] = data.draw(values)


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, below in items for place in _places(below, (*here, key)))]
