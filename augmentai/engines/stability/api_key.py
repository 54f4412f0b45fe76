"""The key: how it is read, and how it is removed from every text that is shown or stored."""

from __future__ import annotations

import re

from augmentai.settings import Settings

_KEY = re.compile(r"^[\x21-\x7e]{1,512}$")
_KEY_LIKE = re.compile(r"\bsk-[\w*.\-]{4,}")
_SHORTEST_ECHO = 8  # characters of the key that are removed if a server echoes a part of it
_MAX_TEXT_CHARS = 300


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


def redacted(text: str, key: str) -> str:
    """`text` on one line of at most 300 characters, without the key or any part of it that a server echoed."""
    text = " ".join(text[:10_000].split())
    if key:
        text = text.replace(key, "[key]")
        for length in range(len(key) - 1, _SHORTEST_ECHO - 1, -1):
            text = text.replace(key[:length], "[key]").replace(key[-length:], "[key]")
    return _KEY_LIKE.sub("[key]", text)[:_MAX_TEXT_CHARS]
