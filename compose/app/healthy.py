# ruff: noqa: INP001 - a folder of one program, not a package
"""Tells Docker whether the service answers: ends with 0 if it does. Nothing is counted for it."""

from __future__ import annotations

import os
import socket
import sys

WITHIN_S = 2.0
LONGEST = 64
"""Bytes: what an answer begins with is enough."""


def main() -> int:
    """Ask once. By hand: to load an HTTP client takes three times as long as the whole question."""
    port = int(os.environ.get("APP_PORT", "8000"))
    try:
        with socket.create_connection(("127.0.0.1", port), WITHIN_S) as asked:
            asked.settimeout(WITHIN_S)
            asked.sendall(b"GET /live HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            answer = asked.recv(LONGEST)
    except OSError as error:
        sys.stdout.write(f"http://127.0.0.1:{port}/live: {error}\n")
        return 1
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"]:
        sys.stdout.write(f"http://127.0.0.1:{port}/live: {answer[:LONGEST]!r}\n")
    return int(status != [b"200"])


if __name__ == "__main__":
    sys.exit(main())
