"""Operations of another package, installed for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.plugin_package import installed, write_operations


@pytest.fixture(scope="session")
def operations_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package that offers the operations `shift`, `posterize` and `stamp`."""
    return write_operations(tmp_path_factory.mktemp("operations") / "site")


@pytest.fixture(scope="module")
def other_operations(operations_package: Path) -> Iterator[None]:
    """That package is installed for the tests of a file."""
    with installed(operations_package):
        yield
