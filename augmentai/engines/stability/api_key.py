"""The key: how it is read, and how it is kept out of every word that is shown or stored."""

from __future__ import annotations

import re

from pydantic import SecretStr

from augmentai.settings import Settings

_KEY = re.compile(r"^[\x21-\x7e]{1,512}$")
_KEY_LIKE = re.compile(r"\bsk-[\w*.\-]{4,}")
_SHORTEST_ECHO = 8  # characters of the key that are struck out where a server echoes a part of it
_LONGEST_WORDS = 300


class KeyFormatError(ValueError):
    """The key cannot be sent as it is; the message does not show it."""


def clean_key(settings: Settings) -> str:
    """The key without white space, quotes or "Bearer" around it, as people paste it. Raises KeyFormatError.

    A line break or a letter beyond ASCII would otherwise end in an exception of the HTTP library that quotes the key.
    """
    key = settings.stability_api_key.get_secret_value().strip().strip("\"'").strip()
    key = key[7:].strip() if key.lower().startswith("bearer ") else key
    if key and not _KEY.match(key):
        raise KeyFormatError(
            "the Stability key holds a space or a character that no key has, or is too long; copy it again"
        )
    return key


def visitor_settings(settings: Settings, pasted: str) -> Settings:
    """The settings of a visitor who pasted a key: that key, and no daily limit, which is of the owner's credits.

    Nothing is written: without a daily limit no count is kept. The same settings where nothing was pasted. Build an
    engine from them, keep it for that visitor's session, and let it go with it.
    """
    if not pasted.strip():
        return settings
    own = {"stability_api_key": SecretStr(pasted.strip()), "stability_credits_per_day": None}
    return settings.model_copy(update=own)


def redacted(text: str, key: str) -> str:
    """`text` on one line of at most 300 characters, without the key or a part of it that a server echoed."""
    text = " ".join(text[:10_000].split())
    if key:
        text = text.replace(key, "[key]")
        for length in range(len(key) - 1, _SHORTEST_ECHO - 1, -1):
            text = text.replace(key[:length], "[key]").replace(key[-length:], "[key]")
    return _KEY_LIKE.sub("[key]", text)[:_LONGEST_WORDS]
