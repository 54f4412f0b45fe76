"""`manifest.jsonl`: one line a wanted variation, everything needed to explain or repeat it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from augmentai.filters.features import encode_fingerprint
from augmentai.system.versions import versions
from augmentai.types import Outcome

MANIFEST = "manifest.jsonl"
RECIPE_FILE = "recipe.yaml"
CARD = "dataset_card.md"
# Drawn as SVG: a JPEG beside the class folders would be a picture of the set to whoever loads it, and a folder a class.
SHEET = "contact_sheet.svg"
OWN_FILES = frozenset({MANIFEST, RECIPE_FILE, CARD, SHEET})  # what a run says of itself


def made_in(entry: dict[str, Any]) -> bool:
    """Whether a line of the manifest, read back, tells of a variation that was made."""
    return entry.get("status") == "ok"


def line(outcome: Outcome) -> str:
    """One line of the manifest, with its line end.

    status is "ok" or "failed". A failed line has no file; its reason says why. index is 0 where the source itself could
    not be used, so that no variation of it was tried. bytes: sizes of the file and of its label files, by which a run
    that goes on tells whether they are whole. print: some colours of the variation, by which a run that goes on
    tells whether its siblings are near-duplicates.
    """
    made = outcome.variation
    entry: dict[str, Any] = {
        "file": made.file if made else None,
        "source": outcome.source.path,
        "source_sha256": outcome.source.sha256 or None,
        "label": outcome.source.label,
        "split": outcome.source.split,
        "index": outcome.index,
        "engine": made.engine if made else None,
        "model": made.model if made else None,
        "prompt": made.prompt if made else None,
        "strength": made.strength if made else None,
        "seed": outcome.seed,
        "width": made.image.width if made else None,
        "height": made.image.height if made else None,
        "seconds": round(made.seconds, 3) if made else None,
        "fallbacks": [{"engine": f.engine, "reason": f.reason} for f in outcome.fallbacks],
        "status": "ok" if made else "failed",
        "versions": versions(),
    }
    if made:
        entry["bytes"] = [len(made.data), *(len(data) for _, data in made.beside)]
    if made and made.beside:
        entry["label_files"] = [file for file, _ in made.beside]
    if made and made.labels is not None and made.labels.shapes:
        entry["objects"] = dict(Counter(shape.category for shape in made.labels.shapes))
    if made and made.record is not None:
        entry["record"] = made.record
    if made and made.details:
        entry["details"] = dict(made.details)
    entry["attempts"] = outcome.attempts
    if outcome.scores:
        entry["scores"] = dict(outcome.scores)
    if outcome.rejections:
        entry["rejected"] = [asdict(rejection) for rejection in outcome.rejections]
    if outcome.fingerprint:
        entry["print"] = encode_fingerprint(outcome.fingerprint)
    if outcome.credits:
        entry["credits"] = outcome.credits
    if outcome.reason:
        entry["reason"] = outcome.reason
    if outcome.notices:
        entry["notices"] = list(outcome.notices)
    return json.dumps(entry, ensure_ascii=False, default=str) + "\n"  # str: an engine may tell any kind of detail
