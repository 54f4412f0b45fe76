"""What a finished job could not make, by the manifests of its ZIPs: what is worth a retry, and what never will be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from augmentai.dataset.manifest import is_made
from augmentai.types import SourceKey


class Unmade:
    """The variations and files that failed, and why. Lines of later ZIPs replace those of earlier ones.

    Example:
        >>> unmade = Unmade()
        >>> line = {"source": "a.jpg", "source_sha256": "1f", "index": 0, "status": "failed", "reason": "not an image"}
        >>> unmade.read(iter([line]))
        >>> unmade.is_unusable(("a.jpg", "1f")), unmade.failures()
        (True, [{'file': 'a.jpg', 'reason': 'not an image'}])
    """

    def __init__(self) -> None:
        self._reasons: dict[SourceKey, dict[int, str]] = {}  # by source and index

    def read(self, entries: Iterator[Mapping[str, Any]]) -> None:
        """Read the lines of one more manifest, parsed."""
        for entry in entries:
            key = entry["source"], entry["source_sha256"] or ""
            if not is_made(entry):
                self._reasons.setdefault(key, {})[entry["index"]] = entry.get("reason", "")
            elif (reasons := self._reasons.get(key)) is not None:
                reasons.pop(entry["index"], None)
                if not reasons:
                    del self._reasons[key]

    def is_unusable(self, source: SourceKey) -> bool:
        """Whether nothing can ever be made of a source: its file or its labels cannot be read, or it is a leak."""
        return 0 in self._reasons.get(source, ())

    def failures(self) -> list[dict[str, str]]:
        """One row for each file that failed or is incomplete."""
        return [
            {"file": file, "reason": reasons[min(reasons)]} for (file, _), reasons in self._reasons.items() if reasons
        ]
