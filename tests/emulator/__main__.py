"""python -m tests.emulator: prints its address and serves until it is interrupted."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress

from tests.emulator.faults import NAMES
from tests.emulator.server import Server
from tests.emulator.state import State


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.emulator",
        description="Stability's hosted image API, offline, on 127.0.0.1.",
        epilog="While it runs: POST /_control {latency, credits, rate, retry_after, faults, reset}, GET /_stats. "
        f"Faults: {', '.join(NAMES)}.",
    )
    parser.add_argument("--port", type=int, default=8765, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=1.0, help="seconds a generation takes")
    parser.add_argument("--credits", type=float, default=1000.0, help="credits of the account")
    parser.add_argument("--rate", default="150,10,60", help="requests, seconds, seconds of lock-out")
    parser.add_argument("--retry-after", default="", help="value of that header with a 429")
    parser.add_argument("--plain", action="store_true", help="paint each size once, to take little of the machine")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[*TIMES]", help="as in 500*2; *-1 is always"
    )
    given = parser.parse_args()
    requests, window, lock = given.rate.split(",")
    faults = [{"name": name, "times": int(times or 1)} for name, _, times in (f.partition("*") for f in given.fault)]
    state = State(
        latency=given.latency,
        credits=given.credits,
        rate=(int(requests), float(window), float(lock)),
        retry_after=given.retry_after,
        plain=given.plain,
        faults=faults,
    )
    server = Server(given.port, state)
    print(server.url, flush=True)
    print(json.dumps({"try": f"STABILITY_API_KEY=sk-anything STABILITY_API_BASE={server.url}"}), flush=True)
    with suppress(KeyboardInterrupt):
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
