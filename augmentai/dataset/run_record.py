"""`recipe.yaml`: what a run was asked for, of which sources, by which models; enough to go on with it or repeat it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from augmentai.recipe import AUTO, Recipe, RecipeError
from augmentai.system.versions import versions
from augmentai.types import Source

_LONGEST_RECIPE_BYTES = 1 << 20
_HEAD = """# A run of AugmentAI. The same command goes on with it where it was stopped;
# `python -m augmentai replay` makes the same pictures again.
"""


@dataclass(frozen=True)
class RunRecord:
    """What a run was asked for.

    recipe: with the seed that was used, never 0. rounds: 1, and one more for each time that what filters had left out
    of the finished set was tried again. geometry: what the recipe's came to for these sources, "" where it is not
    known. sources: their number. sources_sha256: SHA-256 of their sorted hashes, one a line: what the pixels hang on,
    but for geometry "auto". places_sha256: the same of the paths, classes and hashes of all pictures of the set, also
    those held out: what the names, the filters and that geometry hang on. labels_sha256: of all label files, "" where
    there are none and None where it is not known. inputs: where they lay, seen from the run's own folder; names alone
    where that would tell of a whole machine. models: the version of each model that could be used. versions: of Python
    and the packages that make pixels.
    """

    recipe: Recipe
    sources: int = 0
    sources_sha256: str = ""
    places_sha256: str = ""
    labels_sha256: str | None = None
    inputs: tuple[str, ...] = ()
    rounds: int = 1
    geometry: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_yaml(self) -> str:
        import yaml

        content = {
            "recipe": asdict(self.recipe),
            "geometry": self.geometry,
            "rounds": self.rounds,
            "sources": {
                "count": self.sources,
                "sha256": self.sources_sha256,
                "places_sha256": self.places_sha256,
                "labels_sha256": self.labels_sha256,
                "inputs": list(self.inputs),
            },
            "models": dict(self.models),
            "versions": dict(self.versions),
        }
        return _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def record_of(
    recipe: Recipe,
    sources: Sequence[Source],
    models: Mapping[str, str],
    inputs: Iterable[Path] = (),
    out: Path = Path(),
    holdout: Sequence[Source] = (),
    labels_sha256: str = "",
    rounds: int = 1,
    geometry: str = "",
) -> RunRecord:
    """The record of a run about to begin.

    inputs: as they were given. out: the folder or ZIP that it goes to. holdout: the set's pictures that are not varied.
    labels_sha256, rounds and geometry: see `RunRecord`.
    """
    by_hash = hashlib.sha256("".join(f"{sha256}\n" for sha256 in sorted(s.sha256 for s in sources)).encode())
    by_place = hashlib.sha256()
    for source in sorted((*sources, *holdout), key=lambda s: (s.path, s.sha256)):
        by_place.update(f"{source.path}\0{source.label or ''}\0{source.sha256}\n".encode("utf-8", "backslashreplace"))
    home = out.parent if out.suffix.lower() == ".zip" else out
    return RunRecord(
        recipe,
        len(sources),
        by_hash.hexdigest(),
        by_place.hexdigest(),
        labels_sha256,
        tuple(sorted(_seen_from(home, path) for path in inputs)),
        rounds,
        geometry,
        models,
        versions(),
    )


def read_record(text: str, where: str) -> RunRecord:
    """The record in the text of a `recipe.yaml`. Raises RecipeError, which begins with `where`."""
    content = _mapping(text, where)
    sources = content.get("sources")
    if not isinstance(content.get("recipe"), dict) or not isinstance(sources, dict):
        raise RecipeError(f"{where} is not the recipe of a run: it has no `recipe` or no `sources`")
    return RunRecord(
        recipe_from(content["recipe"], where),
        int(sources.get("count") or 0),
        str(sources.get("sha256") or ""),
        str(sources.get("places_sha256") or ""),
        sources.get("labels_sha256"),
        tuple(str(given) for given in sources.get("inputs") or ()),
        int(content.get("rounds") or 1),
        str(content.get("geometry") or ""),
        {str(name): str(version) for name, version in (content.get("models") or {}).items()},
        {str(name): str(version) for name, version in (content.get("versions") or {}).items()},
    )


def load_recipe(path: Path) -> Recipe:
    """Saved settings: the `recipe.yaml` of a run, or a YAML file of nothing but settings. Raises RecipeError."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_RECIPE_BYTES + 1)
        if len(data) > _LONGEST_RECIPE_BYTES:
            raise RecipeError(f"{path} is too large for a recipe")
        text = data.decode("utf-8")
    except OSError as error:
        raise RecipeError(f"{path} cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not a text file; expected a recipe in YAML") from error
    content = _mapping(text, str(path))
    inner = content.get("recipe", content)
    if not isinstance(inner, dict):
        raise RecipeError(f"{path}: `recipe` holds {type(inner).__name__}; expected settings, one a line")
    return recipe_from(inner, str(path))


