"""`dataset_card.md`: what a dataset contains and how it was made, in the form that the Hugging Face Hub reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from augmentai.annotations import LabelError
from augmentai.dataset.diversity import Diversity
from augmentai.dataset.lift_file import LIFT_FILE, LiftFile
from augmentai.dataset.manifest import MANIFEST, RECIPE_FILE, SHEET, is_made
from augmentai.dataset.run_record import RunRecord
from augmentai.plurals import counted
from augmentai.recipe import AUTO
from augmentai.recipe.steps import format_steps
from augmentai.types import Source

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_NO_CLASS = "(no class)"
# What opens a span, link or cell; an underscore within a word and a colon that begins no address do not.
_MARKDOWN = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|^[#>+-](?= )|(?<=\bwww)\.|@|&(?=#?\w+;)")
_LISTED_INPUTS = 3
_LISTED_CLASSES = 200  # the rest is summed up in one row
_LICENCE = """## Licence

Each variation is derived from a source image, so the licence of that image applies to it as well; a hosted or
downloaded model may add terms of its own. Check both before you share this dataset, and state the licence in the
metadata at the top of this card, which says `unknown` until then."""

_NOT_MEASURED = (
    "Not measured: nothing is known of what these variations are worth to a model trained on this dataset. "
    "`augmentai lift` measures it."
)
_METHODS = {
    "probe": "a quick look by a linear classifier on the features of a pretrained network",
    "cells": "a quick look by a linear classifier on cells of the features of a pretrained network",
    "fine-tune": "all layers of a pretrained network trained",
}
_SPLITS = {
    "test": "of the test split",
    "validation": "of the validation split",
    "folds": "each image in turn, by models that never saw it",
}

ClassKey = tuple[str, str]  # (split, class)


@dataclass
class DatasetCounts:
    """Images and labelled objects before and after a run.

    Attributes:
        sources: images that were read, by (split, class).
        originals: those of them that are part of the output.
        variations: images that were made, by (split, class).
        source_objects: labelled objects of the sources, by class.
        original_objects: those of the originals in the output.
        variation_objects: those of the variations.
        engines: variations by (engine, model).
        failed: variations and sources that failed.
        credits: what the run cost.
        money_notices: what is not known of that for certain, in words.
    """

    sources: Counter[ClassKey] = field(default_factory=Counter)
    originals: Counter[ClassKey] = field(default_factory=Counter)
    variations: Counter[ClassKey] = field(default_factory=Counter)
    source_objects: Counter[str] = field(default_factory=Counter)
    original_objects: Counter[str] = field(default_factory=Counter)
    variation_objects: Counter[str] = field(default_factory=Counter)
    engines: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    credits: float = 0.0
    money_notices: tuple[str, ...] = ()


def dataset_title(record: RunRecord) -> str:
    """The title of a dataset, from its inputs, so that it does not depend on the name of the output folder.

    Example:
        >>> from augmentai.recipe import Recipe
        >>> dataset_title(RunRecord(Recipe(), inputs=("../cats", "../dogs")))
        'cats, dogs, augmented'
    """
    names = [PurePosixPath(path).name for path in record.inputs[:_LISTED_INPUTS]]
    more = " and more" if len(record.inputs) > _LISTED_INPUTS else ""
    return f"{', '.join(names)}{more}, augmented" if names else "Augmented images"


def count_dataset(
    entries: Iterable[Mapping[str, Any]],
    sources: Sequence[Source],
    original_path: Callable[[Source], str | None] = lambda source: None,
) -> DatasetCounts:
    """Count a finished run. Reads the labels of every source that has any.

    Args:
        entries: the lines of its manifest, parsed, in any order.
        sources: all images that were read, validation and test images included.
        original_path: where a source is in the output, None if it is not part of it.

    Returns:
        The counts of images and objects before and after.
    """
    counts = DatasetCounts()
    for source in sources:
        _count_source(counts, source, original_path(source) is not None)
    for entry in entries:
        counts.credits += entry.get("credits", 0.0)
        if not is_made(entry):
            counts.failed += 1
            continue
        counts.variations[entry.get("split") or "", entry["label"] or _NO_CLASS] += 1
        counts.engines[entry["engine"], entry["model"]] += 1
        counts.variation_objects.update(entry.get("objects", {}))
    return counts


def _count_source(counts: DatasetCounts, source: Source, is_original: bool) -> None:
    key = (source.split or "", source.label or _NO_CLASS)
    counts.sources[key] += 1
    counts.originals[key] += is_original
    if source.labels is None:
        return
    try:
        objects = Counter(shape.category for shape in source.labels.load().shapes)
    except (LabelError, OSError):
        return  # reported when the source itself was read
    counts.source_objects += objects
    if is_original:
        counts.original_objects += objects


def render_card(
    record: RunRecord,
    counts: DatasetCounts,
    has_sheet: bool,
    lift: LiftFile | None = None,
    diversity: Diversity | None = None,
) -> bytes:
    """Render the card.

    Args:
        record: the run's recipe, sources, models and versions.
        counts: from `count_dataset`.
        has_sheet: whether there is a contact sheet to show.
        lift: what was measured on the set; None if nothing was.
        diversity: how much the variations differ; None if that is not known.

    Returns:
        Markdown in UTF-8, with the metadata of the Hugging Face Hub at its top.
    """
    name, images = dataset_title(record), counts.variations.total() + counts.originals.total()
    parts = [
        _front_matter(name, counts, images),
        f"# {_plain(name)}",
        _summary(record, counts),
        f"![Sources and their variations]({SHEET})" if has_sheet else "",
        "## Counts",
        _class_table(counts),
        _object_table(counts),
        f"{counts.failed:,} failed; the lines of `{MANIFEST}` with status `failed` say why." if counts.failed else "",
        "## How it was made",
        _table(
            ("engine", "model", "variations"),
            [
                (_plain(engine), _plain(model), f"{number:,}")
                for (engine, model), number in sorted(counts.engines.items())
            ],
        ),
        f"Credits spent on the hosted engine: {counts.credits:g}." if counts.credits else "",
        *(f"{words[:1].upper()}{words[1:]}." for words in counts.money_notices),
        _diversity_section(diversity),
        _recipe_table(record),
        "## Does it help?",
        _lift_section(lift),
        _provenance(record),
        _LICENCE,
    ]
    return ("\n\n".join(part for part in parts if part) + "\n").encode("utf-8", "backslashreplace")


def _summary(record: RunRecord, counts: DatasetCounts) -> str:
    made, sources, originals = counts.variations.total(), counts.sources.total(), counts.originals.total()
    version = record.versions.get("augmentai", "")
    also = f"also includes {counted(originals, 'original')}" if originals else "does not include the originals"
    words = f"{counted(made, 'synthetic variation')} of {counted(sources, 'image')}, made by AugmentAI {version}"
    return f"{words}. The dataset {also}."


def _front_matter(name: str, counts: DatasetCounts, images: int) -> str:
    import yaml

    task = "image-classification" if any(label != _NO_CLASS for _, label in counts.sources) else "image-to-image"
    if counts.source_objects:
        task = "object-detection"
    matter = {
        "pretty_name": name,
        "license": "unknown",
        "task_categories": [task],
        "size_categories": [next((words for limit, words in _SIZES if images < limit), "1M<n<10M")],
        "tags": ["augmentai", "synthetic", "data-augmentation"],
    }
    return "---\n" + yaml.safe_dump(matter, sort_keys=False, allow_unicode=True) + "---"


def _class_table(counts: DatasetCounts) -> str:
    keys = sorted(counts.sources | counts.variations)
    rows = [(_plain(key[0]) or "-", _plain(key[1]), *_figures(counts, [key])) for key in keys[:_LISTED_CLASSES]]
    if rest := keys[_LISTED_CLASSES:]:
        rows.append(("", f"{len(rest)} more", *_figures(counts, rest)))
    rows.append(("", "**all**", *_figures(counts, keys)))
    head = ("split", "class", "before", "variations", "after")
    if any(split for split, _ in keys):
        return _table(head, rows)
    return _table(head[1:], [row[1:] for row in rows])


def _figures(counts: DatasetCounts, keys: Sequence[ClassKey]) -> tuple[str, str, str]:
    """Images of some classes: before the run, made by it, and after it."""
    before, made, kept = (
        sum(counter[key] for key in keys) for counter in (counts.sources, counts.variations, counts.originals)
    )
    return f"{before:,}", f"{made:,}", f"{made + kept:,}"


def _object_table(counts: DatasetCounts) -> str:
    if not counts.source_objects:
        return ""
    rows = [
        (_plain(name), f"{before:,}", f"{counts.variation_objects[name] + counts.original_objects[name]:,}")
        for name, before in sorted(counts.source_objects.items())[:_LISTED_CLASSES]
    ]
    return _table(("labelled objects", "before", "after"), rows)


def _recipe_table(record: RunRecord) -> str:
    settings = {name: value for name, value in asdict(record.recipe).items() if value not in ("", ())}
    if record.recipe.operations:
        settings["operations"] = format_steps(record.recipe.operations)
    if record.recipe.geometry == AUTO and record.geometry:
        settings["geometry"] = f"{AUTO}: {record.geometry}"
    rows = [(f"`{name}`", f"`{_cell(str(value))}`") for name, value in settings.items()]
    replay = f"`augmentai replay` makes the same images from the same sources; `{RECIPE_FILE}` has all settings."
    return _table(("setting", "value"), rows) + "\n\n" + replay


def _diversity_section(diversity: Diversity | None) -> str:
    if diversity is None:
        return ""
    sentence = diversity.sentence()
    return f"{sentence[:1].upper()}{sentence[1:]}, by the features of a pretrained network."


def _lift_section(lift: LiftFile | None) -> str:
    """What was measured, or that nothing was."""
    if lift is None:
        return _NOT_MEASURED
    found = lift.content
    tested = f"{counted(found['pictures'], 'test image')} ({_SPLITS.get(found['split'], _plain(found['split']))})"
    trained = f"{counted(found['training'], 'training image')} of {counted(found['classes'], 'class', 'classes')}"
    how = _METHODS.get(found["method"], _plain(found["method"]))
    metric = "mean average precision of cells" if found["method"] == "cells" else "accuracy"
    lead = (
        f"Measured on `{_cell(found['set'])}`: {tested}, {trained}, {counted(found['repeats'], 'repeat')}, seed "
        f"{found['seed']}; {how} (`{_cell(found['backbone'])}`). Differences are percentage points of {metric}, of "
        "training with a recipe's variations against training with as many flipped and cropped views of the images; "
        f"in brackets the 95 % interval. `{LIFT_FILE}` has the whole measurement."
    )
    rows = [
        (_plain(one["recipe"]), one["verdict"], _points(one), _points(one.get("shifted")), f"{one['pictures']:,}")
        for one in found["recipes"]
    ]
    return lead + "\n\n" + _table(("recipe", "verdict", "difference", "on shifted images", "test images"), rows)


def _points(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "not measured"
    low, high = one["interval"]
    return f"{one['difference']:+.1f} ({low:+.1f} to {high:+.1f})"


def _provenance(record: RunRecord) -> str:
    models = "".join(f"\n- model of `{name}`: {_one_line(version)}" for name, version in record.models.items())
    packages = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    return f"""## Provenance

- {record.source_count:,} source images; SHA-256 of their sorted hashes: `{record.sources_sha256}`{models}
- {packages}
- `{MANIFEST}` has one line per variation: its source and that file's SHA-256, engine, model, seed and settings
- every variation says in the file itself whether AI made it: EXIF or PNG text, and IPTC `DigitalSourceType` in XMP"""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """Text of a code span in a table."""
    return _one_line(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Text that a viewer shows as it is: names of classes and files can look like links, images or emphasis."""
    escaped = _MARKDOWN.sub(r"\\\g<0>", re.sub(r"\s+", " ", text).strip())
    return escaped.replace("<", "&lt;")


def _one_line(text: str) -> str:
    """Text from the user on one line, so that it cannot end a table or open a tag."""
    return re.sub(r"\s+", " ", text).replace("<", "&lt;").replace("`", "'").strip()
