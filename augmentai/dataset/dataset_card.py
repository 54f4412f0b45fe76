"""`dataset_card.md`: what a set holds, how it was made and of what, in words and figures, as Hugging Face reads it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, SHEET, made_in
from augmentai.dataset.run_record import RunRecord
from augmentai.recipe import AUTO
from augmentai.types import Source

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_NO_CLASS = "(no class)"
_NAMED = 3
_ROWS = 200  # classes named one by one; of more, the rest is summed up


@dataclass
class Counts:
    """What a set held before and holds now. Keys are (split, class); the engine's are (engine, model).

    kept: of those given, the originals that lie in the set as well.
    """

    given: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: Counter[tuple[str, str]] = field(default_factory=Counter)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    objects_given: Counter[str] = field(default_factory=Counter)
    objects_kept: Counter[str] = field(default_factory=Counter)
    objects_made: Counter[str] = field(default_factory=Counter)
    engines: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    credits: float = 0.0


def title(record: RunRecord) -> str:
    """What to call a set: by what it was made from, so that it hangs on no folder's name."""
    names = [PurePosixPath(given).name for given in record.inputs[:_NAMED]]
    more = " and more" if len(record.inputs) > _NAMED else ""
    return f"{', '.join(names)}{more}, augmented" if names else "Augmented photographs"


def count(
    entries: Iterable[dict[str, Any]],
    sources: Sequence[Source],
    original: Callable[[Source], str | None] = lambda source: None,
) -> Counts:
    """Counts of a manifest and of the sources it was made from. Reads the labels of every source that has any.

    original: where the original of a source lies in the set, None where it does not.
    """
    counts = Counts()
    for source in sources:
        key, is_kept = (source.split or "", source.label or _NO_CLASS), original(source) is not None
        counts.given[key] += 1
        counts.kept[key] += is_kept
        if source.labels is not None:
            try:
                things = Counter(shape.category for shape in source.labels.load().shapes)
            except (LabelError, OSError):
                continue  # told where the source itself was read
            counts.objects_given += things
            if is_kept:
                counts.objects_kept += things
    for entry in entries:
        counts.credits += entry.get("credits", 0.0)
        if not made_in(entry):
            counts.failed += 1
            continue
        counts.made[entry.get("split") or "", entry["label"] or _NO_CLASS] += 1
        counts.engines[entry["engine"], entry["model"]] += 1
        counts.objects_made.update(entry.get("objects", {}))
    return counts


def card(record: RunRecord, counts: Counts, has_sheet: bool) -> bytes:
    """The card as Markdown with the front matter of Hugging Face's hub."""
    made, given, originals = counts.made.total(), counts.given.total(), counts.kept.total()
    name = title(record)
    parts = [
        _front_matter(name, counts, made + originals),
        f"# {_plain(name)}",
        f"{made:,} synthetic variations of {given:,} photographs, made by AugmentAI "
        f"{record.versions.get('augmentai', '')}. "
        + (f"{originals:,} of the photographs lie in the set as well." if originals else _WITHOUT_ORIGINALS),
        f"![Sources beside their variations]({SHEET})" if has_sheet else "",
        "## Counts",
        _classes(counts),
        _objects(counts),
        f"{counts.failed:,} could not be made; the lines of `{MANIFEST}` that say `failed` tell why."
        if counts.failed
        else "",
        "## How it was made",
        _table(
            ("engine", "model", "variations"),
            [(engine, model, f"{number:,}") for (engine, model), number in sorted(counts.engines.items())],
        ),
        f"Credits spent on the hosted engine: {counts.credits:g}." if counts.credits else "",
        _recipe(record),
        _provenance(record),
        _LICENCE,
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "backslashreplace")


_WITHOUT_ORIGINALS = "The photographs themselves are not in it."
_LICENCE = """## Licence

Each variation is derived from a photograph, so the licence of that photograph goes for it too; a hosted or downloaded
model may add terms of its own. Check both before you pass this set on, and write the licence into the head of this
card, which says `unknown` until then."""


def _front_matter(name: str, counts: Counts, pictures: int) -> str:
    import yaml

    task = "image-classification" if any(label != _NO_CLASS for _, label in counts.given) else "image-to-image"
    if counts.objects_given:
        task = "object-detection"
    matter = {
        "pretty_name": name,
        "license": "unknown",
        "task_categories": [task],
        "size_categories": [next((words for limit, words in _SIZES if pictures < limit), "1M<n<10M")],
        "tags": ["augmentai", "synthetic", "data-augmentation"],
    }
    return "---\n" + yaml.safe_dump(matter, sort_keys=False, allow_unicode=True) + "---"


def _classes(counts: Counts) -> str:
    keys = sorted(counts.given | counts.made)
    splits = any(split for split, _ in keys)
    rows = []
    for key in keys[:_ROWS]:
        before, made, kept = counts.given[key], counts.made[key], counts.kept[key]
        figures = (f"{before:,}", f"{made:,}", f"{made + kept:,}")
        rows.append(((key[0] or "-"), _cell(key[1]), *figures) if splits else (_cell(key[1]), *figures))
    if len(keys) > _ROWS:
        counters = (counts.given, counts.made, counts.kept)
        before, made, kept = (sum(counter[key] for key in keys[_ROWS:]) for counter in counters)
        rest = (f"{len(keys) - _ROWS} more", f"{before:,}", f"{made:,}", f"{made + kept:,}")
        rows.append(("", *rest) if splits else rest)
    before, made, kept = counts.given.total(), counts.made.total(), counts.kept.total()
    whole = ("**all**", f"{before:,}", f"{made:,}", f"{made + kept:,}")
    rows.append(("", *whole) if splits else whole)
    head = ("class", "before", "variations", "after")
    return _table(("split", *head) if splits else head, rows)


def _objects(counts: Counts) -> str:
    if not counts.objects_given:
        return ""
    rows = [
        (_cell(name), f"{before:,}", f"{counts.objects_made[name] + counts.objects_kept[name]:,}")
        for name, before in sorted(counts.objects_given.items())[:_ROWS]
    ]
    return _table(("labelled things", "before", "after"), rows)


def _recipe(record: RunRecord) -> str:
    settings = {name: value for name, value in asdict(record.recipe).items() if value != ""}
    if record.recipe.geometry == AUTO and record.geometry:
        settings["geometry"] = f"{AUTO}: {record.geometry}"
    rows = [(f"`{name}`", f"`{_cell(str(value))}`") for name, value in settings.items()]
    again = f"`python -m augmentai replay` makes the same of the same photographs; all settings are in `{RECIPE_FILE}`."
    return _table(("setting", "value"), rows) + "\n\n" + again


def _provenance(record: RunRecord) -> str:
    models = "".join(f"\n- model of `{name}`: {_plain(version)}" for name, version in record.models.items())
    packages = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    return f"""## Provenance

- {record.sources:,} photographs; SHA-256 of their sorted hashes: `{record.sources_sha256}`{models}
- {packages}
- `{MANIFEST}` has one line a variation: its source and that file's SHA-256, engine, model, seed and settings
- every variation carries the AI-made mark in the file itself: EXIF or PNG text, and IPTC `DigitalSourceType` in XMP"""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Words of the user's, on one line, so that they cannot end a table or open a tag."""
    return re.sub(r"\s+", " ", text).replace("<", "&lt;").replace("`", "'").strip()
