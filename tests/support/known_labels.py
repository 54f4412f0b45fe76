"""Labels of a source that are known already, without a file."""

from __future__ import annotations

from dataclasses import dataclass

from augmentai.annotations import Labels


@dataclass(frozen=True)
class KnownLabels:
    labels: Labels

    def load(self) -> Labels:
        return self.labels
