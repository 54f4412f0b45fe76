"""Under which names a server answers, and to the pages of which sites."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from augmentai.settings import Settings
from augmentai.web.access.site_guard import own_names
from tests.support.app_server import serving

Lines = Sequence[tuple[str, str]]
PASSWORD = "open sesame"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nx\r\n--b--\r\n'
ROUTES = [
    ("POST", "gradio_api/upload"),
    ("POST", "gradio_api/queue/join"),
    ("POST", "gradio_api/call/augment"),
    ("POST", "gradio_api/call/v2/augment"),
    ("POST", "gradio_api/run/predict"),
    ("POST", "gradio_api/cancel"),
    ("POST", "gradio_api/reset"),
    ("POST", "login"),
    ("PUT", "gradio_api/upload"),
    ("DELETE", "gradio_api/upload"),
    ("OPTIONS", "gradio_api/upload"),
    ("GET", "config"),
]


@pytest.fixture(scope="module", params=["", PASSWORD], ids=["open", "password"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(password=request.param, hosts="augment.example.org,*.lab.example.org")
    with serving(settings, tmp_path_factory.mktemp("gradio")) as address:
        yield address


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Listens on all addresses, as in a container."""
    with serving(Settings(server_name="0.0.0.0"), tmp_path_factory.mktemp("gradio"), server_name="0.0.0.0") as address:
        yield address


