"""The key, and how it is read."""

from __future__ import annotations

import re

from augmentai.settings import Settings

_KEY = re.compile(r"^[\x21-\x7e]{1,512}$")


class KeyFormatError(ValueError):
    """The key cannot be sent as it is; the message does not show it."""


def clean_key(settings: Settings) -> str:
    """The key without white space, quotes or "Bearer" around it, as people paste it.

    A line break or a letter beyond ASCII would otherwise end in an exception of the HTTP library that quotes the key.

    Raises:
        KeyFormatError: it has a character that no key has.
    """
    key = settings.stability_api_key.get_secret_value().strip().strip("\"'").strip()
    key = key[7:].strip() if key.lower().startswith("bearer ") else key
    if key and not _KEY.match(key):
        raise KeyFormatError(
            "the Stability key has a space or a character that no key has, or is too long; copy it again"
        )
    return key
