"""Parameters of `copy_paste` that no range can refuse by itself."""

from __future__ import annotations

import pytest

from augmentai.operations import build_operations
from augmentai.operations.copy_paste import CopyPaste
from augmentai.recipe.kinds import RecipeError

NO_WHOLE_NUMBER = {
    "one fraction": (1.5, r"objects is 1\.5 to 1\.5, .* no whole number; widen it, as to 1\.\.2"),
    "between two": ((1.2, 1.8), r"objects is 1\.2 to 1\.8, .* no whole number; widen it, as to 1\.\.2"),
}


@pytest.mark.parametrize(("objects", "words"), NO_WHOLE_NUMBER.values(), ids=NO_WHOLE_NUMBER)
def test_a_number_of_objects_that_cannot_be_drawn_is_refused(objects: object, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_operations([{"copy_paste": {"objects": objects}}])


@pytest.mark.parametrize("objects", [1, 10, (1, 1.9), (1.5, 2), (1.5, 2.5)])
def test_one_that_can_be_drawn_is_taken(objects: object) -> None:
    assert CopyPaste(objects=objects).objects  # type: ignore[arg-type]
