"""The MCP server: serves the tools over standard input and output, one call at a time, until the client goes."""

from __future__ import annotations

import base64
import json
import logging
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock
from typing import Any

import anyio
import jsonschema
from mcp import types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from augmentai.mcp.answers import Answer, Call, Reach, ToolError
from augmentai.mcp.tools import TOOLS, Tool
from augmentai.recipe import RecipeError
from augmentai.settings import Settings, SettingsError, load_settings
from augmentai.version import __version__

_INSTRUCTIONS = (
    "AugmentAI enlarges labelled image datasets. First inspect the set, then preview settings on one of its images, "
    "then augment into a new folder; lift measures whether that helps. Nothing is spent unless max_credits allows it."
)

_LONGEST_MESSAGE = 2_000  # characters: one that quotes an argument can be as long as the argument
_WAIT_SECONDS = 0.2  # between two looks whether a waiting call was cancelled
_log = logging.getLogger(__name__)


def build(settings: Settings, reach: Reach, tools: Sequence[Tool] = TOOLS) -> Server[dict[str, Any]]:
    """The server, ready to be connected to a client.

    Args:
        settings: limits, keys and models.
        reach: which files its tools may use.
        tools: what it offers.
    """
    known = {tool.name: tool for tool in tools}
    turn = Lock()  # a job has the whole machine, also one that was cancelled until it has ended

    async def list_tools(
        context: ServerRequestContext[dict[str, Any]], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in tools])

    async def call_tool(
        context: ServerRequestContext[dict[str, Any]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        stop = Event()

        def on_progress(done: int, total: int, words: str) -> None:
            if not stop.is_set():
                anyio.from_thread.run(context.session.report_progress, float(done), float(total), words or None)

        call = Call(params.arguments or {}, reach, settings, on_progress, stop)
        try:
            answer = await anyio.to_thread.run_sync(
                _in_turn, turn, known.get(params.name), call, abandon_on_cancel=True
            )
        except ToolError as error:
            return types.CallToolResult(content=[types.TextContent(text=_short(str(error)))], is_error=True)
        finally:
            stop.set()  # a cancelled call ends after the image at work, and keeps what is finished
        return _result(answer)

    return Server(
        "augmentai",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _short(message: str) -> str:
    """A message without its middle, if it is long."""
    half = _LONGEST_MESSAGE // 2
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:half]} ... {message[-half:]}"


def _in_turn(turn: Lock, tool: Tool | None, call: Call) -> Answer:
    """Serve a call once those before it have ended."""
    while not turn.acquire(timeout=_WAIT_SECONDS):
        if call.stop.is_set():
            raise ToolError("the call was cancelled before its turn")
    try:
        return _serve(tool, call)
    finally:
        turn.release()


def _serve(tool: Tool | None, call: Call) -> Answer:
    """Check and serve a call. Raises ToolError whatever goes wrong, so that the server stays."""
    if tool is None:
        raise ToolError(f"there is no such tool; there are {', '.join(tool.name for tool in TOOLS)}")
    if any(isinstance(value, float) and not math.isfinite(value) for value in call.arguments.values()):
        raise ToolError("an argument is not a finite number; JSON has no NaN and no Infinity")
    faults = jsonschema.Draft202012Validator(tool.schema).iter_errors(dict(call.arguments))
    if (fault := jsonschema.exceptions.best_match(faults)) is not None:
        where = ".".join(map(str, fault.absolute_path))
        raise ToolError(f"{where}: {fault.message}" if where else fault.message)
    try:
        return tool.run(call)
    except RecipeError as error:
        raise ToolError(str(error)) from error
    except ToolError:
        raise
    except Exception as error:  # a defect of ours
        _log.exception("the tool %s failed unexpectedly", tool.name)
        message = f"{tool.name} failed unexpectedly ({type(error).__name__}: {error}). Please report it."
        raise ToolError(message) from error


def _described(tool: Tool) -> types.Tool:
    annotations = types.ToolAnnotations(
        read_only_hint=tool.reads_only,
        destructive_hint=False,
        idempotent_hint=tool.reads_only,
        open_world_hint=not tool.reads_only,
    )
    return types.Tool(name=tool.name, description=tool.description, input_schema=tool.schema, annotations=annotations)


def _result(answer: Answer) -> types.CallToolResult:
    images = [
        types.ImageContent(data=base64.b64encode(data).decode(), mime_type="image/jpeg") for data in answer.images
    ]
    text = types.TextContent(text=json.dumps(answer.data, ensure_ascii=False))
    return types.CallToolResult(content=[text, *images], structured_content=answer.data)


def serve(folders: Sequence[Path]) -> None:
    """Serve a client over standard input and output until it goes.

    Args:
        folders: what the tools may read and write; the current folder if there are none.

    Raises:
        SystemExit: the environment holds a setting that cannot be used, or a folder does not exist.
    """
    for folder in folders:
        if not folder.expanduser().is_dir():
            sys.exit(f"AugmentAI cannot serve {folder}: there is no such folder")
    try:
        server = build(load_settings(), Reach.of(folders))
    except SettingsError as error:
        sys.exit(f"AugmentAI cannot start: {error}")
    anyio.run(_run, server)


async def _run(server: Server[dict[str, Any]]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
