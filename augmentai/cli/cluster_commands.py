"""The commands of a run that is shared out among workers: their options, and nothing that has to be loaded for help."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from augmentai.cli.options import GroupedCommand, GroupedOption, recipe_options, typed_fields
from augmentai.cli.places import PlaceType
from augmentai.recipe.fields import FIELDS

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PLACE = PlaceType()
_WHERE = click.Choice(["local", "slurm", "ray", "hf-jobs"])
_KINDS = click.Choice(["folder", "zip", "tar", "parquet", "imagefolder"])
_STATUS = "Exit status: 0 all done, 1 something is left or failed, 2 nothing was done or the command was wrong."


def _call(name: str, **flags: Any) -> None:
    if reason := import_module("augmentai.system.extras").missing("cluster"):
        raise click.ClickException(f"runs cannot be shared out among workers: {reason}")
    click.get_current_context().exit(getattr(import_module("augmentai.cli.cluster"), name)(**flags))


def _plan(**flags: Any) -> None:
    names = {field.name for field in FIELDS}
    others = {name: value for name, value in flags.items() if name not in names}
    _call("plan", fields=typed_fields(click.get_current_context()), **others)


def _run_shards(**flags: Any) -> None:
    _call("run_shards", **flags)


def _status(**flags: Any) -> None:
    _call("status", **flags)


def _merge(**flags: Any) -> None:
    _call("merge", **flags)


def _url() -> click.Argument:
    return click.Argument(["url"], type=_PLACE, metavar="URL")


def _for_workers(flag: str, kind: Any, default: Any, metavar: str, words: str, common: int = 0) -> GroupedOption:
    """An option of `run-shards`."""
    return GroupedOption(flag, group="engines", common=common, type=kind, default=default, metavar=metavar, help=words)


def cluster_commands() -> list[click.Command]:
    """`plan`, `run-shards`, `status` and `merge`."""
    plan = GroupedCommand(
        "plan",
        "SET... -o URL [--shard-size N] [OPTIONS]",
        callback=_plan,
        context_settings=_SETTINGS,
        short_help="Plan a run that many workers share.",
        help="Read SET once, decide everything that depends on all of it, and write that to the folder URL: a path, or "
        "s3://, gs://, abfs://, hf://. run-shards makes the variations there, status tells how far it is, and merge "
        "turns them into the set that a single run would have written.",
        epilog=_STATUS,
        params=[
            click.Argument(["inputs"], nargs=-1, required=True, type=_PLACE, metavar="SET..."),
            GroupedOption(
                "-o",
                "--out",
                group="output",
                common=1,
                type=_PLACE,
                required=True,
                metavar="URL",
                help="The plan's folder: new or empty, or that of an interrupted plan, to resume it.",
            ),
            GroupedOption(
                "--shard-size",
                group="output",
                common=2,
                type=click.IntRange(1),
                default=1000,
                metavar="N",
                help="Images per shard; a shard is what one worker makes at a time. [default: 1000]",
            ),
            *recipe_options(),
            GroupedOption(
                "--recipe",
                "saved",
                group="what to make",
                common=6,
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Saved settings: a run's recipe.yaml or your own. Flags override them.",
            ),
        ],
    )
    run_shards = GroupedCommand(
        "run-shards",
        "URL [--on local|slurm|ray|hf-jobs] [--workers N]",
        callback=_run_shards,
        context_settings=_SETTINGS,
        short_help="Make the shards of a plan.",
        help="Make the shards of the plan in URL that are not complete, on this machine, Slurm, Ray or Hugging Face "
        "Jobs. The same command makes what a lost worker, a full store or a killed driver left; nothing is made or "
        "paid for twice.",
        epilog=_STATUS,
        params=[
            _url(),
            GroupedOption(
                "--on",
                "where",
                group="engines",
                common=1,
                type=_WHERE,
                default="local",
                metavar="NAME",
                help="Where the workers run: local (default), slurm, ray, hf-jobs.",
            ),
            _for_workers("--workers", click.IntRange(1), 1, "N", "Workers at a time. [default: 1]", 2),
            _for_workers("--tasks", click.IntRange(0), 0, "N", "Slices of the shards. [default: one per worker]", 3),
            _for_workers("--cpus", click.IntRange(1), 1, "N", "Cores per worker, on Ray and Slurm. [default: 1]", 4),
            _for_workers("--gpus", click.IntRange(0), 0, "N", "GPUs per worker, on Ray and Slurm. [default: 0]", 5),
            GroupedOption(
                "--memory-gb",
                group="engines",
                common=6,
                type=click.FloatRange(0.1),
                default=2.0,
                metavar="GB",
                help="Memory per worker, on Ray and Slurm. [default: 2]",
            ),
            _for_workers("--time", str, "", "LIMIT", "Of one worker: 24:00:00 on Slurm, 6h on HF Jobs.", 7),
            _for_workers("--partition", str, "", "NAME", "The partition of Slurm.", 8),
            _for_workers("--flavor", str, "cpu-basic", "NAME", "The hardware of HF Jobs. [default: cpu-basic]", 9),
            _for_workers("--image", str, "", "NAME", "The container of HF Jobs. [default: datatrove's]", 10),
            _for_workers("--install", str, "", "SPEC", "What HF Jobs install for AugmentAI, as pip takes it.", 11),
            GroupedOption(
                "--secret",
                group="engines",
                common=12,
                multiple=True,
                metavar="NAME",
                help="A variable of this environment that HF Jobs get as a secret. Repeat it for more.",
            ),
        ],
    )
    status = GroupedCommand(
        "status",
        "URL [--json]",
        callback=_status,
        context_settings=_SETTINGS,
        short_help="How far the shards of a plan are.",
        help="How many shards of the plan in URL are done, running, lost or failed, the rate and the time left, from "
        "the files in URL alone.",
        epilog="Exit status: 0 all done, 1 something is left or failed, 2 there is no plan.",
        params=[
            _url(),
            GroupedOption(
                "--json", "as_json", group="output", common=1, is_flag=True, help="Print one JSON object instead."
            ),
        ],
    )
    merge = GroupedCommand(
        "merge",
        "URL -o OUT [--kind KIND]",
        callback=_merge,
        context_settings=_SETTINGS,
        short_help="Turn the shards of a plan into one set.",
        help="Write the set that a single run would have written, from the complete shards of the plan in URL: a "
        "folder or a ZIP, with originals, labels, manifest and card; a series of tars or Parquet files; or a dataset "
        "on the Hugging Face Hub.",
        epilog=_STATUS,
        params=[
            _url(),
            GroupedOption(
                "-o",
                "--out",
                group="output",
                common=1,
                required=True,
                metavar="OUT",
                help="A new or empty folder or URL, a new .zip file, or hf://datasets/USER/NAME.",
            ),
            GroupedOption(
                "--kind",
                group="output",
                common=2,
                type=_KINDS,
                default=None,
                metavar="KIND",
                help="folder, zip, tar, parquet, or imagefolder on the Hub. [default: by OUT]",
            ),
        ],
    )
    return [plan, run_shards, status, merge]
