"""Builds the page and serves it: on a desk, in a Space, behind the proxy of AI Workbench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from augmentai.engines import available
from augmentai.settings import EXAMPLES, Settings
from augmentai.web.texts import TAGLINE


def build_app(settings: Settings) -> Any:
    """The page with its queue, ready for `launch(**launch_options(settings))`."""
    from gradio.utils import get_upload_folder

    from augmentai.web.page import build
    from augmentai.web.runs import sweep

    sweep(Path(get_upload_folder()), settings.keep_hours)
    page = build(settings, available(settings))
    return page.queue(max_size=settings.queue_size, default_concurrency_limit=4, api_open=False)


def launch_options(settings: Settings) -> dict[str, Any]:
    """What `Blocks.launch` is given."""
    from augmentai.web.theme import CSS_FILE, theme

    return {
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


def serve(settings: Settings) -> None:
    """Start the server and stay until it is ended."""
    build_app(settings).launch(**launch_options(settings))
