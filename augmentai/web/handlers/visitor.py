"""Who sends a request: the tab, and the browser."""

from __future__ import annotations

import re

import gradio as gr

_TOKEN = re.compile(r"[0-9a-f]{32}")


def session_of(request: gr.Request) -> str:
    """The session of a tab; random, so that nobody can name another's."""
    return request.session_hash or ""


def is_token(token: object) -> bool:
    """Whether a browser has a token from here. It may have stored anything."""
    return isinstance(token, str) and _TOKEN.fullmatch(token) is not None


def visitor_of(token: str, request: gr.Request) -> str:
    """Who may open a job: this browser; without its token, this tab.

    Args:
        token: what the page stored in the browser.
        request: of the tab.
    """
    return f"browser {token}" if is_token(token) else f"session {session_of(request)}"
