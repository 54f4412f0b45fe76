"""The command `augmentai` and its commands. What a command does is loaded when it runs, so that help is quick."""

from __future__ import annotations

import signal
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from augmentai.cli.cluster_commands import cluster_commands
from augmentai.cli.options import GroupedCommand, GroupedOption, recipe_options, typed_fields
from augmentai.cli.places import PlaceType
from augmentai.recipe.fields import FIELDS
from augmentai.system.ending import end_at_once_on, end_quickly
from augmentai.version import __version__

_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_PATH = click.Path(path_type=Path)
_PLACE = PlaceType()

_EXAMPLES = """\b
Examples:
  augmentai photos/ -o augmented -n 4
  augmentai dataset.zip -o larger.zip --balance --geometry light
  augmentai coco/ -o larger --to yolo --seed 7
  augmentai inspect coco/
  augmentai replay augmented
"""
_STATUS = "Exit status: 0 all done, 1 some files failed, 2 nothing was done or the command was wrong."


class Commands(click.Group):
    """The commands; `run` is the default if the first word is not a command."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        own = {*self.commands, *(flag for option in self.get_params(context) for flag in option.opts)}
        if args and args[0] not in own:
            args = ["run", *args]
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(context.command_path, "INPUT... -o OUT [OPTIONS]")
        formatter.write_usage(context.command_path, "COMMAND [OPTIONS]", prefix="       ")


def _show_version(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"augmentai {__version__}")
        context.exit()


def _version_flag(**options: Any) -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version and exit.",
        **options,
    )


def _run(**flags: Any) -> None:
    context = click.get_current_context()
    fields = typed_fields(context)
    others = {name: value for name, value in flags.items() if name not in _FIELD_NAMES}
    context.exit(import_module("augmentai.cli.run").augment(fields=fields, **others))


def _replay(**flags: Any) -> None:
    click.get_current_context().exit(import_module("augmentai.cli.replay").replay(**flags))


def _inspect(**flags: Any) -> None:
    context = click.get_current_context()
    others = {name: value for name, value in flags.items() if name not in _FIELD_NAMES}
    context.exit(import_module("augmentai.cli.inspect").inspect(fields=typed_fields(context), **others))


def _lift(**flags: Any) -> None:
    context = click.get_current_context()
    others = {name: value for name, value in flags.items() if name not in _FIELD_NAMES}
    context.exit(import_module("augmentai.cli.lift").lift(fields=typed_fields(context), **others))


def _open_page(arguments: tuple[str, ...]) -> None:
    import_module("augmentai.web.launch").main(arguments, "augmentai web")


def _serve_mcp(folders: tuple[Path, ...]) -> None:
    if reason := import_module("augmentai.system.extras").missing("mcp"):
        raise click.ClickException(f"AugmentAI cannot serve MCP: {reason}")
    import_module("augmentai.mcp.server").serve(folders)


def _print_version() -> None:
    click.echo(f"augmentai {__version__}")


_FIELD_OPTIONS = recipe_options()
# The fields on which it depends what a run would do.
_PLANNING = (
    *("variations", "strength", "engine", "geometry", "mirror"),
    *("layout", "to", "per_class", "balance", "most_per_source", "make_split"),
)
# The fields that decide what a variation looks like; how many a class gets and what is written is not measured.
_NOT_MEASURED = (
    *("output_format", "to", "originals", "splits", "per_class", "balance", "most_per_source", "make_split"),
    *("least_visible", "drift"),
)
_MEASURED = {field.name for field in FIELDS} - {*_NOT_MEASURED}
_FIELD_NAMES = {option.name for option in _FIELD_OPTIONS}

run = GroupedCommand(
    "run",
    "INPUT... -o OUT [OPTIONS]",
    callback=_run,
    context_settings=_SETTINGS,
    short_help='Make variations; the word "run" may be omitted.',
    help="Make synthetic variations of the images in INPUT: images, folders (class folders and labelled datasets are "
    "recognized) and ZIPs. The output has the same folders and a manifest.\n\n"
    "The same command with the same OUT resumes a run that was stopped or killed, and retries what failed.",
    epilog=f"{_EXAMPLES}\n{_STATUS}",
    params=[
        click.Argument(["inputs"], nargs=-1, required=True, type=_PLACE, metavar="INPUT..."),
        GroupedOption(
            "-o",
            "--out",
            group="output",
            common=1,
            type=_PLACE,
            metavar="OUT",
            help="A new or empty folder, or a new .zip file; or the folder of an interrupted run, to resume it.",
        ),
        *_FIELD_OPTIONS,
        GroupedOption(
            "--recipe",
            "saved",
            group="what to make",
            common=6,
            type=_PATH,
            metavar="FILE",
            help="Saved settings: a run's recipe.yaml or your own. Flags override them.",
        ),
        GroupedOption(
            "--dry-run",
            group="output",
            common=4,
            is_flag=True,
            help="Print the plan and the maximum cost, and exit.",
        ),
        GroupedOption(
            "--masks",
            group="output",
            type=_PATH,
            metavar="FILE.svg",
            help="With --dry-run and -O background: a contact sheet of what would be cut out of 12 images.",
        ),
        GroupedOption(
            "--lift",
            group="output",
            type=_PATH,
            metavar="FILE",
            help="What augmentai lift --json has measured on this set, for the dataset card and the report.",
        ),
        GroupedOption(
            "--push-to-hub",
            group="output",
            default="",
            metavar="USER/NAME",
            help="Push the finished folder to the Hugging Face Hub; needs HF_TOKEN.",
        ),
        GroupedOption("--private", group="output", is_flag=True, help="Create a private repository on the Hub."),
        _version_flag(hidden=True),
    ],
)

replay = GroupedCommand(
    "replay",
    "RUN [INPUT...] [OPTIONS]",
    callback=_replay,
    context_settings=_SETTINGS,
    short_help="Repeat an earlier run and compare the images.",
    help="Repeat an earlier run from its recipe.yaml and the same source images, and compare the results. RUN is the "
    "folder or ZIP of that run, INPUT what it was made from, if that has been moved.\n\n"
    "The same images, settings, models and versions give the same pixels, unless an engine says that it may differ.",
    epilog="Exit status: 0 all the same, 1 some differ or failed, 2 the run could not be repeated.",
    params=[
        click.Argument(["earlier"], type=_PLACE, metavar="RUN"),
        click.Argument(["inputs"], nargs=-1, type=_PLACE, metavar="[INPUT]..."),
        GroupedOption(
            "-o",
            "--out",
            group="output",
            common=1,
            type=_PATH,
            metavar="OUT",
            help="A new or empty folder. [default: RUN-replay]",
        ),
    ],
)

inspect = GroupedCommand(
    "inspect",
    "INPUT... [--json] [OPTIONS]",
    callback=_inspect,
    context_settings=_SETTINGS,
    short_help="Inspect a dataset, and what a run would make of it.",
    help="Report what INPUT contains before anything is made: layout, splits, classes, sizes, labels that are missing, "
    "broken or not understood, boxes outside their images, duplicates, and what a run with the same options would do.",
    epilog="Exit status: 0 all is well, 1 labels would be lost or are wrong, 2 no image can be read.",
    params=[
        click.Argument(["inputs"], nargs=-1, required=True, type=_PLACE, metavar="INPUT..."),
        GroupedOption(
            "--json", "as_json", group="output", common=1, is_flag=True, help="Print one JSON object instead of tables."
        ),
        GroupedOption(
            "--similarity",
            group="output",
            common=2,
            is_flag=True,
            help="Also compare images by a pretrained network, about 10 ms each: unlikely labels, outliers, twins.",
        ),
        *recipe_options(field for field in FIELDS if field.name in _PLANNING),
        GroupedOption(
            "--recipe",
            "saved",
            group="what to make",
            common=6,
            type=_PATH,
            metavar="FILE",
            help="Saved settings: a run's recipe.yaml or your own. Flags override them.",
        ),
    ],
)

lift = GroupedCommand(
    "lift",
    "SET... [--recipe FILE]... [OPTIONS]",
    callback=_lift,
    context_settings=_SETTINGS,
    short_help="Measure whether variations help on your data.",
    help="Measure what recipes are worth on SET, whose images have classes, boxes or masks: a model is trained with "
    "the variations of each recipe and without, and tested on images that neither has seen. The answer is one of "
    "three: it helps, it hurts, or these images cannot tell. Nothing is written but the plot.\n\n"
    "Without --recipe, the options below describe one recipe, by default "
    "-n 8 --seed 1 with the best engine that is free.",
    epilog="Exit status: 0 all is measured, 1 some variations could not be made, 2 nothing was measured.",
    params=[
        click.Argument(["inputs"], nargs=-1, required=True, type=_PLACE, metavar="SET..."),
        GroupedOption(
            "--recipe",
            "saved",
            group="what to make",
            common=6,
            multiple=True,
            type=_PATH,
            metavar="FILE",
            help="A recipe to measure: a run's recipe.yaml or your own; may be repeated. Other options override them.",
        ),
        GroupedOption(
            "--test",
            group="dataset",
            common=1,
            type=_PATH,
            metavar="FOLDER",
            help="Images to test on, in the same class folders. [default: the set's test or validation images, else "
            "each image in turn by five folds]",
        ),
        GroupedOption(
            "--deep",
            group="what to make",
            common=3,
            is_flag=True,
            help="Train all layers instead of a quick look: minutes on a GPU, an hour or more without.",
        ),
        GroupedOption(
            "--json",
            "as_json",
            group="output",
            common=1,
            is_flag=True,
            help="Print one JSON object, no table.",
        ),
        GroupedOption(
            "--plot", group="output", common=2, type=_PATH, metavar="FILE.svg", help="Write a plot of the intervals."
        ),
        GroupedOption(
            "--paid",
            group="engines",
            common=2,
            is_flag=True,
            help="Let recipes spend credits; the maximum is printed first.",
        ),
        *recipe_options(field for field in FIELDS if field.name in _MEASURED),
    ],
)

web = click.Command(
    "web",
    callback=_open_page,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="Open the page in a browser.",
    params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
)

mcp = click.Command(
    "mcp",
    callback=_serve_mcp,
    context_settings=_SETTINGS,
    short_help="Serve AI assistants (Model Context Protocol).",
    help="Serve an AI assistant by the Model Context Protocol over standard input and output: tools that inspect, "
    "preview and augment. The assistant's program starts this command itself.\n\n"
    "The tools read and write files in FOLDER alone (default: the current folder), and spend nothing unless a call "
    "allows it.",
    params=[click.Argument(["folders"], nargs=-1, type=_PATH, metavar="[FOLDER]...")],
)

version = click.Command("version", callback=_print_version, short_help="Show the version.", help="Show the version.")

app = Commands(
    "augmentai",
    commands={
        command.name: command
        for command in (run, inspect, lift, replay, *cluster_commands(), web, mcp, version)
        if command.name
    },
    context_settings=_SETTINGS,
    params=[_version_flag()],
    help="Make a labelled image dataset larger: synthetic variations of your images, labels stay valid.\n\n"
    f"{_EXAMPLES}",
    epilog="Options of a command: augmentai run --help for the common ones, --help-all for every one.\n\n" + _STATUS,
)


def main() -> None:
    """Run the command line. Ends the process with its exit status."""
    end_at_once_on(signal.SIGTERM)  # until a run has begun, which keeps what is finished
    end_quickly()
    app(prog_name="augmentai")
