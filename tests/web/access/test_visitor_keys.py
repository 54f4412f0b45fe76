"""A key that a visitor pastes: asked of the service for nothing, before anything is spent."""

# ruff: noqa: F811 (fixtures come in by import)

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from augmentai.engines import available
from augmentai.engines.paid import Account
from augmentai.web import texts
from augmentai.web.access import visitor_keys
from augmentai.web.access.visitor_keys import VisitorKeys
from tests.support.emulator_fixture import Emulator, emulator, emulator_process  # noqa: F401
from tests.support.hosted_job import KEY, settings_for


def keys_of(emulator: Emulator, **changes: Any) -> VisitorKeys:
    return VisitorKeys(available(settings_for(emulator, stability_api_key="", **changes)))


def test_what_is_left_is_said_and_nothing_is_charged(emulator: Emulator) -> None:
    keys = keys_of(emulator)
    account = keys.check(f" {KEY} ", "address")
    assert account.credits is not None
    assert f"{account.credits:,.6g} credits left ($" in texts.key_state(account)
    assert keys.refused(KEY, "auto") == ""
    assert emulator.stats()["charged"] == 0


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk-bad-one", "does not accept this key"),  # the service says so
        ("sk-ab cd", "a character that no key has"),  # it is never sent
    ],
)
def test_a_wrong_key_is_an_error_there_and_then(emulator: Emulator, key: str, words: str) -> None:
    keys = keys_of(emulator)
    assert words in texts.key_state(keys.check(key, "address"))
    for engine in ("auto", "stability"):
        assert words in keys.refused(key, engine)
    assert keys.refused(key, "gan") == "", "the local GAN needs none"
    assert keys.refused(KEY, "auto") == keys.refused("", "auto") == ""


def test_a_service_that_does_not_answer_is_no_wrong_key(emulator: Emulator) -> None:
    keys = keys_of(emulator, stability_api_base="http://127.0.0.1:9")
    account = keys.check(KEY, "address")
    assert account == Account()
    assert "could not be checked now" in texts.key_state(account)
    assert keys.refused(KEY, "auto") == ""


def test_nobody_tries_out_keys_by_the_page(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_keys, "_CHECKS_PER_HOUR", 2)
    keys = keys_of(emulator)
    said = [keys.check(f"sk-bad{number}", "address").refused for number in range(3)]
    assert "too many keys" in said[2]
    assert keys.refused("sk-bad2", "auto") == "", "nothing is known of it"
    assert "too many" not in keys.check("sk-bad3", "another address").refused


def test_a_key_is_kept_nowhere(emulator: Emulator) -> None:
    keys = keys_of(emulator)
    keys.check(KEY, "address")
    assert KEY not in repr(vars(keys))


def test_the_page_runs_no_job_with_a_refused_key(emulator: Emulator) -> None:
    from augmentai.recipe import Recipe
    from augmentai.web.access.visitors import Visitors
    from augmentai.web.handlers.job_runner import JobRunner
    from augmentai.web.jobs.run import JobRequest

    settings = settings_for(emulator, stability_api_key="")
    keys = keys_of(emulator)
    keys.check("sk-bad-one", "address")
    runner = JobRunner(settings, available(settings), Visitors(settings), None, keys)  # type: ignore[arg-type]
    request = JobRequest(lambda folder, stop: None, Recipe())  # type: ignore[arg-type, return-value]
    with pytest.raises(gr.Error, match="does not accept this key"):
        list(runner.run(request, None, None, "sk-bad-one"))  # type: ignore[arg-type]
