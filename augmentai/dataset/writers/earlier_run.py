"""The run that an output folder holds already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from augmentai.dataset.atomic_files import OutputError, reason_of
from augmentai.dataset.manifest import RECIPE_FILE
from augmentai.dataset.recipe_file import recipe_differences
from augmentai.dataset.run_record import NotARunError, RunRecord, read_record
from augmentai.recipe import Recipe, RecipeError
from augmentai.system.regular_files import read_regular

HOLDS_FILES = "already holds files and nothing is overwritten; choose a new or empty folder"


def read_run(folder: Path) -> RunRecord | None:
    """What the run in a folder was asked to do.

    Args:
        folder: an output folder, which need not exist.

    Returns:
        Its record, None if it contains no `recipe.yaml`.

    Raises:
        OutputError: the file is not the record of a run, so the folder is somebody else's; or it is, but names a
            setting, engine, operation or dataset format that cannot be used here.
    """
    path = folder / RECIPE_FILE
    try:
        return read_record(read_regular(path).decode("utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({reason_of(error)})") from error
    except (NotARunError, UnicodeDecodeError) as error:
        raise OutputError(f"{folder} {HOLDS_FILES} ({error})") from error
    except RecipeError as error:
        raise OutputError(f"the run in {folder} cannot be resumed: {error}") from error


def differences_asked(
    before: RunRecord, recipe: Recipe, same_prompts: Callable[[RunRecord, Recipe], bool]
) -> list[str]:
    """What of a recipe differs from that of an earlier run.

    Args:
        before: the earlier run.
        recipe: what is asked for now.
        same_prompts: whether no engine makes anything else of its prompts than of those of the run before.
    """
    if same_prompts(before, recipe):
        recipe = replace(recipe, prompt=before.recipe.prompt, negative_prompt=before.recipe.negative_prompt)
    return recipe_differences(before.recipe, recipe)
