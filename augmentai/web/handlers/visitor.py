"""Who sends a request: the tab, and the browser."""

from __future__ import annotations

import gradio as gr

_MAX_TOKEN_CHARS = 64


def session_of(request: gr.Request) -> str:
    """The session of a tab; random, so that nobody can name another's."""
    return request.session_hash or ""


def visitor_of(token: str, request: gr.Request) -> str:
    """Who may find an interrupted job again: this browser; without its token, this tab.

    Args:
        token: what the page stored in the browser.
        request: of the tab.
    """
    return f"browser {token}" if token and len(token) <= _MAX_TOKEN_CHARS else f"session {session_of(request)}"
