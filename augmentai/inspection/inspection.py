"""A whole set inspected: everything that is known of it, and what a run would make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from augmentai.backbone import cached, load_backbone
from augmentai.dataset.formats.detect import format_named
from augmentai.dataset.formats.masks.companions import own_labels
from augmentai.dataset.readers.gather import Gathered
from augmentai.dataset.sorted_sources import sort_key
from augmentai.engines.base import Engine
from augmentai.inspection.examine import examine, located
from augmentai.inspection.findings import Example, Finding, Findings, Kind
from augmentai.inspection.similarity import find_by_features
from augmentai.inspection.survey import Survey
from augmentai.pipeline.label_check import LabelNotes
from augmentai.pipeline.plan import RunPlan, plan_run
from augmentai.pipeline.split import make_split
from augmentai.recipe import Recipe, RecipeError
from augmentai.registry import RegistryError
from augmentai.settings import Settings
from augmentai.system.threads import in_order
from augmentai.types import SourceKey

FINE, PROBLEMS_FOUND, UNREADABLE = 0, 1, 2  # status

# What formats say of labels, or of images with labels, that are not carried.
_LEFT_OUT = re.compile(r"\bleft out\b|\b(is|are) broken\b")

OnExamined = Callable[[int, int], None]  # images so far, all images


@dataclass(frozen=True)
class Inspection:
    """What is known of a set. `as_dict()` is ready for JSON, and `docs/inspect.md` describes each of its keys.

    Attributes:
        layout: {name, title, why, requested}: how the set is laid out, and what it was recognised by.
        images: {count, augmented, held_out, examined, sizes, modes, formats}.
        splits: {split, images, augmented} for each.
        classes: {name, images, objects, augmented_images, splits} for each.
        findings: what was found, problems first.
        plan: {variations, engine, geometry, cost, reason}: what a run of the recipe would do.
        notices: what a run would say before it begins.
    """

    layout: dict[str, Any]
    images: dict[str, Any]
    splits: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    findings: tuple[Finding, ...]
    plan: dict[str, Any]
    notices: tuple[str, ...] = field(default=())

    @property
    def status(self) -> int:
        """0 if all is well, 1 if labels would be lost or are wrong, 2 if no image can be read."""
        if self.images["sizes"] is None:
            return UNREADABLE
        return PROBLEMS_FOUND if any(found.is_problem for found in self.findings) else FINE

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        from augmentai.version import __version__

        return {
            "status": self.status,
            "layout": self.layout,
            "images": self.images,
            "splits": self.splits,
            "classes": self.classes,
            "findings": [found.as_dict() for found in self.findings],
            "plan": self.plan,
            "notices": list(self.notices),
            "version": __version__,
        }


def inspect_set(
    gathered: Gathered,
    recipe: Recipe,
    settings: Settings,
    engines: Sequence[Engine] = (),
    on_examined: OnExamined = lambda done, total: None,
    similarity: bool = False,
) -> Inspection:
    """Inspect a set that was gathered. Every image is read once, at reduced size, and every label once.

    Args:
        gathered: the set.
        recipe: what a run would be asked for.
        settings: limits.
        engines: in order of preference, to say which would run.
        on_examined: called after each image with how many are done and how many there are.
        similarity: compare the images by a pretrained network as well, about 10 ms per image: labels that do not fit,
            outliers, and twins across splits.

    Returns:
        What was found. Nothing is raised for bad files.
    """
    recipe = recipe.with_seed()
    fault = ""
    try:
        gathered = make_split(gathered, recipe, settings.max_pixels)
    except RecipeError as error:
        fault = str(error)
    sources = sorted((*gathered.sources, *gathered.holdout), key=sort_key)
    has_splits = any(source.split for source in sources)
    skips_leaks = recipe.filters and bool(recipe.thresholds.held_out)
    survey = Survey(sources, frozenset({"train" if has_splits else None}), gathered.layout, skips_leaks)
    _add_unread(gathered, survey.findings)
    notes = LabelNotes(gathered.layout, gathered.sources)
    augmented = {source.key for source in gathered.sources}
    examined = in_order(partial(examine, max_pixels=settings.max_pixels), sources, "inspect")
    for number, one in enumerate(examined):
        survey.add(number, one)
        if one.is_usable and sources[number].key in augmented:
            notes.add(sources[number], own_labels(sources[number], one.labels), one.size_wh)
        on_examined(number + 1, len(sources))
    survey.compare()
    if similarity:
        backbone = cached(load_backbone(), settings)
        find_by_features(sources, backbone, settings.max_pixels, survey.findings, on_examined)
    unusable = [sources[position].key for position in survey.unusable]
    plan, notices = _plan(gathered, recipe, engines, fault, unusable)
    said = (*gathered.notices, *notes.notices(), *notices, *notes.lost)
    return Inspection(
        _layout(gathered, recipe.layout),
        survey.images(),
        survey.splits(),
        survey.classes(gathered.layout.class_names()),
        survey.findings.all(),
        plan,
        tuple(dict.fromkeys(said)),
    )


def _add_unread(gathered: Gathered, findings: Findings) -> None:
    """What the reader could not use: label files, and files that failed."""
    for kind in gathered.unread_labels.kinds:
        where: Kind = "labels_without_image" if kind.without_image else "unread_labels"
        if kind.second:
            where = "agreeing_labels" if kind.agrees else "second_labels"
        for number, file in enumerate(kind.files):
            count = 1 if number else kind.count - len(kind.files) + 1  # of many files only the first are named
            findings.add(where, Example(file, f"{kind.looks_like}: {kind.why}"), count)
    for notice in gathered.layout.notices:
        if _LEFT_OUT.search(notice):
            file = max((path for path in gathered.layout.label_paths if notice.startswith(path)), key=len, default="")
            findings.add("labels_left_out", Example(file or "the set", notice.removeprefix(file).lstrip(": ")))
    for failure in gathered.failures:
        example = located(f"{failure.file}: {failure.reason}", failure.file)
        is_label = failure.file in gathered.layout.label_paths or not gathered.layout.name
        findings.add("broken_labels" if is_label else "unreadable_images", example)


def _layout(gathered: Gathered, requested: str) -> dict[str, Any]:
    name = gathered.layout.name
    try:
        found = format_named(name)
        title, why = ("Class folders", found.hint) if name == "folders" else (found.title, found.hint)
    except RegistryError:
        title, why = "", ""
    return {"name": name, "title": title, "why": why, "requested": requested}


def _plan(
    gathered: Gathered, recipe: Recipe, engines: Sequence[Engine], fault: str, unusable: Collection[SourceKey]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a run would do, and what it would say of that first. Loads no engine.

    Args:
        gathered, recipe, engines: see `inspect_set`.
        fault: why it would do nothing, if so.
        unusable: images that it would skip.
    """
    readiness = {engine: engine.readiness() for engine in engines if engine.serves(recipe.engine)}
    engine = next((engine for engine, state in readiness.items() if state.ready), None)
    reason = "" if engine else "; ".join(f"{engine.name}: {state.reason}" for engine, state in readiness.items())
    try:
        plan: RunPlan | None = plan_run(gathered, recipe, engines) if not fault else None
    except RecipeError as error:
        plan, reason = None, str(error)
    reason = fault or reason
    content = {
        "variations": plan.total - sum(map(plan.quotas.of, unusable)) if plan else 0,
        "engine": engine.name if engine else None,
        "geometry": str(plan.geometry) if plan else None,
        "cost": str(plan.estimate) if plan and plan.estimate else "",
        "reason": reason,
    }
    return content, plan.own_notices if plan else ()
