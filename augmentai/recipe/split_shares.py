"""The kind of field that says how a set is split: "80/10/10" for training, validation and test."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from augmentai.recipe.kinds import Kind, RecipeError, is_number, shown

SPLITS = ("train", "val", "test")


class SplitShares(Kind):
    """Two or three shares of all images, for training, validation and test; empty for no split.

    They are percentages, or any numbers in the same proportion: "8/1/1" and "0.8/0.1/0.1" mean "80/10/10".

    Example:
        >>> SplitShares().check("make_split", "8/1/1"), SplitShares().check("make_split", [0.75, 0.25])
        ('80/10/10', '75/25')
        >>> SplitShares().accepts("80")
        False
    """

    metavar = "80/10/10"

    def expected(self) -> str:
        return "shares for training, validation and test such as 80/10/10 or 90/10"

    def accepts(self, value: Any) -> bool:
        return self._numbers(value) is not None

    def check(self, name: str, value: Any) -> str:
        numbers = self._numbers(value)
        if numbers is None:
            raise RecipeError(f"{name} is {shown(value)}; expected {self.expected()}")
        return "/".join(f"{100 * number / sum(numbers):.6g}" for number in numbers)

    def values(self) -> str:
        return "TRAIN/VAL/TEST"

    def _numbers(self, value: Any) -> list[float] | None:
        """The shares; none for no split, None if they make no sense."""
        if value is None or value == "":
            return []
        parts = re.split(r"[/,:\s]+", value.strip()) if isinstance(value, str) else value
        if isinstance(parts, str) or not isinstance(parts, Sequence) or len(parts) not in {2, 3}:
            return None
        try:
            numbers = [float(part.removesuffix("%") if isinstance(part, str) else part) for part in parts]
        except (TypeError, ValueError):
            return None
        sound = all(is_number(number) and math.isfinite(number) and number >= 0 for number in numbers)
        return numbers if sound and numbers[0] > 0 and sum(numbers[1:]) > 0 else None


def split_shares(text: str) -> dict[str, float]:
    """The share of each split, 0 to 1; splits without a share are missing.

    Example:
        >>> split_shares("80/20/0")
        {'train': 0.8, 'val': 0.2}
    """
    numbers = [float(part) for part in text.split("/")] if text else []
    return {name: number / sum(numbers) for name, number in zip(SPLITS, numbers, strict=False) if number}
