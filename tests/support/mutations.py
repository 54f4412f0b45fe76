"""Label files as nobody should write them: real ones, of which parts are exchanged, removed, repeated or cut off."""

from __future__ import annotations

import re

from hypothesis import strategies as st

# Legal or nearly so in JSON, YAML, XML or CSV, and seldom what a reader expects there.
ODD = [
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1",
        "0",
        "²",
        "٣",
        "9" * 40,
        "9" * 5000,
        "0x1F",
        "1_000",
        "1.5",
        "1e-320",
    ),
    *(
        "null",
        "true",
        "[]",
        "{}",
        '""',
        "''",
        '"x"',
        "[1]",
        '[["a"]]',
        '{"a": 1}',
        "[" * 200,
        "~",
        "2021-13-45",
        "!!x y",
    ),
    *(
        "\\ud800",
        "\x00",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x1b[31m",
        "a" * 300,
        "../../etc/passwd",
        "C:\\x.jpg",
        "CON",
        "<b/>",
        "&a;",
    ),
    *(",", ";", '"', "'", "\n", "\r", "\t", " ", ":", "-", "}", "]", ">", "é"),
]
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[\w./\\-]+|[^\s\w]')
_KINDS = ["replace", "replace", "replace", "remove", "repeat", "insert", "swap", "cut off", "lines", "bytes"]

# (what is done, where it begins and ends as a share of the tokens, with which odd value)
MUTATIONS = st.lists(
    st.tuples(st.sampled_from(_KINDS), st.floats(0, 1), st.floats(0, 0.1), st.sampled_from(ODD)), min_size=1, max_size=3
)


def mutated(data: bytes, mutations: list[tuple[str, float, float, str]]) -> bytes:
    """A label file with some changes. The odd values are written as UTF-8."""
    for kind, place, length, odd in mutations:
        tokens = [found.span() for found in _TOKEN.finditer(data)]
        if not tokens:
            return data
        first = int(place * (len(tokens) - 1))
        last = min(len(tokens) - 1, first + int(length * len(tokens)))
        (start, end), (_, far) = tokens[first], tokens[last]
        value = odd.encode("utf-8", "surrogatepass")
        if kind == "replace":
            data = data[:start] + value + data[end:]
        elif kind == "insert":
            data = data[:start] + value + data[start:]
        elif kind == "remove":
            data = data[:start] + data[far:]
        elif kind == "repeat":
            data = data[:far] + data[start:far] + data[far:]
        elif kind == "swap":
            data = (
                data[:start] + data[slice(*tokens[last])] + data[end : tokens[last][0]] + data[start:end] + data[far:]
            )
        elif kind == "cut off":
            data = data[:end]
        elif kind == "lines":
            lines = data.splitlines(keepends=True)
            at = int(place * (len(lines) - 1))
            data = b"".join([*lines[:at], *lines[at : at + 1] * 2, *lines[at:][::-1]])
        else:
            data = data[:start] + bytes(range(128, 160)) + data[start:]
    return data
