"""Requests that fail before there is a response, and what may not happen to the key."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest

from augmentai.engines.stability import StabilityEngine
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, accounted, run_job, settings_for, some_sources
from tests.support.other_hosts import EXPIRED, another_host, closed_port, tls_server


def test_the_address_may_have_a_path_of_its_own(emulator: Emulator) -> None:  # noqa: F811
    ran = run_job(settings_for(f"{emulator.url}/proxy/stability/"), some_sources(1))
    assert ran.engines == {"stability": 1}
    assert emulator.stats()["requests"][0]["path"] == "/proxy/stability/v2beta/stable-image/control/structure"


def test_netrc_does_not_take_the_keys_place(
    emulator: Emulator,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert run_job(settings_for(emulator), some_sources(1)).engines == {"stability": 1}


def test_through_a_proxy_it_is_known_as_well_how_far_a_request_got(
    emulator: Emulator,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", emulator.url)
    monkeypatch.setenv("http_proxy", emulator.url)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    emulator.fault("never", seconds=6)
    settings = settings_for("http://hosted.invalid", stability_read_seconds=1)
    ran = run_job(settings, some_sources(3))
    assert ran.engines == {"stability": 2, "gan": 1}
    assert "hosted.invalid did not answer in 1 s (5 credits may have been charged)" in ran.reasons


def test_an_exception_of_the_http_library_does_not_carry_the_key_out(emulator: Emulator) -> None:  # noqa: F811
    """Error reporters print the locals of every frame; the request, key and all, must be in none that is kept."""
    emulator.fault("reset-headers", times=-1)
    client = StabilityEngine(settings_for(emulator)).service.client()
    broken = client.post("/v2beta/stable-image/control/structure", {"prompt": "x"}, b"x", "image/png", lambda _: None)
    assert KEY not in repr(broken)
    assert not isinstance(broken, BaseException)


def test_refused_connection() -> None:
    ran = run_job(settings_for(f"http://127.0.0.1:{closed_port()}"))
    accounted(ran, 0, "127.0.0.1 refused the connection")
    assert ran.report.credits == 0


def test_connection_that_is_never_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as sockets:
        for _ in range(3):  # the queue is full from now on
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ran = run_job(settings_for(base, stability_connect_seconds=0.3, stability_faults=1))
    accounted(ran, 0, "no connection to 127.0.0.1 in 0.3 s")
    assert ran.report.credits == 0


def test_name_that_cannot_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # tests ask no name server
    ran = run_job(settings_for("https://api.hosted.invalid"))
    accounted(ran, 0, "the address api.hosted.invalid cannot be resolved (DNS)")


def test_expired_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(EXPIRED))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with tls_server() as (url, received):
        ran = run_job(settings_for(url))
    accounted(ran, 0, "the certificate of 127.0.0.1 is not valid or has expired")
    assert not received


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_to_another_host_is_not_followed(emulator: Emulator, status: int) -> None:  # noqa: F811
    received: list[str] = []
    with another_host(received) as url:
        emulator.fault("redirect", location=f"{url}/v2beta/stable-image/control/structure", status=status)
        ran = run_job(settings_for(emulator))
    accounted(ran, 3, "a redirect, which is not followed")
    assert not received
