"""The auto-generated API, through gradio_client against a real server with the shipped weights."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from augmentai.operations import warp_for
from augmentai.settings import EXAMPLES
from tests.support import trainers
from tests.support.api_client import augment, manifest_of, zip_pixels
from tests.support.labelled_sets import as_zip, yolo
from tests.support.unlike_images import unlike

KEYWORDS = {
    "files": None,
    "prompt": "",
    "negative_prompt": "",
    "strength": "auto",
    "variations": 1,
    "engine": "auto",
    "seed": 0,
    "output_format": "same",
    "geometry": "auto",
    "mirror": True,
    "layout": "auto",
    "to": "same",
    "originals": "auto",
    "splits": "copy",
    "filters": True,
    "per_class": 0,
    "balance": False,
    "operations": [],
    "make_split": "",
}


@pytest.fixture(scope="module")
def client(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(server_url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


def test_gallery_zip_and_report_agree(client: Client) -> None:
    photos = [EXAMPLES / "chelsea.png", EXAMPLES / "rocket.jpg"]
    gallery, zip_path, report = augment(client, photos, variations=2, seed=7)
    assert (report["sources"], report["variations"], report["failed"]) == (2, 4, 0)
    assert report["engines"] == {"gan": 4}
    assert report["seed"] == 7
    assert report["failures"] == report["fallbacks"] == []
    lines = manifest_of(zip_path)
    pixels = zip_pixels(zip_path)
    assert {line["file"] for line in lines} == set(pixels)
    assert set(pixels) == {"chelsea__v1.png", "chelsea__v2.png", "rocket__v1.jpg", "rocket__v2.jpg"}
    sizes = {path.stem: Image.open(path).size for path in photos}
    for picture in gallery:
        with Image.open(picture["image"]) as opened:
            assert opened.size == sizes[picture["caption"].split("__")[0]]
    for line in lines:
        assert (line["width"], line["height"]) == sizes[Path(line["source"]).stem]
        assert pixels[line["file"]].shape[1::-1] == (line["width"], line["height"])


def test_every_keyword_has_a_default_and_is_documented(client: Client) -> None:
    info = client.view_api(return_format="dict", print_info=False)
    assert set(info["named_endpoints"]) == {"/augment", "/lift"}, "an endpoint that nobody meant to publish"
    endpoint = info["named_endpoints"]["/augment"]
    found = {p["parameter_name"]: p for p in endpoint["parameters"]}
    assert set(KEYWORDS) <= set(found)
    for name, default in KEYWORDS.items():
        if name != "files":
            assert found[name]["parameter_has_default"], name
            assert found[name]["parameter_default"] == default, name
        assert found[name]["label"] == name
        assert len(found[name]["python_type"]["description"]) > 15, name
    assert found["strength"]["python_type"]["type"] == "Literal['auto'] | float"
    assert found["variations"]["python_type"]["type"] == "int"
    assert [one["label"] for one in endpoint["returns"]] == ["gallery", "zip_path", "report"]


def test_a_named_engine_that_cannot_work_is_an_error_and_never_replaced(client: Client) -> None:
    with pytest.raises(AppError, match="Stability AI cannot be used: STABILITY_API_KEY is not set"):
        augment(client, [EXAMPLES / "chelsea.png"], engine="stability")


def test_calls_by_position_of_older_clients_still_work(client: Client) -> None:
    """As they were before there was `operations`: the values alone, in the order of the keywords."""
    base = client.src.rstrip("/") + "/gradio_api"
    with (EXAMPLES / "chelsea.png").open("rb") as photo:
        (path,) = httpx.post(f"{base}/upload", files={"files": photo}).json()
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    values = {**KEYWORDS, "files": [file], "strength": "0.4", "engine": "gan", "seed": 11}
    older = [value for name, value in values.items() if name != "operations"]
    event = httpx.post(f"{base}/call/augment", json={"data": older}).json()["event_id"]
    answer = httpx.get(f"{base}/call/augment/{event}", timeout=60).text
    report = json.loads(answer.strip().splitlines()[-1].removeprefix("data: "))[2]
    assert (report["variations"], report["seed"]) == (1, 11)


FORMATS = [
    "yolo",
    "coco",
    "panoptic",
    "voc",
    "imagefolder",
    "createml",
    "labelme",
    "cvat",
    "via",
    "supervisely",
    "csv",
    "dota",
    "masks",
]


def test_closed_sets_are_enumerations_in_the_schema(client: Client) -> None:
    endpoint = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/augment"]
    found = {p["parameter_name"]: p["type"].get("enum") for p in endpoint["parameters"]}
    assert {name: values for name, values in found.items() if values} == {
        "engine": ["auto", "stability", "diffusion", "gan", "none", "huggingface", "comfy"],
        "output_format": ["same", "png", "jpeg", "webp"],
        "geometry": ["auto", "none", "flip", "light", "strong"],
        "layout": ["auto", *FORMATS, "folders"],
        "to": ["same", *FORMATS],
        "originals": ["auto", "copy", "none"],
        "splits": ["copy", "leave-out"],
        "repaint": ["all", "background", "objects"],
    }
    assert "Literal['same', 'png', 'jpeg', 'webp']" in client.view_api(print_info=False, return_format="str")


@pytest.mark.parametrize("strength", [0.4, "0.4"])
def test_a_strength_may_be_a_number_or_text(client: Client, strength: float | str) -> None:
    _, zip_path, _ = augment(client, [EXAMPLES / "chelsea.png"], strength=strength)
    assert [line["strength"] for line in manifest_of(zip_path)] == [0.4]


def test_one_seed_gives_equal_pixels_in_any_order(client: Client) -> None:
    photos = [EXAMPLES / "chelsea.png", EXAMPLES / "coffee.png", EXAMPLES / "flower.jpg"]
    first, again = (zip_pixels(augment(client, order, seed=11)[1]) for order in (photos, photos[::-1]))
    other = zip_pixels(augment(client, photos, seed=12)[1])
    assert set(first) == set(again) == set(other)
    for name, pixels in first.items():
        assert np.array_equal(pixels, again[name]), name
        assert not np.array_equal(pixels, other[name]), name


def test_seed_zero_is_random_and_reported(client: Client) -> None:
    _, zip_path, report = augment(client, [EXAMPLES / "chelsea.png"])
    _, repeated, _ = augment(client, [EXAMPLES / "chelsea.png"], seed=report["seed"])
    assert report["seed"] > 0
    assert np.array_equal(zip_pixels(zip_path)["chelsea__v1.png"], zip_pixels(repeated)["chelsea__v1.png"])


def test_zip_in_keeps_class_folders(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(EXAMPLES / "chelsea.png", "animals/cat one.png")
        archive.write(EXAMPLES / "flower.jpg", "plants/flower.jpg")
        archive.writestr("../escape.png", (EXAMPLES / "chelsea.png").read_bytes())
        archive.writestr("readme.txt", "hello")
    gallery, zip_path, report = augment(client, [path], output_format="webp")
    made = {"animals/cat one__v1.webp", "plants/flower__v1.webp"}
    assert set(zip_pixels(zip_path)) == made | {"animals/cat one.png", "plants/flower.jpg"}
    assert len(gallery) == 2  # variations only
    assert [failure["file"] for failure in report["failures"]] == ["../escape.png"]
    assert {line["label"] for line in manifest_of(zip_path) if line["status"] == "ok"} == {"animals", "plants"}


def test_a_labelled_set_in_a_zip_comes_back_as_one(client: Client, tmp_path: Path) -> None:
    given = as_zip(tmp_path / "set.zip", yolo())
    gallery, zip_path, report = augment(client, [given], variations=2, filters=False)
    assert not report["failures"]
    assert len(gallery) == report["variations"] == 6
    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(tmp_path / "out")
    boxes = trainers.ultralytics(tmp_path / "out" / "my set" / "data.yaml", "train")
    assert len(boxes) == 9
    assert boxes["one__v1"] == boxes["one__v2"] == boxes["one"]
    assert (tmp_path / "out/my set/images/val/three.jpg").read_bytes() == yolo()["images/val/three.jpg"]
    _, zip_path, _ = augment(client, [given], to="coco", originals="none", splits="leave-out", filters=False)
    with zipfile.ZipFile(zip_path) as archive:
        pictures = {name for name in archive.namelist() if name.endswith(".jpg")}
        coco = json.loads(archive.read("annotations/instances_train.json"))
    assert pictures == {f"train/{image['file_name']}" for image in coco["images"]}
    assert len(pictures) == 3
    with pytest.raises(Exception, match="the set has no boxes"):
        augment(client, [EXAMPLES / "chelsea.png"], to="voc")


def test_one_bad_file_spoils_nothing(client: Client, tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.jpg", tmp_path / "empty.png"
    text.write_text("this is not an image")
    empty.touch()
    gallery, zip_path, report = augment(client, [text, EXAMPLES / "rocket.jpg", empty])
    assert len(gallery) == report["variations"] == 1
    assert {failure["file"] for failure in report["failures"]} == {"notes.jpg", "empty.png"}
    assert all(failure["reason"] for failure in report["failures"])
    assert {line["source"] for line in manifest_of(zip_path)} == {"notes.jpg", "rocket.jpg", "empty.png"}


def test_geometry_is_applied_and_recorded(client: Client) -> None:
    keywords = {"seed": 7, "variations": 2, "strength": 0}
    _, moved, _ = augment(client, [EXAMPLES / "chelsea.png"], geometry="strong", mirror=False, **keywords)
    with Image.open(EXAMPLES / "chelsea.png") as photo:
        source = photo.convert("RGB")
    for line in manifest_of(moved):
        assert line["details"]["geometry"]["mirrored"] is False
        expected = warp_for("strong", source.size, line["seed"], mirror=False).image(source)
        np.testing.assert_array_equal(zip_pixels(moved)[line["file"]], np.asarray(expected))


def test_only_bad_files_still_end_in_a_report(client: Client, tmp_path: Path) -> None:
    text = tmp_path / "notes.jpg"
    text.write_text("this is not an image")
    gallery, _, report = augment(client, [text])
    assert gallery == []
    assert (report["sources"], report["variations"], report["failed"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"strength": 1.5}, "strength is 1.5; expected a number from 0 to 1"),
        ({"variations": 17}, "variations is 17; expected a whole number from 1 to 16"),
        ({"variations": 1.5}, "variations is 1.5; expected a whole number"),
        ({"engine": "dall-e"}, "expected one of auto, stability, diffusion, gan, none, huggingface, comfy"),
        ({"output_format": "bmp"}, "expected one of same, png, jpeg, webp"),
        ({"seed": -1}, "seed is -1"),
        ({"geometry": "twist"}, "expected one of auto, none, flip, light, strong"),
        ({"geometry": "flip", "mirror": False}, "which leaves nothing to do"),
    ],
)
def test_bad_settings_are_named(client: Client, keywords: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=words):
        augment(client, [EXAMPLES / "chelsea.png"], **keywords)


def test_no_files_is_reported(client: Client) -> None:
    with pytest.raises(Exception, match="No files selected"):
        client.predict(files=[], api_name="/augment")


def test_files_of_the_server_cannot_be_read(client: Client, server_url: str) -> None:
    import requests

    hostile = {"files": [{"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}]}
    for body in (hostile, {"files": [{"path": "/etc/hostname"}]}):
        call = requests.post(f"{server_url}gradio_api/call/v2/augment", json=body, timeout=30)
        if call.ok:
            event = call.json()["event_id"]
            answer = requests.get(f"{server_url}gradio_api/call/augment/{event}", timeout=60).text
            assert "event: error" in answer, answer
    assert requests.post(f"{server_url}gradio_api/run/augment", json={"data": []}, timeout=30).status_code == 404


def test_progress_counts_images(client: Client) -> None:
    job = client.submit(
        files=[handle_file(EXAMPLES / "chelsea.png"), handle_file(EXAMPLES / "hubble_deep_field.jpg")],
        variations=8,
        api_name="/augment",
    )
    seen = set()
    while not job.done():
        for unit in job.status().progress_data or []:
            seen.add((unit.index, unit.length))
        time.sleep(0.005)
    assert job.result()[2]["variations"] == 16
    assert {length for _, length in seen} == {16}
    assert len(seen) > 1


def test_a_set_without_a_split_gets_one(client: Client, tmp_path: Path) -> None:
    given = as_zip(tmp_path / "set.zip", {f"cats/{i}.jpg": unlike(i) for i in range(10)})
    _, zip_path, report = augment(client, [given], make_split="80/20", seed=4, engine="gan")
    assert report["variations"] == 8
    assert report["notices"][0].startswith("split by class into 8 training, 2 validation images (seed 4)")
    with zipfile.ZipFile(zip_path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
    assert sum(name.startswith("my set/train/") for name in names) == 16
    assert sum(name.startswith("my set/val/") for name in names) == 2
    with pytest.raises(AppError, match="make_split is '80'"):
        augment(client, [given], make_split="80")
