"""What the code imports is what is declared: in pyproject.toml as ranges, in requirements.txt as pins within them."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from augmentai.settings import ROOT
from augmentai.system.extras import MODULES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE = "base"
# Where an extra may be imported; everything else must work without it.
ROOMS = {
    "web": ("augmentai/web/",),
    "mcp": ("augmentai/mcp/",),
    "diffusion": ("augmentai/engines/diffusion/", "augmentai/backbone/larger.py"),
    "openvino": ("augmentai/engines/diffusion/openvino_networks.py",),
    "lift": ("augmentai/lift/", "augmentai/gan/", "augmentai/backbone/network.py", "augmentai/backbone/convert.py"),
    "hub": ("augmentai/dataset/writers/hub.py", "augmentai/storage/hub.py", "augmentai/engines/huggingface/"),
    "comfy": ("augmentai/engines/comfy/",),
    "cutout": ("augmentai/operations/compositing/saliency.py",),
    "s3": (),  # fsspec loads these three
    "gcs": (),
    "azure": (),
    "parquet": (),  # loaded by name, where there is a Parquet file
    "cluster": ("augmentai/cluster/",),
    "ray": ("augmentai/cluster/executors.py",),
}
# Too heavy for a Space or a container that does not ask for it; pinned for the tests alone.
ON_REQUEST = {"openvino", "cutout", "s3", "gcs", "azure", "parquet", "cluster", "ray"}
# Run once, when the weights of the backbone are converted or a network changes, by whoever develops it.
CONVERSION = {"augmentai/backbone/onnx_graph.py": "onnx", "augmentai/gan/onnx_graph.py": "onnx"}
LENT = {"spaces"}  # only on a Hugging Face Space with ZeroGPU, which installs it


def declared(group: str) -> dict[str, Requirement]:
    lines = PROJECT["dependencies"] if group == BASE else PROJECT["optional-dependencies"][group]
    return {canonicalize_name(wanted.name): wanted for wanted in map(Requirement, lines)}


def pins(file: str = "requirements.txt") -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def imports(file: Path) -> Iterator[str]:
    """The packages of others that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for top in {name.partition(".")[0] for name in names}:
            if top not in sys.stdlib_module_names and top not in {"augmentai", *LENT}:
                yield top


def imported() -> dict[str, set[str]]:
    """{distribution: the files that import it}."""
    owners = metadata.packages_distributions()
    found: dict[str, set[str]] = {}
    for file in [ROOT / "app.py", *(ROOT / "augmentai").rglob("*.py")]:
        for top in imports(file):
            distribution = canonicalize_name(owners.get(top, [top])[0])
            found.setdefault(distribution, set()).add(file.relative_to(ROOT).as_posix())
    return found


def test_every_import_is_declared_where_it_is_used() -> None:
    base = declared(BASE)
    for distribution, files in imported().items():
        if distribution in base:
            continue
        for file in files:
            if CONVERSION.get(file) == distribution:
                continue
            extras = [extra for extra, rooms in ROOMS.items() if file.startswith(rooms)]
            assert any(distribution in declared(extra) for extra in extras), f"{file} imports {distribution}"


def test_nothing_is_required_that_is_not_used() -> None:
    asked_for = {name.replace("_", "-") for names in MODULES.values() for name in names}
    used = imported().keys() | asked_for
    assert all(declared(group).keys() <= used for group in (BASE, *ROOMS))


@pytest.mark.parametrize("extra", sorted(MODULES))
def test_a_missing_extra_is_found_by_packages_that_it_declares(extra: str) -> None:
    assert {name.replace("_", "-") for name in MODULES[extra]} <= declared(extra).keys()  # type: ignore[index]


def test_all_is_every_extra() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = map(Requirement, extras["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == extras.keys() - {"all"} == ROOMS.keys()


def test_a_space_gets_a_pin_of_everything_within_the_ranges() -> None:
    groups = (BASE, *(extra for extra in ROOMS if extra not in ON_REQUEST))
    wanted = [requirement for group in groups for requirement in declared(group).values()]
    assert {canonicalize_name(requirement.name) for requirement in wanted} == pins().keys()
    for requirement in wanted:
        pin = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{requirement} does not allow the pinned {pin}"


@pytest.mark.parametrize("extra", sorted(ON_REQUEST))
def test_what_a_space_is_spared_is_pinned_for_the_tests(extra: str) -> None:
    found = pins("requirements-dev.txt")
    for name, requirement in declared(extra).items():
        assert requirement.specifier.contains(found[name])
        assert name not in pins()


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(line.removesuffix(" \\").split("==") for line in lines if "==" in line)


def test_the_lock_has_every_pin_but_torch_and_a_hash_of_each() -> None:
    assert {name: version for name, version in pins().items() if name != "torch"}.items() <= locked().items()
    entries = (ROOT / "requirements.lock").read_text().split("\n")
    for line, following in pairwise(entries):
        assert "==" not in line or following.strip().startswith("--hash=sha256:")


def test_the_docs_list_the_licence_of_each_package() -> None:
    rows = (ROOT / "docs" / "licences.md").read_text().splitlines()
    listed = {tuple(row.split(" | ")[:2]) for row in rows if row.startswith("| ")}
    assert {(f"| {name}", version) for name, version in locked().items()} <= listed
