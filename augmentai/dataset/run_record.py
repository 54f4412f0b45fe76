"""`recipe.yaml`: the recipe, sources and models of a run; enough to resume it or to replay it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from augmentai.dataset.file_names import printable
from augmentai.dataset.recipe_file import parse_mapping, recipe_differences, recipe_from_mapping
from augmentai.dataset.sorted_sources import sort_key
from augmentai.recipe import Recipe, RecipeError
from augmentai.storage import Place, Store
from augmentai.system.versions import NAMES, versions
from augmentai.types import Source

_HEAD = """# A run of AugmentAI. The same command resumes it where it was interrupted;
# `augmentai replay` makes the same images again.
"""


class NotARunError(RecipeError):
    """A file called `recipe.yaml` is not the record of a run; the message begins with its name."""


@dataclass(frozen=True)
class RunRecord:
    """What a run was asked to do.

    Attributes:
        recipe: with the seed that was used, never 0.
        source_count: how many sources are augmented.
        sources_sha256: SHA-256 of their sorted hashes, one per line: all that the pixels depend on, except for
            geometry "auto".
        places_sha256: the same of the paths, classes and hashes of all images, validation and test images included: all
            that the file names, the filters and geometry "auto" depend on.
        labels_sha256: the same of all label files, "" if there are none and None if it is unknown.
        inputs: the files and folders that were read, relative to the run's own folder; only their names if the
            relative path would reveal a whole machine's folders. URLs as they are.
        retry_round: 1, and one more each time a finished run was run again to retry what filters had rejected.
        geometry: what the recipe's geometry resolved to for these sources, "" if it is unknown.
        models: the version of each model that could be used, by engine.
        versions: of Python and of the packages that the pixels depend on, and of those that other dataset formats and
            operations come from.
        follows: says what an engine, by name, makes of a recipe's prompts (`Engine.follows`); not stored.
    """

    recipe: Recipe
    source_count: int = 0
    sources_sha256: str = ""
    places_sha256: str = ""
    labels_sha256: str | None = None
    inputs: tuple[str, ...] = ()
    retry_round: int = 1
    geometry: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    follows: Callable[[str, Recipe], str] | None = field(default=None, repr=False, compare=False)

    def to_yaml(self) -> str:
        """The text of `recipe.yaml`; `read_record` reads it back."""
        import yaml

        content = {
            "recipe": asdict(self.recipe),
            "geometry": self.geometry,
            "rounds": self.retry_round,
            "sources": {
                "count": self.source_count,
                "sha256": self.sources_sha256,
                "places_sha256": self.places_sha256,
                "labels_sha256": self.labels_sha256,
                "inputs": list(self.inputs),
            },
            "models": dict(self.models),
            "versions": dict(self.versions),
        }
        return _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def build_record(
    recipe: Recipe,
    sources: Sequence[Source],
    models: Mapping[str, str],
    inputs: Iterable[Place] = (),
    out: Place = Path(),
    holdout: Sequence[Source] = (),
    labels_sha256: str = "",
    retry_round: int = 1,
    geometry: str = "",
    packages: Iterable[str] = (),
) -> RunRecord:
    """The record of a run that is about to start.

    Args:
        recipe: with its seed.
        sources: the images to augment, in any order.
        models: the version of each model that can be used, by engine.
        inputs: the files, folders and URLs as the user named them.
        out: the folder, ZIP or URL that the run writes to.
        holdout: the validation and test images, which are not augmented.
        labels_sha256: see `RunRecord`.
        retry_round: see `RunRecord`.
        geometry: see `RunRecord`.
        packages: other packages that dataset formats and operations come from, with their versions ("my-package 1.2").

    Returns:
        The record, with hashes of the sources and the versions of this installation.

    Example:
        >>> record = build_record(Recipe(seed=7), [Source.from_bytes("cats/a.jpg", b"pixels")], {"gan": "weights 1"})
        >>> record.source_count, record.sources_sha256[:8]
        (1, '1f4ef4c5')
        >>> read_record(record.to_yaml(), "recipe.yaml") == record
        True
    """
    digests = SetDigests.of(sources, holdout, labels_sha256)
    return record_of(recipe, digests, models, inputs, out, retry_round, geometry, packages)


@dataclass(frozen=True)
class SetDigests:
    """What a record says of a set: the attributes of `RunRecord` of these names."""

    source_count: int
    sources_sha256: str
    places_sha256: str
    labels_sha256: str = ""

    @classmethod
    def of(cls, sources: Sequence[Source], holdout: Sequence[Source], labels_sha256: str = "") -> SetDigests:
        """Those of a set.

        Args:
            sources: the images to augment, in any order.
            holdout: the others.
            labels_sha256: of its label files.
        """
        by_hash = digest_of_hashes(sorted(source.sha256 for source in sources))
        by_place = digest_of_places(sorted((*sources, *holdout), key=sort_key))
        return cls(len(sources), by_hash, by_place, labels_sha256)


def digest_of_hashes(hashes: Iterable[str]) -> str:
    """`RunRecord.sources_sha256`. hashes: of the images to augment, sorted."""
    digest = hashlib.sha256()
    for sha256 in hashes:
        digest.update(f"{sha256}\n".encode())
    return digest.hexdigest()


def digest_of_places(sources: Iterable[Source]) -> str:
    """`RunRecord.places_sha256`. sources: all images, sorted by path and hash."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.path}\0{source.label or ''}\0{source.sha256}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def record_of(
    recipe: Recipe,
    digests: SetDigests,
    models: Mapping[str, str],
    inputs: Iterable[Place],
    out: Place,
    retry_round: int,
    geometry: str,
    packages: Iterable[str],
) -> RunRecord:
    """The record of a run over a set that was hashed already.

    Args:
        recipe: with its seed.
        digests: of the set.
        models, inputs, out, retry_round, geometry, packages: see `build_record`.
    """
    return RunRecord(
        recipe,
        digests.source_count,
        digests.sources_sha256,
        digests.places_sha256,
        digests.labels_sha256,
        tuple(sorted(printable(_as_recorded(one, out)) for one in inputs)),
        retry_round,
        geometry,
        models,
        versions() | dict(package.rsplit(" ", 1) for package in packages),
    )


