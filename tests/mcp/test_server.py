"""`augmentai mcp` with a real client: its tools, what they refuse, a call that is cancelled, and money."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from augmentai.dataset.lift_file import LiftFile
from augmentai.mcp.answers import Reach
from augmentai.mcp.server import build
from augmentai.recipe.fields import FIELDS
from augmentai.settings import EXAMPLES, Settings
from tests.support.command_line import augmentai
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.mcp_client import Caller, connected, mcp_process
from tests.support.small_sets import mirrored_split, small_split_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server may use: a set of two classes, and room for results."""
    folder = tmp_path_factory.mktemp("mcp")
    for name in ("cats", "dogs"):
        (folder / "set" / name).mkdir(parents=True)
        for number in range(2):
            image = Image.open(EXAMPLES / "chelsea.png").rotate(90 * number).resize((96, 64))
            image.save(folder / "set" / name / f"{number}.png")
    mirrored_split(folder / "split")
    return folder


@pytest.fixture(scope="module")
def caller(folder: Path) -> Iterator[Caller]:
    with mcp_process(folder) as caller:
        yield caller


def test_tools_explain_every_argument_and_list_choices(caller: Caller) -> None:
    tools = caller.tools()
    assert tools.keys() >= {"inspect", "preview", "augment", "lift"}
    for tool in tools.values():
        assert tool.description
        for name, argument in tool.input_schema["properties"].items():
            assert argument["description"], f"{tool.name}.{name}"
    augment = tools["augment"].input_schema
    assert augment["required"] == ["paths", "out"]
    assert augment["properties"].keys() == {"paths", "out", "max_credits", *(field.name for field in FIELDS)}
    assert augment["properties"]["geometry"]["enum"] == ["auto", "none", "flip", "light", "strong"]
    assert augment["properties"]["strength"]["anyOf"][1] == {"enum": ["auto"]}
    assert augment["properties"]["variations"]["maximum"] == 16


def test_inspect_gives_what_the_command_gives(caller: Caller, folder: Path) -> None:
    found = caller.call("inspect", paths=["set"], variations=3)
    assert found.structured_content == json.loads(found.content[0].text)
    assert found.structured_content["images"]["count"] == 4
    assert found.structured_content["plan"]["variations"] == 12


def test_inspect_compares_images_by_features_when_asked(caller: Caller) -> None:
    at_first, asked = (caller.call("inspect", paths=["split"], similarity=asked) for asked in (False, True))
    kinds = [{one["kind"] for one in answer.structured_content["findings"]} for answer in (at_first, asked)]
    assert kinds[1] - kinds[0] == {"similar_across_splits"}