def recipe_from(content: Mapping[str, Any], where: str) -> Recipe:
    """A recipe out of its fields; what is missing is as usual. Raises RecipeError, which begins with `where`."""
    known = [one.name for one in fields(Recipe)]
    unknown = [str(name) for name in content if name not in known]
    if unknown:
        raise RecipeError(f"{where}: {', '.join(unknown)} is no setting of a recipe; there are {', '.join(known)}")
    try:
        return Recipe(**content)
    except (RecipeError, TypeError) as error:
        raise RecipeError(f"{where}: {error}") from error


def differences(before: RunRecord, now: RunRecord) -> list[str]:
    """In words, what is asked for now that was not then: settings, sources, models. Versions are not looked at."""
    found = recipe_differences(before.recipe, now.recipe)
    if before.recipe.geometry == now.recipe.geometry and before.geometry and before.geometry != now.geometry:
        found.append(f"geometry {now.recipe.geometry} came to {before.geometry}, now to {now.geometry}")
    if before.sources_sha256 != now.sources_sha256:
        same = before.sources == now.sources
        counts = f"{now.sources}, some of them changed" if same else str(now.sources)
        found.append(f"the sources were {before.sources}, now {counts}")
    elif before.places_sha256 != now.places_sha256:
        found.append("the pictures lie in other folders or have other names, or those held out are others")
    elif before.labels_sha256 is not None and before.labels_sha256 != now.labels_sha256:
        found.append("the label files were changed since, and two kinds of labels would be mixed")
    found += [
        f"the model of {name} was {version}, now {now.models[name]}"
        for name, version in before.models.items()
        if now.models.get(name, version) != version
    ]
    return found


def recipe_differences(before: Recipe, now: Recipe) -> list[str]:
    """Settings that differ, in words. A seed of 0 asks for none, so it differs from none.

    Nor does geometry "auto" differ from "none", which was what nobody asked for before there was "auto".
    """
    old, new = asdict(before), asdict(now)
    if not now.seed:
        new["seed"] = old["seed"]
    if now.geometry == AUTO and before.geometry == "none":
        new["geometry"] = old["geometry"]
    return [f"{name} was {_shown(old[name])}, now {_shown(new[name])}" for name in new if old[name] != new[name]]


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _mapping(text: str, where: str) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{where} is not YAML that can be read ({str(error).splitlines()[0]})") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{where} holds no settings; expected lines such as `strength: 0.4`")
    return content


def _seen_from(home: Path, path: Path) -> str:
    """The way from a run's folder to an input, or the input's name where the way would show whose machine it is."""
    start, end = Path(os.path.abspath(home)), Path(os.path.abspath(path))
    try:
        common = Path(os.path.commonpath([start, end]))
    except ValueError:  # on two drives
        return end.name
    if Path.home().parent.is_relative_to(common):
        return end.name
    return Path(os.path.relpath(end, start)).as_posix()
