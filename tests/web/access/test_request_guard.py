"""A hostile client against every endpoint of a public page."""

from __future__ import annotations

import io
import json
import secrets
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from augmentai.settings import EXAMPLES, ROOT, Settings
from tests.support.app_server import serving

SECRET = ROOT / "augmentai" / "settings.py"  # stands for any file of the server
MARK = "class SettingsError"
FILE_META = {"_type": "gradio.FileData"}
PLACES = [
    "/etc/passwd",
    "../../../../../../etc/passwd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..\\..\\etc\\passwd",
    "//etc/passwd",
    "/proc/self/environ",
    "file:///etc/passwd",
    "app.py",
    "augmentai/settings.py",
    str(SECRET),
    str(ROOT / "weights" / "gan.safetensors"),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def url(cache: Path) -> Iterator[str]:
    with serving(Settings(public=True, proxies=1, visitor_upload_mb_per_hour=100), cache) as address:
        yield address


@pytest.fixture(scope="module")
def canary() -> Iterator[tuple[str, list[str]]]:
    """A server of the inner network, which nobody outside may reach through ours. Gives its address and who called."""
    called: list[str] = []

    class Canary(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"inner secret")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Canary)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", called
    server.shutdown()


@pytest.fixture(autouse=True)
def still_alive(url: str) -> Iterator[None]:
    """Whatever was attempted, the page keeps working."""
    yield
    assert requests.get(url, timeout=30).ok
    assert requests.get(url + "gradio_api/app_id", timeout=30).ok


def upload(url: str, name: str, data: bytes) -> str:
    answer = requests.post(url + "gradio_api/upload", files={"files": (name, data)}, timeout=30)
    assert answer.ok, answer.text
    return answer.json()[0]


def outcome(url: str, event: str, name: str = "augment") -> str:
    """The whole answer to a call."""
    return requests.get(f"{url}gradio_api/call/{name}/{event}", timeout=120).text


def augment(url: str, files: Any, **keywords: Any) -> str:
    """The call as a script makes it; refusals are returned as they are."""
    called = requests.post(f"{url}gradio_api/call/v2/augment", json={"files": files, **keywords}, timeout=30)
    return outcome(url, called.json()["event_id"]) if called.ok else called.text


def dependencies(url: str) -> list[dict[str, Any]]:
    return requests.get(url + "config", timeout=30).json()["dependencies"]


@pytest.mark.parametrize("place", PLACES)
def test_no_file_of_the_server_is_served(url: str, place: str) -> None:
    for route in ("gradio_api/file=", "gradio_api/file/", "static/", "assets/", "svelte/", ""):
        request = requests.Request("GET", url + route + place).prepare()
        request.url = url + route + place  # as it stands: requests would tidy the dots away
        with requests.Session() as session:
            answer = session.send(request, timeout=30)
        assert "root:" not in answer.text
        assert MARK not in answer.text
        assert "PATH=" not in answer.text
        assert route == "" or answer.status_code in {400, 403, 404}, (route, answer.status_code)


@pytest.mark.parametrize("place", PLACES)
def test_no_call_reads_a_path_that_was_not_uploaded(url: str, place: str) -> None:
    for file in ({"path": place, "meta": FILE_META}, {"path": place}, place):
        text = augment(url, [file])
        assert "event: error" in text or "detail" in text, text[:300]
        assert "event: complete" not in text
        assert MARK not in text


def test_a_path_that_climbs_out_of_the_uploads(url: str, cache: Path) -> None:
    mine = upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())
    climbing = str(Path(mine).parent) + "/../../" + "../" * 8 + "etc/passwd"
    assert "event: complete" not in augment(url, [{"path": climbing, "meta": FILE_META}])
    (cache / "augmentai-jobs").mkdir(exist_ok=True)
    for folder in (Path(mine).parent, cache, cache / "augmentai-jobs", Path(mine).parent / ".."):
        answer = requests.get(f"{url}gradio_api/file={folder}", timeout=30)
        assert answer.status_code in {403, 404}
        text = augment(url, [{"path": str(folder), "meta": FILE_META}])
        assert "Folders are not accepted" in text


def test_a_link_in_the_uploads_leads_nowhere(url: str, cache: Path) -> None:
    """Nobody can make one over HTTP; should one be there all the same, it is not followed."""
    link = Path(upload(url, "b.png", b"x")).with_name("link.py")
    link.symlink_to(SECRET)
    assert MARK not in requests.get(f"{url}gradio_api/file={link}", timeout=30).text
    assert "event: complete" not in augment(url, [{"path": str(link), "meta": FILE_META}])


