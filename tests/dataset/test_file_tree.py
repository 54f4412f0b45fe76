"""Files of a dataset, found by name."""

from __future__ import annotations

import unicodedata

import pytest

from augmentai.dataset.file_tree import Entry, Tree

NFC = unicodedata.normalize("NFC", "caf\u00e9/\u00fc.txt")
NFD = unicodedata.normalize("NFD", NFC)


@pytest.mark.parametrize("stored", [NFC, NFD])
@pytest.mark.parametrize("wanted", [NFC, NFD])
def test_label_files_are_found_in_either_unicode_form(stored: str, wanted: str) -> None:
    tree = Tree()
    tree.add_sidecar(Entry(stored, ""))
    tree.add_sidecar(Entry("other.txt", ""))
    found = tree.sidecar(wanted)
    assert found is not None
    assert found.path == stored


def test_the_form_that_was_asked_for_is_preferred() -> None:
    tree = Tree()
    for path in (NFC, NFD):
        tree.add_sidecar(Entry(path, ""))
    assert [tree.sidecar(path).path for path in (NFC, NFD)] == [NFC, NFD]  # type: ignore[union-attr]
    assert tree.sidecar("missing.txt") is None
