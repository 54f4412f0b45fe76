"""Stability's hosted image API, offline: enough of its contract to be honest, and every fault that can be thought of.

    python -m tests.emulator --port 8765
    STABILITY_API_KEY=sk-anything STABILITY_API_BASE=http://127.0.0.1:8765 python -m augmentai photos -o out

It shares no code with the client that it tests.
"""
