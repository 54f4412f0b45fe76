"""`manifest.jsonl`: one line per requested variation, everything needed to explain or repeat it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from augmentai.dataset.lift_file import LIFT_FILE
from augmentai.filters.features import encode_fingerprint
from augmentai.system.regular_files import open_regular
from augmentai.system.versions import versions
from augmentai.types import Outcome

MANIFEST = "manifest.jsonl"
RECIPE_FILE = "recipe.yaml"
CARD = "dataset_card.md"
# An SVG: loaders of image folders would take a JPEG for an image of the dataset, and a folder for a class.
SHEET = "contact_sheet.svg"
RUN_LEDGER = ".augmentai.credits.jsonl"  # only where a paid engine was asked
PAID_ANSWERS = ".augmentai.paid"  # a folder, only while answers wait for their variations
MANIFEST_PART = ".augmentai.manifest."  # begins the names of its parts at a URL, while a run is at work
OWN_FILES = frozenset({MANIFEST, RECIPE_FILE, CARD, SHEET})  # what a run writes about itself
OWN_NAMES = OWN_FILES | {LIFT_FILE}  # likewise, what it writes only if there is any included
FIRST_LINE_BYTES = 1 << 16
_LARGE_PIXELS = 12_000_000


def is_made(entry: Mapping[str, Any]) -> bool:
    """Whether a parsed line of the manifest describes a variation that was made.

    Example:
        >>> is_made({"status": "ok"}), is_made({"status": "failed"})
        (True, False)
    """
    return entry.get("status") == "ok"


def is_large(entry: Mapping[str, Any]) -> bool:
    """Whether a variation that was made is of an image that should not be in memory beside others like it.

    Example:
        >>> is_large({"width": 6000, "height": 4000}), is_large({"width": 3000, "height": 2000})
        (True, False)
    """
    return int(entry["width"]) * int(entry["height"]) > _LARGE_PIXELS


def files_of(entry: Mapping[str, Any]) -> list[str]:
    """The files that a variation consists of, the image first; none if it was not made.

    Example:
        >>> files_of({"status": "ok", "file": "a__v1.jpg", "label_files": ["a__v1.txt"]})
        ['a__v1.jpg', 'a__v1.txt']
    """
    return [entry["file"], *entry.get("label_files", ())] if is_made(entry) else []


def manifest_line(outcome: Outcome) -> str:
    r"""One line of the manifest, line end included.

    `status` is "ok" or "failed"; a failed line has no file, and its `reason` says why. `index` is 0 if the source
    itself could not be used, so that no variation of it was attempted. A resumed run checks by `bytes` (the sizes of
    the image and of its label files) whether they are complete, and by `print` (a few colors of the variation) whether
    the next ones are near-duplicates.

    Args:
        outcome: a variation, or the reason why there is none.

    Returns:
        JSON on one line, ending with "\n".

    Example:
        >>> from augmentai.types import Source
        >>> outcome = Outcome(Source.from_bytes("cats/a.jpg", b"no image", "cats"), 1, 7, reason="not an image")
        >>> entry = json.loads(manifest_line(outcome))
        >>> entry["source"], entry["label"], entry["status"], entry["reason"]
        ('cats/a.jpg', 'cats', 'failed', 'not an image')
    """
    entry = _always_present(outcome) | _where_known(outcome)
    return json.dumps(entry, ensure_ascii=False, default=str) + "\n"  # str: an engine may report any kind of detail


def _always_present(outcome: Outcome) -> dict[str, Any]:
    made = outcome.variation
    return {
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
        "fallbacks": [{"engine": fallback.engine, "reason": fallback.reason} for fallback in outcome.fallbacks],
        "status": "ok" if made else "failed",
        "versions": versions(),
    }


def _where_known(outcome: Outcome) -> dict[str, Any]:
    made = outcome.variation
    entry: dict[str, Any] = {}
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
    return entry


def is_run(folder: Path) -> bool:
    """Whether a folder is the output of a run.

    Args:
        folder: any folder.

    Returns:
        True if its manifest begins with a line of AugmentAI's, or is still empty and a recipe is beside it.
    """
    try:
        with open_regular(folder / MANIFEST) as lines:
            first = lines.readline(FIRST_LINE_BYTES)
    except OSError:
        return False
    return begins_run(first, (folder / RECIPE_FILE).is_file())


def begins_run(first_line: bytes, has_recipe: bool) -> bool:
    """Whether a file of the manifest's name is one.

    Args:
        first_line: its first line; b"" if it is empty.
        has_recipe: whether a recipe is beside it.

    Example:
        >>> begins_run(b"", True), begins_run(b'{"name": "my app"}', True)
        (True, False)
    """
    if not first_line:
        return has_recipe
    try:
        entry = json.loads(first_line)
    except ValueError:
        return False
    return isinstance(entry, dict) and {"source", "source_sha256", "index", "status"} <= entry.keys()


def has_only_failures(folder: Path) -> bool:
    """Whether the run in a folder made nothing, or ended before it made anything."""
    try:
        with open_regular(folder / MANIFEST) as lines:
            return all(made_nothing(line) for line in lines)
    except FileNotFoundError:
        return (folder / RECIPE_FILE).is_file()


def made_nothing(line: bytes) -> bool:
    if not line.endswith(b"\n"):
        return True  # half-written: its files were not given their names
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("status") == "failed"