def test_other_servers_are_never_called(url: str, canary: tuple[str, list[str]]) -> None:
    address, called = canary
    mine = upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())
    for target in (address + "/x.png", address.replace("http", "HTTP") + "/y.png", "http://169.254.169.254/latest"):
        requests.get(f"{url}gradio_api/file={target}", timeout=30)
        requests.get(f"{url}gradio_api/proxy={target}", timeout=30)
        for file in ({"path": target, "meta": FILE_META}, target):
            augment(url, [file])
        escaped = json.dumps({"files": [{"path": target, "meta": FILE_META}]}).replace("http", "\\u0068ttp")
        refused = requests.post(
            f"{url}gradio_api/call/v2/augment", data=escaped, headers={"content-type": "application/json"}, timeout=30
        )
        assert refused.status_code == 400
        assert "Upload them first" in refused.json()["detail"]
    assert "event: complete" in augment(url, [{"path": mine, "url": address + "/u.png", "meta": FILE_META}])
    assert called == []


def test_every_function_of_the_page_refuses_foreign_files(url: str, cache: Path, canary: tuple[str, list[str]]) -> None:
    """Also the folder of everybody's uploads, and in the drop zone's own format."""
    somebodys = upload(url, "private.png", (EXAMPLES / "flower.jpg").read_bytes())
    config = requests.get(url + "config", timeout=30).json()
    kinds = {part["id"]: part["type"] for part in config["components"]}
    seen: set[str] = set()
    takes_files = {"file", "uploadbutton", "html", "dropzone"}
    for dependency in config["dependencies"]:
        if not dependency["inputs"] or kinds[dependency["inputs"][0]] not in takes_files:
            continue
        for path in (str(SECRET), str(cache), canary[0] + "/z.png"):
            file = {"path": path, "meta": FILE_META}
            for value in ([file], [{"rel": "../../a.png", "file": file}], [{"rel": "a", "file": {"path": path}}], file):
                data = [value] + [None] * (len(dependency["inputs"]) - 1)
                session = secrets.token_hex(6)
                data = data[: len(dependency["inputs"])]
                body = {"data": data, "fn_index": dependency["id"], "session_hash": session}
                direct = requests.post(f"{url}gradio_api/run/predict", json=body, timeout=30)
                text = direct.text
                if dependency["queue"]:
                    assert direct.status_code in {400, 404}
                    joined = requests.post(f"{url}gradio_api/queue/join", json=body, timeout=30)
                    if joined.ok:
                        text += requests.get(f"{url}gradio_api/queue/data?session_hash={session}", timeout=60).text
                assert MARK not in text
                assert "inner secret" not in text
                assert "private.png" not in text
                assert somebodys not in text
        seen.add(dependency["api_name"])
    assert {"augment", "make", "inspect", "load"} <= seen
    assert canary[1] == []


def test_results_are_shown_to_their_own_tab_only(url: str) -> None:
    """One visitor makes something on the page; others, who call its functions by hand, are shown nothing of it."""
    config = requests.get(url + "config", timeout=30).json()
    values = {part["id"]: part["props"].get("value") for part in config["components"]}
    by_name = {dependency["api_name"]: dependency for dependency in config["dependencies"]}
    mine = upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())
    entries = [{"rel": "cats/a.png", "file": {"path": mine, "meta": FILE_META}}]
    make = by_name["make"]
    data = [entries, None, "", *(values[number] for number in make["inputs"][3:])]
    body = {"data": data, "fn_index": make["id"], "session_hash": "own-tab"}
    assert requests.post(f"{url}gradio_api/queue/join", json=body, timeout=30).ok
    text = requests.get(f"{url}gradio_api/queue/data?session_hash=own-tab", timeout=120).text
    assert "augmentai-jobs" in text
    assert "4 variations" in text
    grid = next(part["id"] for part in config["components"] if part["props"].get("elem_id") == "gallery")
    shown = {name for name, one in by_name.items() if grid in one["outputs"]} - {"make"}
    also = {"exclude", "pack", "resume", "more_like_this", "stop", "compare", "full", "turn_page", "draw", "undo"}
    assert also <= set(by_name), f"the page has no {also - set(by_name)} any more: mend this test"
    for name in shown | also:
        dependency = by_name[name]
        event_data = {"file": "cats/a__v1.png", "files": ["cats/a__v1.png"], "revision": 1}
        for session in ("other-tab", None, ""):
            body = {"data": [values[number] for number in dependency["inputs"]], "fn_index": dependency["id"]}
            body |= {"session_hash": session, "event_data": event_data}
            text = requests.post(f"{url}gradio_api/run/predict", json=body, timeout=30).text
            assert "augmentai-jobs" not in text
            assert "a__v1" not in text
    body = {
        "data": [values[number] for number in by_name["turn_page"]["inputs"]],
        "fn_index": by_name["turn_page"]["id"],
    }
    own = requests.post(f"{url}gradio_api/run/predict", json=body | {"session_hash": "own-tab"}, timeout=30)
    assert "augmentai-jobs" in own.text, "their own tab is shown it"


