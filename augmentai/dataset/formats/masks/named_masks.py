"""Names of masks in tables and label files: a row that is repeated for a variation names the variation's own masks."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from augmentai.dataset.formats.masks.mask_file import MaskFile


def renamed_mask(text: str, masks: Sequence[MaskFile], file: str) -> str:
    """The name of the mask of a variation, as a table writes that of its source; the text itself if it names none.

    Args:
        text: what the table holds: a name or a path, with or without its ending.
        masks: those of the source.
        file: the path of the variation.
    """
    for mask in masks:
        own = PurePosixPath(mask.entry.path)
        if PurePosixPath(text.strip().replace("\\", "/")).name in {own.name, own.stem}:
            made = posixpath.relpath(mask.path_for(file), own.parent)  # "a__v1/1.png" where each image has a folder
            known, new = (
                (own.name, made)
                if text.strip().endswith(own.name)
                else (own.stem, made[: -len(PurePosixPath(made).suffix)])
            )
            written = text.strip().removesuffix(known)
            return written + new if "/" not in new else posixpath.normpath(written.replace("\\", "/") + new)
    return text


def with_own_masks(value: Any, masks: Sequence[MaskFile], source: str, file: str) -> Any:
    """Values of a label file about one image, with the masks of its variation wherever masks are named.

    Args:
        value: anything that JSON can hold; keys of mappings stay.
        masks: those of the source.
        source, file: the paths of the source and of the variation.
    """
    if isinstance(value, str):
        written = PurePosixPath(value.strip().replace("\\", "/"))
        if not written.suffix and written.name == PurePosixPath(source).stem:
            return value  # the image's own name, as an id
        named = [mask for mask in masks if len(written.parts) < 2 or _ends_alike(written, mask)]
        return renamed_mask(value, named, file) if written.name else value
    if isinstance(value, list):
        return [with_own_masks(item, masks, source, file) for item in value]
    if isinstance(value, dict):
        return {key: with_own_masks(item, masks, source, file) for key, item in value.items()}
    return value


def _ends_alike(written: PurePosixPath, mask: MaskFile) -> bool:
    """Whether a path with folders leads to a mask, as far as its last folder says."""
    return PurePosixPath(mask.entry.path).parent.name in {"", written.parent.name}
