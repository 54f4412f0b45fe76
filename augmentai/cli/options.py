"""Options of the command line: those of the recipe come from its table of fields, and help is printed in its groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from augmentai.recipe.fields import FIELDS, RecipeField
from augmentai.recipe.kinds import RecipeError, Switch, WholeNumber
from augmentai.recipe.setting import GROUPS, Group

_FLAGS_WIDTH = 32  # of the first column, in characters
_LAST = 1000  # the place of options that are not common


class GroupedOption(click.Option):
    """An option that is listed under a heading.

    Attributes:
        group: the heading.
        common: its place in the group in the short help; 0 if that does not list it.
    """

    def __init__(self, *flags: str, group: Group, common: int = 0, **options: Any) -> None:
        super().__init__(list(flags), **options)
        self.group, self.common = group, common

    def row(self) -> tuple[str, str]:
        """Its flags, short one first, and what it does."""
        long = "/".join(self.opts[-1:] + self.secondary_opts) if self.secondary_opts else self.opts[-1]
        short = f"{self.opts[0]}, " if len(self.opts) > 1 else "    "
        metavar = "" if self.is_flag else f" {self.metavar}"
        return f"{short}{long}{metavar}", self.help or ""


class FieldOption(GroupedOption):
    """The option of one field of the recipe. What was typed is parsed and checked by the field's kind."""

    def __init__(self, field: RecipeField) -> None:
        setting = field.setting
        options: dict[str, Any] = {"help": setting.help, "group": setting.group, "common": setting.common}
        if isinstance(field.kind, Switch):
            options |= {"is_flag": True, "default": field.default}
        else:
            kind = field.kind
            options |= {"type": _Parsed(field), "metavar": kind.metavar, "multiple": kind.repeatable}
            options |= {"callback": _check} if kind.repeatable else {"default": field.default}
        flags = sorted(setting.flags, key=len)  # the short one first
        super().__init__(*flags, field.name, **options)
        self.field = field

    def row(self) -> tuple[str, str]:
        flags, words = super().row()
        hint = _hint(self.field)
        return flags, f"{words} [{hint}]" if hint else words


class _Parsed(click.ParamType):
    """Text that the kind of a field parses and, if it is the whole value, checks."""

    def __init__(self, field: RecipeField) -> None:
        self.name, self._field = field.name, field

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        kind = self._field.kind
        try:
            parsed = kind.parse(value)
            return parsed if kind.repeatable else kind.check(self._field.name, parsed)
        except RecipeError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in self._field.kind.choices() if name.startswith(incomplete)]


def _check(context: click.Context, option: click.Parameter, items: Sequence[Any]) -> Any:
    """The value of a repeatable option from all its items."""
    assert isinstance(option, FieldOption)
    value = option.field.kind.combine(items)
    try:
        option.field.kind.check(option.field.name, value)
    except RecipeError as error:
        raise click.BadParameter(str(error), context, option) from error
    return value


def _hint(field: RecipeField) -> str:
    """The values that may be typed, with the default."""
    kind = field.kind
    if isinstance(kind, Switch):
        return "default: on" if field.default else ""
    if kind.repeatable:
        return ", ".join(kind.choices())
    if names := kind.choices():
        return ", ".join(f"{name} (default)" if name == field.default else name for name in names)
    if isinstance(kind, WholeNumber):
        return f"{kind.low} to {kind.high}, default {field.default}"
    return f"default: {field.default}" if field.default != "" else ""


def recipe_options(table: Iterable[RecipeField] = FIELDS) -> list[click.Option]:
    """An option for each field of the recipe."""
    return [FieldOption(field) for field in table]


def typed_fields(context: click.Context) -> dict[str, Any]:
    """{field name: value} of the recipe's options that were typed, and of no others."""
    sources = click.core.ParameterSource
    return {
        option.field.name: context.params[option.field.name]
        for option in context.command.params
        if isinstance(option, FieldOption) and context.get_parameter_source(option.field.name) is sources.COMMANDLINE
    }


class GroupedCommand(click.Command):
    """A command whose help lists options under headings: the common ones with --help, every one with --help-all."""

    def __init__(self, name: str, usage: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._usage = usage
        self.params.append(
            click.Option(["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all)
        )

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(context.command_path, self._usage)

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        everything = bool(context.meta.get(_EVERYTHING))
        options = [option for option in self.params if isinstance(option, GroupedOption)]
        shown = sorted((one for one in options if everything or one.common), key=lambda one: one.common or _LAST)
        width = min(_FLAGS_WIDTH, max(len(option.row()[0]) for option in shown))
        for group in GROUPS:
            if rows := [option.row() for option in shown if option.group == group]:
                with formatter.section(group[:1].upper() + group[1:]):
                    formatter.write_dl([(flags.ljust(width), words) for flags, words in rows], col_max=_FLAGS_WIDTH)
        if hidden := len(options) - len(shown):
            formatter.write_paragraph()
            formatter.write_text(f"{hidden} more options: {context.command_path} --help-all")


_EVERYTHING = "augmentai.help_all"


def _show_all(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.meta[_EVERYTHING] = True
        click.echo(context.get_help())
        context.exit()
