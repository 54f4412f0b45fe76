"""Builds the page and serves it: on a desk, in a Space, behind the proxy of AI Workbench."""

from __future__ import annotations

from typing import Any

from augmentai.engines import available
from augmentai.settings import EXAMPLES, Settings
from augmentai.web.texts import TAGLINE


def serve(settings: Settings, **overrides: Any) -> Any:
    """Start the server; returns what `Blocks.launch` returns. `overrides` go to `launch`."""
    from augmentai.web.page import build
    from augmentai.web.theme import CSS_FILE, theme

    page = build(settings, available(settings))
    page.queue(max_size=settings.queue_size, default_concurrency_limit=4, api_open=False)
    options: dict[str, Any] = {
        "server_name": settings.server_name or ("0.0.0.0" if settings.behind_proxy else "127.0.0.1"),
        "server_port": settings.server_port,
        "root_path": settings.root_path,
        "ssr_mode": False,  # fails behind a prefix-stripping proxy, and gains nothing for one page
        "max_file_size": int(settings.max_upload_mb * 1_000_000),
        "allowed_paths": [str(EXAMPLES)],
        "enable_monitoring": False,
        "run_history": False,
        "footer_links": ["api"],
        "theme": theme(),
        "css_paths": [CSS_FILE],
        "head": f'<meta name="description" content="AugmentAI: {TAGLINE}">',
    }
    return page.launch(**(options | overrides))
