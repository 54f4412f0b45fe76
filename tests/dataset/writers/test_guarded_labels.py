"""Formats of another package that misbehave: nothing is written outside the result, and a fault ends no job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from augmentai.annotations import LabelError
from augmentai.dataset.formats.base import Layout
from augmentai.dataset.formats.convert import converter
from augmentai.dataset.image_rows import ImageRows
from augmentai.dataset.readers.gather import gather
from augmentai.dataset.writers.guarded_labels import GuardedLabelWriter
from augmentai.pipeline.job import Job, limits
from augmentai.pipeline.run import run_to_disk
from augmentai.recipe import Recipe, RecipeError
from augmentai.settings import Settings
from augmentai.types import Source
from tests.support.image_files import png
from tests.support.jobs import Darker
from tests.support.plugin_package import installed, write_package

NAME = "the format 'odd' of the package odd-format 1.0"
SOURCE = Source.from_bytes("cats/a.png", b"pixels")

FORMATS = """
from augmentai.dataset.formats.base import Format, ImageInfo, Layout


class OddLayout(Layout):
    def label_files(self, source, file, labels, size_wh):
        return [("labels.txt", b"cat")]


def detect(tree, requested):
    layout = OddLayout()
    layout.images = {entry.key: ImageInfo() for entry in tree.images}
    return layout if requested else None


def broken(layout, sources):
    raise ZeroDivisionError("nothing to divide by")


ODD = Format("odd", "Odd", "anything", detect, broken)
TEXT = Format("text", "Text", "anything", lambda tree, requested: "yes" if requested else None)
"""


class Odd(Layout):
    """A writer that answers with what a test gives it; an error is raised."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.answers = answers

    def _answer(self, what: str, default: Any) -> Any:
        answer = self.answers.get(what, default)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def image_path(self, source: Source) -> str:
        return str(self._answer("image_path", source.path))

    def label_files(self, *_: Any) -> Any:
        return self._answer("label_files", [])

    def record(self, *_: Any) -> Any:
        return self._answer("record", None)

    def dataset_files(self, rows: ImageRows) -> Any:
        yield from self._answer("dataset_files", [])


def guarded(**answers: Any) -> GuardedLabelWriter:
    return GuardedLabelWriter(Odd(**answers), NAME)


def test_what_is_right_passes_through() -> None:
    writer = guarded(label_files=[("cats/a.txt", b"cat")], record=[1, "cat"], dataset_files=[("a.json", [b"{", b"}"])])
    assert writer.image_path(SOURCE) == "cats/a.png"
    assert writer.label_files(SOURCE, "cats/a__v1.png", None, (4, 4)) == [("cats/a.txt", b"cat")]
    assert writer.record(SOURCE, None, (4, 4)) == [1, "cat"]
    assert [(path, b"".join(pieces)) for path, pieces in writer.dataset_files(_no_rows())] == [("a.json", b"{}")]


@pytest.mark.parametrize("path", ["../a.png", "/tmp/a.png", "C:/a.png", "a/../../b.png", "", "a\\b.png", "nul"])
def test_no_place_outside_the_result(path: str) -> None:
    with pytest.raises(RecipeError, match=r"puts cats/a.png at .*, which is not a place inside the result"):
        guarded(image_path=path).image_path(SOURCE)
    with pytest.raises(LabelError, match=r"puts the labels of a__v1.png at .*, which is not inside the result"):
        guarded(label_files=[(path, b"")]).label_files(SOURCE, "a__v1.png", None, (4, 4))
    assert _lost(guarded(dataset_files=[(path, [b""])])).endswith(
        f"(ValueError: {path!r} is not a place inside the result), so they are missing; "
        "update that package and run the same again"
    )


