"""Strips of rows: what takes large pixels or several copies is computed for a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

_AREA_PX = 1 << 20


def strips(shape: tuple[int, ...], area_px: int = _AREA_PX) -> Iterator[slice]:
    """Slices of rows of about `area_px` pixels each, a million by default.

    Args:
        shape: Of an array, (H, W, ...).
        area_px: Pixels of a strip.

    Example:
        >>> list(strips((5, 100), area_px=200))
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height, width = shape[:2]
    step = max(1, area_px // width)
    yield from (slice(top, min(top + step, height)) for top in range(0, height, step))