def test_only_the_intended_endpoint_is_listed(url: str) -> None:
    info = requests.get(url + "gradio_api/info", timeout=30).json()
    assert list(info["named_endpoints"]) == ["/augment", "/lift"]
    assert not info["unnamed_endpoints"]
    listed = requests.get(url + "gradio_api/openapi.json", timeout=30).json()["paths"]
    assert all("augment" in path or path.endswith(("upload", "{event_id}", "lift")) for path in listed), list(listed)


@pytest.mark.parametrize(
    "route",
    [
        "monitoring",
        "monitoring/summary",
        "monitoring/x",
        "openapi.json",
        "docs",
        "redoc",
        "gradio_api/runs",
        "gradio_api/run-history/records",
        "gradio_api/vibe-code/",
        "gradio_api/proxy=https://example.hf.space/",
        "gradio_api/deep_link?session_hash=x",
        "gradio_api/dev/reload",
        "gradio_api/custom_component/1/client/component/x.py",
        "gradio_api/stream/a/b/1/playlist.m3u8",
        "gradio_api/profiling/summary",
        "gradio_api/mcp/",
    ],
)
def test_unused_routes_are_closed(url: str, route: str) -> None:
    assert requests.get(url + route, timeout=30).status_code == 404
    assert requests.post(url + route, json={}, timeout=30).status_code in {404, 405, 422}


def test_the_queue_cannot_be_bypassed(url: str) -> None:
    for name in ("augment", *(d["api_name"] for d in dependencies(url) if d["queue"])):
        for route in (f"gradio_api/run/{name}", f"gradio_api/api/{name}"):
            assert requests.post(url + route, json={"data": []}, timeout=30).status_code == 404


@pytest.mark.parametrize("number", [-1, 10**6, "x", None, 1e300, True])
def test_unknown_function_numbers(url: str, number: Any) -> None:
    for route in ("queue/join", "run/predict"):
        body = {"data": [], "fn_index": number, "session_hash": "abc"}
        answer = requests.post(f"{url}gradio_api/{route}", data=json.dumps(body), timeout=30)
        assert 400 <= answer.status_code < 500 or number is True
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{" * 1000,
        b'{"data":' + b"[" * 150_000 + b"]" * 150_000 + b"}",
        b"\xff\xfe\x00",
        b'{"data": 1}',
        b'{"files": {"path": ["/etc/passwd"]}}',
        b'{"files": "/etc/passwd", "variations": {"a": []}}',
        b'{"files": [], "variations": 1e999, "nobody knows": true}',
    ],
)
def test_malformed_calls_are_refused(url: str, body: bytes) -> None:
    for route in ("call/v2/augment", "call/augment", "queue/join", "run/predict", "cancel", "reset", "call/v2/nobody"):
        answer = requests.post(
            f"{url}gradio_api/{route}", data=body, headers={"content-type": "application/json"}, timeout=60
        )
        assert answer.status_code < 500, (route, answer.status_code)
        assert "Traceback" not in answer.text
        if answer.ok and "event_id" in answer.text:
            assert "event: complete" not in outcome(url, answer.json()["event_id"])


@pytest.mark.parametrize("announced", [True, False])
def test_a_huge_call_is_not_read(url: str, announced: bool) -> None:
    body: Any = b"[" * 9_000_000 if announced else (b"[" * 1_000_000 for _ in range(9))
    answer = requests.post(f"{url}gradio_api/call/v2/augment", data=body, timeout=60)
    assert answer.status_code == 413
    assert "too large" in answer.json()["detail"]