def test_two_images_do_not_share_a_file() -> None:
    writer = guarded(label_files=[("Labels.txt", b"")])
    for _ in range(2):  # a variation that was rejected is written again
        assert writer.label_files(SOURCE, "a__v1.png", None, (4, 4))
    with pytest.raises(LabelError, match=r"puts labels of b__v1.png into Labels.txt, which belongs to a__v1.png"):
        writer.label_files(SOURCE, "b__v1.png", None, (4, 4))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("a__v1.png", "the path of the image itself"),
        ("recipe.yaml", "which the result needs itself"),
        ("b__v1.png", "which belongs to b__v1.png"),
    ],
)
def test_no_label_file_in_the_place_of_another_file(path: str, words: str) -> None:
    odd = Odd()
    writer = GuardedLabelWriter(odd, NAME)
    writer.label_files(SOURCE, "b__v1.png", None, (4, 4))
    odd.answers["label_files"] = [(path, b"")]
    with pytest.raises(LabelError, match=words):
        writer.label_files(SOURCE, "a__v1.png", None, (4, 4))


@pytest.mark.parametrize("answer", ["text", [("a.txt", "text")], None, ZeroDivisionError()])
def test_labels_that_are_not_files(answer: Any) -> None:
    with pytest.raises(LabelError, match=r"of the package odd-format 1.0 cannot write the labels of a"):
        guarded(label_files=answer).label_files(SOURCE, "a__v1.png", None, (4, 4))


@pytest.mark.parametrize("answer", [object(), float("nan"), ZeroDivisionError()])
def test_a_record_that_json_cannot_hold(answer: Any) -> None:
    with pytest.raises(LabelError, match=r"cannot list a variation of cats/a.png"):
        guarded(record=answer).record(SOURCE, None, (4, 4))


@pytest.mark.parametrize("answer", [ZeroDivisionError(), [("a.txt", ["text"])], ["a.txt"]])
def test_files_of_the_whole_set_that_cannot_be_written(answer: Any) -> None:
    assert _lost(guarded(dataset_files=answer)).startswith(f"{NAME} could not write the files of the whole set (")


def test_a_whole_file_before_a_fault_is_written() -> None:
    writer = guarded(dataset_files=[("a.json", [b"{", b"}"]), ("b.json", ["text"])])
    assert _written(writer) == {"a.json": b"{}"}
    assert len(writer.losses) == 1


@pytest.fixture
def package(tmp_path: Path) -> Iterator[None]:
    points = {"augmentai.formats": {"odd": "odd_format:ODD", "text": "odd_format:TEXT"}}
    with installed(write_package(tmp_path / "package", "odd_format", FORMATS, points)):
        yield


@pytest.mark.usefixtures("package")
class TestInstalled:
    def test_a_fault_costs_its_image_and_not_the_job(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        for number in range(3):
            (tmp_path / "set" / f"{number}.png").write_bytes(png(seed=number))
        gathered = gather([tmp_path / "set"], limits(Settings()), layout="odd")
        job = Job(gathered, Recipe(layout="odd", seed=7, originals="none"), Settings(), [Darker()])
        outcomes = list(run_to_disk(job, tmp_path / "out"))
        assert [outcome.ok for outcome in outcomes] == [True, False, False]
        assert NAME in outcomes[1].reason
        assert (tmp_path / "out" / "dataset_card.md").exists()

    def test_a_writer_that_cannot_be_made_is_a_fault_of_the_recipe(self) -> None:
        with pytest.raises(RecipeError) as caught:
            converter(Layout(), "odd", [])
        fault = "ZeroDivisionError: nothing to divide by"
        assert str(caught.value) == f"to is odd, and its package odd-format 1.0 failed ({fault}); update that package"

    def test_a_layout_of_another_kind(self, tmp_path: Path) -> None:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "a.png").write_bytes(png())
        found = gather([tmp_path / "set"], limits(Settings()), layout="text")
        assert not found.sources
        assert "TypeError: it returned str; expected a Layout or None" in found.failures[0].reason


def _written(writer: GuardedLabelWriter) -> dict[str, bytes]:
    return {path: b"".join(pieces) for path, pieces in writer.dataset_files(_no_rows())}


def _lost(writer: GuardedLabelWriter) -> str:
    assert not _written(writer)
    (loss,) = writer.losses
    return loss


def _no_rows() -> ImageRows:
    return ImageRows([], lambda source: None, [])
