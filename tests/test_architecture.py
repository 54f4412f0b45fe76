"""The house as it is meant to be: which room imports which, no circles, files of one purpose, tests that mirror it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from augmentai.settings import ROOT

PACKAGE = ROOT / "augmentai"
TESTS = ROOT / "tests"

# From the top floor down: a room may import its own floor and those below it.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("web", "cli", "mcp", "cluster"),
    ("api", "lift", "inspection"),
    ("pipeline",),
    ("engines", "operations", "filters", "dataset"),
    ("images", "gan", "backbone", "storage"),
    ("annotations", "types", "recipe", "settings", "registry", "system"),
)
MOST_LINES = 350
# These tables are one piece each: a field is declared once, with all that the program says of it.
LARGER = {"augmentai/recipe/recipe.py": 450, "augmentai/settings.py": 450}


def floor_of(module: str) -> int:
    """0 is the top floor; what is not a room of its own stands on the ground."""
    parts = module.split(".")
    room = parts[1] if len(parts) > 1 else ""
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), len(FLOORS) - 1)


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """Modules of the package that a module imports anywhere in it, for types too."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "augmentai":
            base = node.module or ""
            found |= {f"{base}.{name.name}" if f"{base}.{name.name}" in modules() else base for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name in modules()}
    return frozenset(found - {module, "augmentai"})


def test_nothing_imports_a_floor_above() -> None:
    upwards = [
        f"{module} -> {other}"
        for module in modules()
        if module not in {"augmentai", "augmentai.__main__"}  # the front doors
        for other in imports(module)
        if floor_of(other) < floor_of(module)
    ]
    assert upwards == []


def test_what_serves_others_opens_no_url() -> None:
    """A visitor's or an assistant's words become paths alone: only a `Store` is read from the network."""
    doors = [module for module in modules() if module.startswith(("augmentai.web", "augmentai.mcp"))]
    assert doors
    assert [module for module in doors if any(one.startswith("augmentai.storage") for one in imports(module))] == []


def test_there_are_no_import_cycles() -> None:
    state: dict[str, str] = {}
    circles: list[str] = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        state[module] = "open"
        for other in sorted(imports(module)):
            if state.get(other) == "open":
                circles.append(" -> ".join((*path[path.index(other) :], other)) if other in path else other)
            elif other not in state:
                visit(other, (*path, other))
        state[module] = "done"

    for module in modules():
        if module not in state and module != "augmentai":
            visit(module, (module,))
    assert circles == []


def test_files_have_one_purpose() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules().values()}
    assert {file: count for file, count in lines.items() if count > LARGER.get(file, MOST_LINES)} == {}


@cache
def test_files() -> list[Path]:
    return sorted(path for path in TESTS.rglob("test_*.py") if "__pycache__" not in path.parts)


test_files.__test__ = False  # type: ignore[attr-defined]  # a helper, whatever its name

# Tests of the whole rather than of a module: the page in a browser, what is deployed, what the docs promise.
OF_THE_WHOLE = {"browser", "deploy", "test_architecture", "test_docs", "test_plugins", "test_contributing"}


@pytest.mark.parametrize("path", test_files(), ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_file_is_named_after_a_module(path: Path) -> None:
    """tests/a/test_b.py and tests/a/test_b_in_some_way.py test augmentai/a/b.py (or the package augmentai/a/b).

    tests/benchmarks/ is of benchmarks/.
    """
    where = path.relative_to(TESTS)
    if where.parts[0] in OF_THE_WHOLE or path.stem in OF_THE_WHOLE:
        return
    home = (ROOT if where.parts[0] == "benchmarks" else PACKAGE) / where.parent
    words = path.stem.removeprefix("test_").split("_")
    names = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    candidates = [home] if home != PACKAGE else [PACKAGE, ROOT]
    found = any(
        (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
        for folder in candidates
        for name in names
    )
    assert found, f"{where} is named after no module of {home.relative_to(ROOT)}"


@pytest.mark.parametrize("path", test_files(), ids=lambda path: str(path.relative_to(TESTS)))
def test_no_test_imports_another(path: Path) -> None:
    """What tests share is in tests/support, tests/emulator or a conftest."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").rsplit(".", 1)[-1].startswith("test_"), f"{path}: from {node.module} import"