def ask(
    url: str, lines: Lines, method: str = "GET", path: str = "gradio_api/app_id", body: bytes = b""
) -> tuple[int, str]:
    """Status and text of the answer to a request with exactly these header lines; {port} is the server's."""
    port = urlsplit(url).port
    head = [
        f"{method} /{path} HTTP/1.1",
        *(f"{name}: {value.replace('{port}', str(port))}" for name, value in lines),
        f"Content-Length: {len(body)}",
        "Content-Type: multipart/form-data; boundary=b",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        # In one piece: a body that arrives after the server has closed on a bad head would reset the connection.
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        answer = http.client.HTTPResponse(connection, method=method)
        answer.begin()
        text = answer.read().decode()
    assert "access-control-allow-origin" not in answer.headers or answer.status not in (403, 421)
    return answer.status, text


@pytest.mark.parametrize(
    "host",
    [
        "localhost:{port}",
        "LOCALHOST:{port}",
        "127.0.0.1:{port}",
        "[::1]:{port}",
        "localhost",
        "localhost:8080",  # a forwarded port
        "augment.example.org",
        "Augment.Example.org:8443",
        "a.lab.example.org",
        "a.b.lab.example.org:80",
    ],
)
def test_the_hosts_that_a_server_was_started_for(url: str, host: str) -> None:
    assert ask(url, [("Host", host)])[0] == 200


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [("Host", "")],
        [("Host", "evil.example:{port}")],
        [("Host", "localhost.:{port}")],
        [("Host", "a.localhost:{port}")],
        [("Host", "localhost.evil.example")],
        [("Host", "127.0.0.1.evil.example")],
        [("Host", "[::ffff:127.0.0.1]:{port}")],
        [("Host", "[::]:{port}")],
        [("Host", "0.0.0.0:{port}")],
        [("Host", "127.0.0.2:{port}")],
        [("Host", "127.1:{port}")],
        [("Host", "2130706433")],
        [("Host", "nas.local")],
        [("Host", socket.gethostname() + ".example")],
        [("Host", "lab.example.org")],
        [("Host", "evillab.example.org")],
        [("Host", "augment.example.org.")],
        [("Host", "x.gradio.live")],
        [("Host", "somebody-augmentai.hf.space")],
        [("Host", "localhost@evil.example")],
        [("Host", "evil.example#localhost")],
        [("Host", "localhost:{port}"), ("X-Forwarded-Host", "evil.example")],
        [("Host", "localhost:{port}"), ("X-Forwarded-Host", "localhost, evil.example")],
        [("Host", "localhost:{port}"), ("X-Forwarded-Host", "localhost"), ("X-Forwarded-Host", "evil.example")],
        [("Host", "evil.example"), ("X-Forwarded-Host", "localhost")],
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", "gradio_api/upload")])
def test_other_hosts_are_refused(url: str, lines: Lines, method: str, path: str) -> None:
    status, text = ask(url, lines, method, path, MULTIPART if method == "POST" else b"")
    if status == 400:  # the HTTP parser's own refusal
        assert lines in ([], [("Host", "")]), text
        return
    assert status == 421
    assert json.loads(text)["detail"].startswith("This server does not answer for the host ")
    assert "add the name to AUGMENTAI_HOSTS" in text


@pytest.mark.parametrize(
    "lines",
    [
        [("Origin", "http://evil.example")],
        [("Origin", "http://evil.example:{port}")],
        [("Origin", "null")],
        [("Origin", "file://")],
        [("Origin", "http://127.0.0.1:9")],
        [("Origin", "http://127.0.0.1")],
        [("Origin", "http://localhost:{port}")],  # another name of the same server is another origin
        [("Origin", "http://localhost.:{port}")],
        [("Origin", "http://[::1]:{port}")],
        [("Origin", "http://[::ffff:127.0.0.1]:{port}")],
        [("Origin", "http://127.0.0.1:{port}.evil.example")],
        [("Origin", "http://127.0.0.1:{port}@evil.example")],
        [("Origin", "chrome-extension://127.0.0.1:{port}")],
        [("Origin", "http://[")],
        [("Origin", "http://127.0.0.1:{port}"), ("Origin", "http://evil.example")],
        [("Origin", "http://evil.example"), ("Referer", "http://127.0.0.1:{port}/")],
        [("Origin", "http://evil.example"), ("Sec-Fetch-Site", "same-origin")],
    ],
)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_other_origins_are_refused(url: str, lines: Lines, method: str, path: str) -> None:
    status, text = ask(url, [("Host", "127.0.0.1:{port}"), *lines], method, path, MULTIPART)
    assert status == 403
    assert "Requests from other sites" in json.loads(text)["detail"]


@pytest.mark.parametrize(
    "lines",
    [
        [("Referer", "http://evil.example/")],
        [("Referer", "http://127.0.0.1:9/x")],
        [("Referer", "http://localhost:{port}/")],
        [("Referer", "about:blank")],
        [("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "same-site")],
    ],
)
@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[0] != "GET"])
def test_where_no_origin_is_sent_the_other_marks_of_a_site_count(
    url: str, lines: Lines, method: str, path: str
) -> None:
    status, text = ask(url, [("Host", "127.0.0.1:{port}"), *lines], method, path, MULTIPART)
    assert status == 403, text
    assert ask(url, [("Host", "127.0.0.1:{port}"), *lines[:1], ("Sec-Fetch-Mode", "navigate")])[0] == 200, "a link"


@pytest.mark.parametrize(
    "lines",
    [
        [("Host", "127.0.0.1:{port}")],  # a program
        [("Host", "127.0.0.1:{port}"), ("Origin", "http://127.0.0.1:{port}"), ("Sec-Fetch-Site", "same-origin")],
        [("Host", "localhost:{port}"), ("Origin", "http://localhost:{port}")],
        [("Host", "[::1]:{port}"), ("Origin", "http://[::1]:{port}")],
        [("Host", "127.0.0.1:{port}"), ("Referer", "http://127.0.0.1:{port}/?__theme=dark")],
        [("Host", "augment.example.org"), ("Origin", "https://augment.example.org")],
        [("Host", "augment.example.org:443"), ("Origin", "https://augment.example.org")],
        [
            ("Host", "127.0.0.1:{port}"),
            ("X-Forwarded-Host", "augment.example.org"),
            ("Origin", "https://augment.example.org"),
        ],
    ],
)
def test_the_page_itself_and_programs_are_served(url: str, lines: Lines) -> None:
    status, text = ask(url, lines, "POST", "gradio_api/upload", MULTIPART)
    assert status in (200, 401), text  # 401: it asks for the password
    assert "other sites" not in text


def test_a_websocket_of_another_site_is_not_opened(url: str) -> None:
    handshake = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    foreign = [("Host", "127.0.0.1:{port}"), ("Origin", "http://evil.example"), *handshake]
    assert ask(url, foreign, path="gradio_api/queue/join")[0] == 403
    rebound = [("Host", "evil.example:{port}"), ("Origin", "http://evil.example:{port}"), *handshake]
    assert ask(url, rebound, path="gradio_api/queue/join")[0] in (403, 421)


def test_a_server_on_all_addresses_answers_for_its_own(everywhere: str) -> None:
    machine = socket.gethostname()
    own = ["0.0.0.0:{port}", "127.0.0.1:{port}", machine + ":{port}", f"{machine.partition('.')[0]}.local"]
    for host in own:
        assert ask(everywhere, [("Host", host)])[0] == 200, host
    for host in ("203.0.113.7:{port}", "evil.example", "[::ffff:127.0.0.1]:{port}"):
        assert ask(everywhere, [("Host", host)])[0] == 421, host
    foreign = [("Host", machine + ":{port}"), ("Origin", "http://evil.example")]
    assert ask(everywhere, foreign, "POST", "gradio_api/upload", MULTIPART)[0] == 403
    smuggled = [
        ("Host", machine + ":{port}"),
        ("Origin", f"http://{machine}:9"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-forwarded-host"),
    ]
    assert ask(everywhere, smuggled, "OPTIONS", "gradio_api/upload")[0] == 403, "no browser may add that header"


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (Settings(space_id="somebody/augmentai", space_host="somebody-augmentai.hf.space"), "*.hf.space"),
        (Settings(space_id="a/b", space_host="augment.example.org, a-b.hf.space"), "augment.example.org"),
        (Settings(share=True), "*.gradio.live"),
        (Settings(root_path="https://augment.example.org/x"), "augment.example.org"),
        (Settings(server_name="192.168.1.5"), "192.168.1.5"),
        (Settings(behind_proxy="/x"), socket.gethostname().lower()),
    ],
)
def test_names_by_place(settings: Settings, name: str) -> None:
    assert {"localhost", "127.0.0.1", "::1", name} <= own_names(settings)
    assert name not in own_names(Settings())


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        (Settings(share=True, ask_password=False), "0123456789abcdef.gradio.live"),
        (Settings(space_id="somebody/augmentai"), "somebody-augmentai.hf.space"),
    ],
    ids=["share link", "Space"],
)
def test_share_links_and_spaces(tmp_path: Path, settings: Settings, host: str) -> None:
    with serving(settings, tmp_path / "gradio", share=False) as url:
        own = [("Host", host), ("Origin", f"https://{host}")]
        assert ask(url, own, "POST", "gradio_api/upload", MULTIPART)[0] == 200
        other = [("Host", host), ("Origin", f"https://other-{host}")]
        assert ask(url, other, "POST", "gradio_api/upload", MULTIPART)[0] == 403
        assert ask(url, [("Host", "evil.example")])[0] == 421


def test_gradio_client_works(tmp_path: Path) -> None:
    Image.new("RGB", (48, 32), "teal").save(tmp_path / "a.png")
    with serving(Settings(), tmp_path / "gradio") as url:
        for address in (url, url.replace("127.0.0.1", "localhost")):
            client = Client(address, verbose=False, download_files=False)
            assert client.predict(files=[handle_file(tmp_path / "a.png")], api_name="/augment")[2]["variations"] == 1


def test_a_refusal_is_one_line_of_the_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    ask(url, [("Host", "evil.example")], path="gradio_api/queue/data%0Afake?session_hash=secret")
    [record] = [record for record in caplog.records if "refused" in record.getMessage()]
    assert "\n" not in record.getMessage()
    assert "secret" not in record.getMessage()
    assert record.exc_info is None
