"""Arguments that name a place: a path of this machine, or a URL of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from augmentai.storage import StorageError, Store, local_path, open_store


class PlaceType(click.Path):
    """A path, or a `Store` for a URL such as s3://bucket/folder. Nothing is read, but a missing driver is reported."""

    name = "path or URL"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:  # as click.Path declares it
        if not isinstance(value, str):
            return value
        try:
            on_disk = local_path(value)
            return open_store(value) if on_disk is None else super().convert(str(on_disk), param, ctx)
        except StorageError as error:
            self.fail(str(error), param, ctx)


def shown(place: Path | Store) -> str:
    """A place as the user named it."""
    return str(place)