def read_record(text: str, where: str) -> RunRecord:
    """Parse the text of a run's `recipe.yaml`. Files of earlier versions are read too.

    Args:
        text: the content of the file.
        where: its name, for messages.

    Returns:
        The record.

    Raises:
        NotARunError: the text is not the record of a run.
        RecipeError: it is, but its recipe cannot be used here: a setting is unknown or out of range, or an engine,
            operation or dataset format is not installed. The message begins with `where` and names it.
    """
    try:
        content = parse_mapping(text, where)
    except RecipeError as error:
        raise NotARunError(str(error)) from error
    sources = content.get("sources")
    if not isinstance(content.get("recipe"), dict) or not isinstance(sources, dict):
        raise NotARunError(f"{where} is not the recipe of a run: it has no `recipe` or no `sources`")
    recipe = recipe_from_mapping(content["recipe"], where)
    try:
        return RunRecord(
            recipe,
            int(sources.get("count") or 0),
            str(sources.get("sha256") or ""),
            str(sources.get("places_sha256") or ""),
            sources.get("labels_sha256"),
            tuple(str(name) for name in sources.get("inputs") or ()),
            int(content.get("rounds") or 1),
            str(content.get("geometry") or ""),
            {str(name): str(version) for name, version in (content.get("models") or {}).items()},
            {str(name): str(version) for name, version in (content.get("versions") or {}).items()},
        )
    except (TypeError, ValueError, AttributeError) as error:
        raise NotARunError(f"{where} is not the recipe of a run ({error})") from error


def differences(before: RunRecord, now: RunRecord) -> list[str]:
    """What keeps a run from being resumed: settings, sources and models that differ. Package versions do not count.

    Args:
        before: the record in the output folder.
        now: the record of the run that is to write there.

    Returns:
        One phrase per difference, for the user; empty if the run can be resumed.

    Example:
        >>> differences(RunRecord(Recipe(seed=5)), RunRecord(Recipe(seed=6), source_count=3))
        ['seed was 5, now 6']
    """
    found = recipe_differences(before.recipe, _prompts_that_count(before, now))
    if before.recipe.geometry == now.recipe.geometry and before.geometry and before.geometry != now.geometry:
        found.append(f"geometry {now.recipe.geometry} resolved to {before.geometry}, now to {now.geometry}")
    if before.sources_sha256 != now.sources_sha256:
        same_count = before.source_count == now.source_count
        counts = f"{now.source_count}, some of them changed" if same_count else str(now.source_count)
        found.append(f"there were {before.source_count} sources, now {counts}")
    elif missing := _missing_packages(before, now):
        found.append(f"it used {missing}, which is not installed or not used now")
    elif before.places_sha256 != now.places_sha256:
        found.append("images were moved or renamed, or other images are held out for validation and test")
    elif before.labels_sha256 is not None and before.labels_sha256 != now.labels_sha256:
        found.append("label files changed, so old and new labels would be mixed")
    found += [
        f"the model of {name} was {version}, now {now.models[name]}"
        for name, version in before.models.items()
        if now.models.get(name, version) != version
    ]
    return found


def _prompts_that_count(before: RunRecord, now: RunRecord) -> Recipe:
    """The recipe of now, with the prompts of before if no engine makes anything else of them."""
    follows, old, new = now.follows, before.recipe, now.recipe
    if follows is None or any(follows(name, old) != follows(name, new) for name in {*before.models, *now.models}):
        return new
    return replace(new, prompt=old.prompt, negative_prompt=old.negative_prompt)


def _missing_packages(before: RunRecord, now: RunRecord) -> str:
    """The packages of dataset formats and operations that a run used before and does not use now."""
    return ", ".join(
        f"{name} {version}" for name, version in before.versions.items() if name not in {*NAMES, *now.versions}
    )


def _as_recorded(named: Place, out: Place) -> str:
    """An input: a URL as it is, a path relative to the run's folder. Seen from a store, a path has only its name."""
    if isinstance(named, Store):
        return named.url
    if isinstance(out, Store):
        return named.name
    return _relative_to(out.parent if out.suffix.lower() == ".zip" else out, named)


def _relative_to(home: Path, path: Path) -> str:
    """The path of an input relative to a run's folder, or its name if the path would reveal whose machine it is."""
    start, end = Path(os.path.abspath(home)), Path(os.path.abspath(path))
    try:
        common = Path(os.path.commonpath([start, end]))
    except ValueError:  # on two drives
        return end.name
    if Path.home().parent.is_relative_to(common):
        return end.name
    return Path(os.path.relpath(end, start)).as_posix()
