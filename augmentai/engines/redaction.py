"""How a key is removed from every text of a hosted service that is shown or stored."""

from __future__ import annotations

import re

_KEY_LIKE = re.compile(r"\bsk-[\w*.\-]{4,}")
_SHORTEST_ECHO = 8  # characters of the key that are removed if a server echoes a part of it
_MAX_TEXT_CHARS = 300


def redacted(text: str, key: str) -> str:
    """`text` on one line of at most 300 characters, without the key or any part of it that a server echoed."""
    text = " ".join(text[:10_000].split())
    if key:
        text = text.replace(key, "[key]")
        for length in range(len(key) - 1, _SHORTEST_ECHO - 1, -1):
            text = text.replace(key[:length], "[key]").replace(key[-length:], "[key]")
    return _KEY_LIKE.sub("[key]", text)[:_MAX_TEXT_CHARS]