@pytest.mark.parametrize(
    "keywords",
    [
        {"variations": 10**9},
        {"variations": "4; DROP TABLE"},
        {"strength": float("1e308")},
        {"seed": 2**70},
        {"seed": -(2**70)},
        {"engine": "../../gan"},
        {"output_format": "<script>"},
        {"prompt": "x" * 1_000_000, "engine": "gan", "variations": 99},
    ],
)
def test_settings_out_of_range_make_nothing(url: str, keywords: dict[str, Any]) -> None:
    mine = upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())
    text = augment(url, [{"path": mine, "meta": FILE_META}], **keywords)
    assert "event: error" in text
    assert "event: complete" not in text


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.png", "evil.js", "evil.xml"])
def test_uploads_are_never_executed(url: str, name: str) -> None:
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg><html><script>alert(1)</script>"
    answer = requests.get(f"{url}gradio_api/file={upload(url, name, script)}", timeout=30)
    assert answer.ok
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private"), "the visitor's browser may keep it, nothing between"
    assert "cache-control" not in requests.get(f"{url}gradio_api/file=/etc/hostname", timeout=30).headers
    assert name == "evil.png" or answer.headers["content-disposition"].startswith("attachment")


def test_names_with_parent_folders_are_cut(url: str, cache: Path) -> None:
    for name in ("../../../evil.png", "..\\..\\evil.png", "/etc/cron.d/evil.png", "a\x00b.png", "." * 300 + ".png"):
        path = Path(upload(url, name, b"x"))
        assert path.resolve().is_relative_to(cache.resolve())
        assert ".." not in path.parts


def test_polyglots_and_bombs_end_as_failures(url: str) -> None:
    png = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(png, "PNG")
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("../../escape.png", png.getvalue())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    bomb = io.BytesIO()
    Image.new("1", (40_000, 20_000)).save(bomb, "PNG")
    files = {
        "both.png": png.getvalue() + zipped.getvalue(),  # an image to some, a ZIP to others
        "both.zip": png.getvalue() + zipped.getvalue(),
        "set.zip": zipped.getvalue(),
        "bomb.png": bomb.getvalue(),
        "evil.svg": b"<svg><image href='file:///etc/passwd'/></svg>",
        "evil.png": b"<svg><image href='file:///etc/passwd'/></svg>",
    }
    uploads = [{"path": upload(url, name, data), "meta": FILE_META} for name, data in files.items()]
    text = augment(url, uploads, seed=1)
    assert "event: complete" in text
    report = json.loads(text.split("event: complete\ndata: ")[1].split("\n")[0])[2]
    failed = {row["file"] for row in report["failures"]}
    assert {"bomb.png", "evil.svg", "evil.png", "link.png", "../../escape.png"} <= failed
    assert report["variations"] >= 1
    assert "root:" not in text


def test_a_guessed_session_reveals_nothing(url: str) -> None:
    """While somebody works, a stranger asks for other sessions and events, and attempts to cancel and stop them."""
    mine = upload(url, "a.png", (EXAMPLES / "chelsea.png").read_bytes())
    body = {"files": [{"path": mine, "meta": FILE_META}], "variations": 3}
    event = requests.post(f"{url}gradio_api/call/v2/augment", json=body, timeout=30).json()["event_id"]
    for guess in ("", "a", "%", event[:-1] + "x", "../" + event):
        for route in (f"queue/data?session_hash={guess}", f"call/augment/{guess}"):
            with requests.Session() as session:
                try:
                    text = session.get(f"{url}gradio_api/{route}", timeout=30).text
                except requests.exceptions.ChunkedEncodingError:
                    continue  # Gradio breaks off
            assert mine not in text
            assert "augmentai-jobs" not in text
        requests.post(
            f"{url}gradio_api/cancel", json={"session_hash": guess, "fn_index": 0, "event_id": guess}, timeout=30
        )
    for dependency in dependencies(url):
        if dependency["api_name"] in {"stop", "close_session"}:
            body = {"data": [], "fn_index": dependency["id"], "session_hash": "stranger"}
            requests.post(f"{url}gradio_api/run/predict", json=body, timeout=30)
    text = outcome(url, event)
    assert "event: complete" in text
    assert '"variations": 3' in text


@pytest.mark.parametrize(
    ("part", "status", "length"),
    [
        pytest.param("bytes=2-5", 206, 4, id="from the middle"),
        pytest.param("bytes=2-", 206, 8, id="to the end"),
        pytest.param("bytes=0-0,2-3", 200, 10, id="two parts"),
        pytest.param("bytes=--5", 200, 10, id="two signs"),
        pytest.param(f"bytes={'9' * 5000}-", 200, 10, id="a number without end"),
        pytest.param("items=0-5", 200, 10, id="another unit"),
    ],
)
def test_a_part_of_a_file_that_is_not_understood_is_the_whole_file(
    url: str, part: str, status: int, length: int
) -> None:
    answer = requests.get(f"{url}gradio_api/file={upload(url, 'a.png', b'0123456789')}", headers={"Range": part})
    assert (answer.status_code, len(answer.content)) == (status, length)
