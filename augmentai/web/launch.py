"""Opens the page: `python app.py` in a checkout or a Space, `augmentai web` where AugmentAI is installed."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from augmentai.system.ending import end_at_once_on, end_quickly
from augmentai.system.extras import missing

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> None:
    """Parse the flags, start the server and stay until it is ended.

    Args:
        arguments: the flags; those of the process by default.
        program: what the help calls the command; the name of the process by default.

    Raises:
        SystemExit: the page cannot be opened; the message says why and what to do.
    """
    parser = argparse.ArgumentParser(
        prog=program, description="Open AugmentAI's page. Everything else is set by environment variables."
    )
    parser.add_argument("--share", action="store_true", help="also open a public link, behind a password")
    parser.add_argument("--no-password", action="store_true", help="open the public link without a password")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", help="port (default: the first free one from 7860)")
    flags = parser.parse_args(arguments)
    end_at_once_on(signal.SIGTERM)  # until there is something to end: the imports below take seconds
    end_quickly()
    if reason := missing("web"):
        sys.exit(f"AugmentAI cannot open the page: {reason}")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # nothing is sent anywhere unless asked for
    os.environ.update(_variables(flags))
    _reach_own_server()

    from augmentai.settings import SettingsError, load_settings
    from augmentai.web.server import serve

    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"AugmentAI cannot start: {error}")
    serve(settings)


def _reach_own_server() -> None:
    """Gradio asks its own server whether it is there: not by way of the proxy that a company's machine has."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if known.strip() == "*":
        return
    own = [*_LOOPBACK, os.environ.get("GRADIO_SERVER_NAME", "").strip("[]")]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(dict.fromkeys(filter(None, [*known.split(","), *own])))


def _variables(flags: argparse.Namespace) -> dict[str, str]:
    """The environment variables that the given flags stand for."""
    values = {
        "GRADIO_SHARE": "true" if flags.share else None,
        "GRADIO_SERVER_NAME": flags.host,
        "GRADIO_SERVER_PORT": flags.port,
        "AUGMENTAI_ASK_PASSWORD": "false" if flags.no_password else None,
    }
    return {name: value for name, value in values.items() if value}
