"""Builds the page and serves it: locally, in a Space, in a container, behind AI Workbench's proxy, by a share link."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import wait
from contextlib import asynccontextmanager
from typing import Any, NoReturn

from augmentai.engines import available
from augmentai.engines.base import Engine
from augmentai.settings import EXAMPLES, Settings
from augmentai.system.ending import end_after, leave, on_first_signal
from augmentai.web.access.error_log import keep_inputs_out_of_the_log
from augmentai.web.access.public import USER_NAME, credentials, effective_settings
from augmentai.web.gradio_import import import_gradio
from augmentai.web.jobs.cleanup import Janitor, private_folder, waiting_files
from augmentai.web.texts import TAGLINE

_WARM_UP_AFTER_SECONDS = 6.0  # after the first visitor's page, which the import of torch would slow down
_JOBS_END_SECONDS = 4.8  # for jobs, once the server is to end: requests in flight are paid for and nearly answered
_DELIVERY_SECONDS = 0.7  # for programs that download a result as soon as they get it
_END_SECONDS = 4.8  # for the server, with whatever is then still at work
_CLOSE_SECONDS = 2.0  # for the server's loop to take note
_STUCK_SECONDS = 5.0  # likewise, if other threads keep this program's own timer from running


def build_app(settings: Settings) -> Any:
    """Build the page with its queue, ready for `launch(**launch_options(settings, page))`.

    Args:
        settings: as `effective_settings` returns them.
    """
    # `visitors` reads addresses by a stricter rule than uvicorn, which trusts whatever a local proxy passes on.
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    import_gradio()
    from augmentai.web.access.job_queue import JobQueue
    from augmentai.web.access.slow_connections import close_slow_connections
    from augmentai.web.access.small_sessions import keep_sessions_small
    from augmentai.web.access.uploads import track_temporary_files
    from augmentai.web.page import JOB_QUEUE, build
    from augmentai.web.parsing.pool import ParsingPool
    from augmentai.web.patient_start import start_patiently

    keep_inputs_out_of_the_log()
    close_slow_connections()
    start_patiently()
    track_temporary_files()
    keep_sessions_small()
    folder = private_folder()
    parsing = ParsingPool(settings.parse_seconds, settings.parse_mb)
    page = build(settings, engines := available(settings), parsing)
    page.parsing = parsing
    page.warm_up = threading.Timer(_WARM_UP_AFTER_SECONDS, _warm_up, [engines])
    page.queue(api_open=False)
    page._queue = JobQueue(page, settings, JOB_QUEUE, page.visitor_jobs)  # Gradio has no setting for this
    page.janitor = Janitor(folder, settings.keep_hours, lambda: waiting_files(page)).start()
    return page


def launch_options(settings: Settings, page: Any) -> dict[str, Any]:
    """The arguments of `Blocks.launch`."""
    from starlette.middleware import Middleware

    from augmentai.web.access.request_guard import RequestGuard
    from augmentai.web.access.site_guard import SiteGuard, listen_address
    from augmentai.web.theme import CSS_FILES, FAVICON, theme

    folder = str(private_folder())

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        # Gradio puts its CORS, which answers for any origin, in front of all middleware that it is given.
        app.middleware_stack = SiteGuard(app.middleware_stack, settings)
        page.server_loop = asyncio.get_running_loop()
        yield

    guard = Middleware(
        RequestGuard, settings=settings, folder=folder, queue=lambda: page._queue, deliveries=page.deliveries
    )
    return {
        "server_name": listen_address(settings),
        "server_port": settings.server_port,
        "root_path": settings.root_path,
        "share": settings.share,
        "auth": credentials(settings),
        "auth_message": f"User name: {USER_NAME}. Ask the person who gave you this link for the password.",
        "ssr_mode": False,  # fails behind a prefix-stripping proxy, and has no benefit for one page
        "max_file_size": int(settings.max_upload_mb * 1_000_000),
        "allowed_paths": [str(EXAMPLES)],
        "enable_monitoring": False,
        "run_history": False,
        "mcp_server": False,  # it would be open to every visitor; `augmentai mcp` serves assistants
        "show_error": False,
        "footer_links": ["api"],
        "_frontend": False,  # else Gradio ends a server that takes more than three seconds for its first page
        "theme": theme(),
        "css_paths": [*CSS_FILES],
        "favicon_path": str(FAVICON),
        "head": f'<meta name="description" content="AugmentAI: {TAGLINE}">',
        "app_kwargs": {
            "middleware": [guard],
            "lifespan": lifespan,
            "openapi_url": None,  # the API's own schema is Gradio's
        },
    }


def _warm_up(engines: Sequence[Engine]) -> None:
    """Load what the first job would wait for."""
    for engine in engines:
        engine.warm_up()


def serve(settings: Settings) -> None:
    """Start the server and block until it is stopped."""
    settings = effective_settings(settings)
    page = build_app(settings)
    password = settings.password.get_secret_value()
    if password:
        print(f"The page asks for a password. User name: {USER_NAME}, password: {password}", flush=True)
    elif settings.share:
        print("The share link opens without a password, as AUGMENTAI_ASK_PASSWORD says.", flush=True)
    on_first_signal(_exit, (signal.SIGTERM,))
    page.warm_up.daemon = True
    page.warm_up.start()
    page.parsing.warm_up()
    try:
        try:
            page.launch(**launch_options(settings, page))
        finally:
            _shut_down(page)
    except _AskedToEnd:
        leave(0)


class _AskedToEnd(SystemExit):
    """By a signal. It ends whatever the main thread is waiting for."""


def _shut_down(page: Any) -> None:
    """End the jobs after the images at work, so that what they made is kept and delivered, and then the server."""
    page.janitor.stop()
    page._queue.ending = True
    if page.stop_jobs(_JOBS_END_SECONDS):
        time.sleep(_DELIVERY_SECONDS)
    page.parsing.close()
    if getattr(page, "server", None) is not None:
        page.server.force_exit = True  # open streams are not waited for,
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # and their end is no error
    close(page)


def close(page: Any) -> None:
    """End the server of a page that was launched, whatever streams are open.

    Args:
        page: as `build_app` returned it.
    """
    loop = getattr(page, "server_loop", None)
    if loop is not None and loop.is_running():
        wait([asyncio.run_coroutine_threadsafe(_end_heartbeats(page), loop)], _CLOSE_SECONDS)
    page.close()


async def _end_heartbeats(page: Any) -> None:
    """In the server's own loop: Gradio would do it from this thread, and fail if a stream opens or ends meanwhile."""
    page.app.stop_event.set()


def _exit() -> NoReturn:
    """Containers and Workbench stop the server with SIGTERM, and kill it if it does not end soon."""
    end = threading.Timer(_END_SECONDS, os._exit, [0])
    end.daemon = True
    end.start()
    end_after(_STUCK_SECONDS)
    raise _AskedToEnd