def test_preview_shows_the_source_and_its_variations(caller: Caller, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    answer = caller.call("preview", path="set/cats/0.png", variations=2, strength=0.7, seed=5, filters=False)
    told, *shown = answer.content
    images = [Image.open(io.BytesIO(base64.b64decode(one.data))) for one in shown]
    assert [one.mime_type for one in shown] == ["image/jpeg"] * 3
    assert [image.size for image in images] == [(96, 64)] * 3
    assert [row["is"] for row in json.loads(told.text)["images"]] == ["source", "variation", "variation"]
    assert answer.structured_content["seed"] == 5
    assert caller.progress[-1] == (2, 2, "augmenting")
    assert sorted(folder.rglob("*")) == before


def test_augment_writes_a_set_and_the_same_call_resumes_it(caller: Caller, folder: Path) -> None:
    asked: dict[str, Any] = {"paths": [str(folder / "set")], "out": "larger", "variations": 2, "seed": 3}
    report = caller.call("augment", **asked, filters=False).structured_content
    assert (report["variations"], report["failed"], report["path"]) == (8, 0, str(folder / "larger"))
    assert len(list((folder / "larger").rglob("*__v*.png"))) == 8
    next((folder / "larger").rglob("*__v2.png")).unlink()
    assert caller.call("augment", **asked, filters=False).structured_content["variations"] == 8


def test_a_prompt_that_no_engine_follows_blocks_no_resume(caller: Caller) -> None:
    asked: dict[str, Any] = {"paths": ["set/cats"], "out": "prompted", "variations": 1, "engine": "gan"}
    made = caller.call("augment", **asked, filters=False, prompt="a red car").structured_content
    again = caller.call("augment", **asked, filters=False, prompt="a blue van").structured_content
    assert (again["held"], again["seed"]) == (2, made["seed"])
    assert "prompt was" in caller.call("augment", **asked, filters=False, prompt="at dusk").content[0].text


def _with_key(emulator: Emulator) -> Settings:  # noqa: F811
    return Settings(stability_api_key="sk-test", stability_api_base=emulator.url)


def test_lift_measures_and_says_it_in_words(caller: Caller, folder: Path) -> None:
    small_split_set(folder / "colours")
    caller.progress.clear()
    nothing = {"engine": "gan", "strength": 0, "geometry": "none", "filters": False, "variations": 1}
    report = caller.call("lift", paths=["colours"], recipes={"nothing": nothing}).structured_content
    assert (report["set"], report["split"], report["recipes"][0]["verdict"]) == ("colours", "test", "cannot tell")
    assert "nothing: cannot tell with 4 images" in report["words"]
    assert {total for _, total, _ in caller.progress} == {100}
    assert LiftFile.of(report).verdicts()[0]["recipe"] == "nothing", "it can be given to a run"


REFUSED = [
    pytest.param("inspect", {"paths": ["/etc"]}, "/etc is outside the folders", id="another folder"),
    pytest.param("inspect", {"paths": ["../.."]}, "../.. is outside the folders", id="a folder above"),
    pytest.param("inspect", {"paths": ["set/link"]}, "set/link is outside the folders", id="a link out of them"),
    pytest.param("preview", {"path": "https://example.org/a.jpg"}, "is a web address", id="a web address"),
    pytest.param("preview", {"path": "file:///etc/hostname"}, "is a web address", id="a file address"),
    pytest.param("inspect", {"paths": ["set/none"]}, "set/none does not exist", id="nothing there"),
    pytest.param("preview", {"path": "set"}, "set is a folder", id="a folder as an image"),
    pytest.param("augment", {"paths": ["set"], "out": "/tmp/x"}, "outside the folders", id="output elsewhere"),
    pytest.param("augment", {"paths": ["set"], "out": "set/cats"}, "already holds files", id="output over the input"),
    pytest.param("inspect", {"paths": ["set"], "geometry": "up"}, "geometry: 'up' is not one of", id="no choice"),
    pytest.param("inspect", {"paths": ["set"], "balance": True, "per_class": 9}, "both set", id="a contradiction"),
    pytest.param("inspect", {"paths": ["set"], "colour": 1}, "('colour' was unexpected)", id="an unknown argument"),
    pytest.param("inspect", {}, "'paths' is a required property", id="nothing"),
    pytest.param("augment", {"paths": ["set"], "out": "x", "engine": "stability"}, "STABILITY_API_KEY", id="no key"),
    pytest.param("lift", {"paths": ["set/cats"]}, "put the images of each class into a folder", id="no classes"),
    pytest.param("lift", {"paths": ["set"], "recipes": {}}, "recipes: ", id="no recipe"),
    pytest.param("lift", {"paths": ["set"], "recipes": {"a": {"geometry": "up"}}}, "recipes.a.geometry", id="a field"),
    pytest.param("lift", {"paths": ["set"], "test": ["/etc"]}, "/etc is outside the folders", id="a test elsewhere"),
    pytest.param("inspect", {"paths": ["a" * 5_000]}, "is no path of this computer", id="a name that is too long"),
    pytest.param("inspect", {"paths": ["~nobody-here/a"]}, "is no path of this computer", id="no such home"),
    pytest.param("inspect", {"paths": ["set"], "geometry": "x" * 10**6}, "xxx ... xxx", id="a huge argument"),
    pytest.param("lift", {"paths": ["set"], "recipes": {"x" * 99: {}}}, "is too long", id="a long name"),
    pytest.param("inspect", {"paths": ["s3://bucket/set"]}, "is a web address", id="a URL to read"),
    pytest.param("lift", {"paths": ["memory://set"]}, "is a web address", id="a URL to measure"),
    pytest.param("augment", {"paths": ["set"], "out": "hf://datasets/me/x"}, "is a web address", id="a URL to write"),
    pytest.param("augment", {"paths": ["set"], "out": "x", "max_credits": 10**400}, "max_credits: 1", id="a huge sum"),
    pytest.param("erase", {}, "there is no such tool; there are inspect", id="an unknown tool"),
]


@pytest.mark.parametrize(("tool", "arguments", "message"), REFUSED)
def test_what_cannot_be_served_says_why(
    caller: Caller, folder: Path, tool: str, arguments: dict[str, Any], message: str
) -> None:
    link = folder / "set" / "link"
    link.symlink_to("/etc")
    try:
        assert message in caller.refused(tool, **arguments)
    finally:
        link.unlink()
    assert not (folder / "x").exists()


LINKS = [
    pytest.param("set/cats/leak.png", "secret.png", "inspect", {"paths": ["set"]}, id="an image"),
    pytest.param("set/cats/0.txt", "words.txt", "inspect", {"paths": ["set"]}, id="a label file"),
    pytest.param("set/classes.txt", "words.txt", "augment", {"paths": ["set"], "out": "new"}, id="names of classes"),
    pytest.param("set/more.zip", "words.txt", "lift", {"paths": ["set"]}, id="an archive"),
    pytest.param("set/a.png", "secret.png", "lift", {"paths": ["ok"], "test": ["set"]}, id="a test image"),
    pytest.param("old/cats", ".", "augment", {"paths": ["ok"], "out": "old"}, id="a folder of an earlier output"),
    pytest.param("old/manifest.jsonl", "none", "augment", {"paths": ["ok"], "out": "old"}, id="a file of one"),
    pytest.param(".x.zip.augmentai.paid", ".", "augment", {"paths": ["ok"], "out": "x.zip"}, id="beside a ZIP"),
]


@pytest.mark.parametrize(("link", "target", "tool", "arguments"), LINKS)
def test_a_link_in_a_folder_leads_nowhere_else(
    tmp_path: Path, link: str, target: str, tool: str, arguments: dict[str, Any]
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    outside.mkdir()
    (outside / "words.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    for place in (outside / "secret.png", inside / "set" / "cats" / "0.png", inside / "ok" / "cats" / "0.png"):
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), "teal").save(place)
    (inside / link).parent.mkdir(exist_ok=True)
    (inside / link).symlink_to(outside / target)
    before = sorted(outside.rglob("*"))
    with connected(build(Settings(), Reach.of([inside]))) as own:
        message = own.refused(tool, **arguments)
    assert "is a link to a place outside the folders that this server may use" in message
    assert sorted(outside.rglob("*")) == before
    assert not (inside / "new").exists()


def test_a_link_to_a_file_of_its_own_folders_is_read(tmp_path: Path) -> None:
    (tmp_path / "set" / "cats").mkdir(parents=True)
    Image.new("RGB", (32, 32), "teal").save(tmp_path / "photo.png")
    (tmp_path / "set" / "cats" / "0.png").symlink_to(tmp_path / "photo.png")
    with connected(build(Settings(), Reach.of([tmp_path]))) as own:
        assert own.call("inspect", paths=["set"]).structured_content["images"]["count"] == 1


def test_a_cancelled_call_ends_soon_and_keeps_what_is_finished(caller: Caller, folder: Path) -> None:
    caller.progress.clear()
    call = caller.begin("augment", paths=["set"], out="long", variations=16, filters=False)
    while not caller.progress:
        assert not call.done()
    call.cancel()
    caller.call("inspect", paths=["set"])  # waits for its turn
    made = len((folder / "long" / "manifest.jsonl").read_text().splitlines())
    assert 0 < made < 64
    shutil.rmtree(folder / "long")


@pytest.mark.parametrize(
    ("allowed", "engine", "expected"),
    [
        pytest.param(0, "auto", {"gan": 2}, id="nothing allowed: free engines"),
        pytest.param(4, "auto", {"stability": 1, "gan": 1}, id="enough for one"),
        pytest.param(10, "stability", {"stability": 2}, id="enough for both"),
    ],
)
def test_no_more_is_spent_than_the_call_allows(
    folder: Path,
    emulator: Emulator,  # noqa: F811
    allowed: float,
    engine: str,
    expected: dict[str, int],
    tmp_path: Path,
) -> None:
    with connected(build(_with_key(emulator), Reach.of([folder, tmp_path]))) as hosted:
        asked = {"paths": ["set/cats"], "out": str(tmp_path / "out"), "engine": engine, "filters": False}
        report = hosted.call("augment", **asked, max_credits=allowed).structured_content
    assert report["engines"] == expected
    assert report["credits"] <= allowed


def test_a_named_engine_that_costs_money_states_its_price_first(
    folder: Path,
    emulator: Emulator,  # noqa: F811
    tmp_path: Path,
) -> None:
    with connected(build(_with_key(emulator), Reach.of([folder, tmp_path]))) as hosted:
        refused = hosted.refused("augment", paths=["set"], out=str(tmp_path / "out"), engine="stability")
    assert "costs credits (1 credit is 0.01 US dollars): up to" in refused
    assert "(4 images at" in refused
    assert not emulator.forms()


def test_a_folder_that_does_not_exist_is_reported_at_the_start(tmp_path: Path) -> None:
    ended = augmentai("mcp", tmp_path / "none")
    assert ended.returncode == 1
    assert "there is no such folder" in ended.stderr
