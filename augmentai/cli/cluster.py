"""`augmentai plan`, `run-shards`, `status` and `merge`: one run shared out among workers."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from augmentai.cli.console import ALL_DONE, NOTHING_DONE, SOME_FAILED, print_error, print_notes, progress_bar, quit_with
from augmentai.cli.places import shown
from augmentai.cli.run import recipe_of
from augmentai.cluster.errors import ClusterError
from augmentai.cluster.executors import Resources, Where
from augmentai.cluster.launch import run_plan
from augmentai.cluster.merging import merge_plan
from augmentai.cluster.parts import Merged
from augmentai.cluster.plan_folder import PlanFolder
from augmentai.cluster.planning import make_plan
from augmentai.cluster.progress import Status, status_of
from augmentai.dataset.writers.hub import HubError
from augmentai.recipe import RecipeError
from augmentai.settings import SettingsError, load_settings
from augmentai.storage import Place, open_store

# OSError and sqlite3.Error: a disk that is full, that of the temporary folder (TMPDIR) too.
_FAULTS = (ClusterError, RecipeError, SettingsError, HubError, OSError, sqlite3.Error)


def plan(inputs: Sequence[Place], out: Place, fields: Mapping[str, Any], saved: Path | None, shard_size: int) -> int:
    """Plan a run. Returns the exit status.

    Args:
        inputs: images, folders, archives.
        out: the plan's folder.
        fields: {field of the recipe: what was typed}.
        saved: a file of settings that `fields` override.
        shard_size: images per shard.
    """
    url = shown(out)
    try:
        planned = make_plan(inputs, url, recipe_of(fields, saved), load_settings(), shard_size)
        listed = planned.folder.list
    except _FAULTS as error:
        quit_with(_words_of(error))
    print_notes(planned.notices)
    estimate = planned.plan.estimate
    cost = f", at most {estimate.credits:g} credits" if estimate is not None else ""
    words = "planned already" if planned.resumed else "planned"
    sources = sum(shard.sources for shard in listed.shards)
    print(f"{words}: {sources:,} images, {listed.total:,} variations, {len(listed.shards):,} shards{cost}; see {url}")
    for failure in planned.failures:
        print(f"- {failure.file}: {failure.reason}")
    print(f"next: augmentai run-shards {url}")
    return SOME_FAILED if planned.failures else ALL_DONE


def run_shards(url: Place, where: Where, **resources: Any) -> int:
    """Make the shards that are not complete. Returns the exit status.

    Args:
        url: the plan's folder.
        where: where the workers run.
        **resources: the fields of `Resources`.
    """
    try:
        launched = run_plan(shown(url), where, Resources(**resources))
    except _FAULTS as error:
        quit_with(_words_of(error))
    if launched.waits:
        print(f"submitted; see: augmentai status {shown(url)}")
        return ALL_DONE
    return _print_status(launched.status, url, is_over=True)


def status(url: Place, as_json: bool) -> int:
    """Print how far a plan is. Returns the exit status.

    Args:
        url: the plan's folder.
        as_json: as one JSON object.
    """
    try:
        found = status_of(PlanFolder(open_store(shown(url))))
    except _FAULTS as error:
        quit_with(_words_of(error))
    if not as_json:
        return _print_status(found, url, is_over=not found.running)
    print(json.dumps(found.as_dict()))
    return ALL_DONE if found.is_complete else SOME_FAILED


def merge(url: Place, out: str, kind: str | None) -> int:
    """Turn the shards into one set. Returns the exit status.

    Args:
        url: the plan's folder.
        out: a folder, a ZIP, or a URL.
        kind: what to write; None for what `out` looks like.
    """
    last = Merged(0, 0, 0)
    try:
        with progress_bar() as bar:
            task = bar.add_task("merging", total=None)
            for last in merge_plan(shown(url), out, kind or "", load_settings()):
                bar.update(task, completed=last.done, total=last.total)
    except _FAULTS as error:
        quit_with(_words_of(error))
    failed = f", {last.failed:,} not made (see manifest)" if last.failed else ""
    print(f"merged: {last.done:,} variations{failed}; see {out}")
    if not last.done:
        return NOTHING_DONE
    return SOME_FAILED if last.failed else ALL_DONE


def _print_status(found: Status, url: Place, is_over: bool) -> int:
    """is_over: no worker is at work that would make what is left."""
    print(found.words)
    for shard, reason in sorted(found.failed.items()):
        print_error(f"shard {shard}: {reason}")
    if is_over and not found.is_complete:
        print(f"next: augmentai run-shards {shown(url)} (makes what is left: {found.shards - found.done:,} shards)")
    if not found.done:
        return NOTHING_DONE if found.failed else SOME_FAILED
    return ALL_DONE if found.is_complete and not found.incomplete else SOME_FAILED


def _words_of(error: Exception) -> str:
    """What went wrong; SQLite itself doesn't say which disk is full."""
    if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_FULL:
        return str(error)
    full = f"{tempfile.gettempdir()}: {os.strerror(errno.ENOSPC)}"
    return f"{full}; make room there, or name another folder for temporary files with TMPDIR"
