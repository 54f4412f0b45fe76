"""The tables of operations and bundles in docs/operations.md, from the classes.

`python -m augmentai.operations.table` prints them as Markdown.
"""

from __future__ import annotations

from augmentai.operations import BUILT_IN
from augmentai.operations.base import Operation
from augmentai.operations.bundles import BUILT_IN as BUNDLES
from augmentai.operations.parameters import Parameter
from augmentai.recipe.steps import format_step, format_steps
from augmentai.registry import find

PICTURES = "images/operations"  # beside the page


def markdown() -> str:
    """A heading, a table and pictures for each group of operations, then the bundles."""
    groups: dict[str, list[type[Operation]]] = {}
    for name in BUILT_IN:
        operation: type[Operation] = find("operations", name)
        groups.setdefault(operation.group, []).append(operation)
    parts = [_group(title, operations) for title, operations in groups.items()]
    return "\n\n".join([*parts, _bundles()]) + "\n"


def _group(title: str, operations: list[type[Operation]]) -> str:
    rows = [_row(operation) for operation in operations]
    pictures = [f"![{one.name}: before and after]({PICTURES}/{one.name}.jpg)" for one in operations]
    captioned = [f"`{one.name}`:\n\n{picture}" for one, picture in zip(operations, pictures, strict=True)]
    head = ["| operation | what it does | parameters |", "| --- | --- | --- |"]
    return "\n\n".join([f"### {title}", "\n".join([*head, *rows]), *captioned])


def _row(operation: type[Operation]) -> str:
    parameters = sorted(operation.parameters().values(), key=lambda one: one.name == "probability")
    words = "; ".join(map(_parameter, parameters))
    return f"| `{operation.name}` | {operation.blurb} | {words} |"


def _parameter(one: Parameter) -> str:
    if one.name == "probability":
        return f"`probability` ({_value(one)})"
    meaning = one.help.rstrip(".")
    allowed = one.kind.values().replace("|", "\\|")  # a bar alone would begin the next column
    return f"`{one.name}` ({_value(one)}; allowed {allowed}): {meaning[0].lower()}{meaning[1:]}"


def _value(one: Parameter) -> str:
    """A default as it is typed."""
    return format_step({"x": {one.name: one.default}}).partition("=")[2].removesuffix(")")


def _bundles() -> str:
    rows = []
    for name in BUNDLES:
        bundle = find("bundles", name)
        rows.append(f"| `{name}` | {bundle.blurb} | `{format_steps(bundle.steps)}` |")
    head = ["| bundle | what it does | stands for |", "| --- | --- | --- |"]
    words = "A bundle is named like an operation (`-O camera`); the recipe records the operations that it stands for."
    return "\n\n".join(["### Several at once", words, "\n".join([*head, *rows])])


if __name__ == "__main__":
    print(markdown(), end="")
