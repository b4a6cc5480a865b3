# ruff: noqa: INP001 - a folder of one program, not a package
"""Tells Docker whether the service answers: ends with 0 if it does. Nothing is counted for it."""

from __future__ import annotations

import os
import sys
import urllib.request
from http import HTTPStatus

WITHIN_S = 2.0


def main() -> int:
    """Ask once."""
    url = f"http://127.0.0.1:{os.environ.get('APP_PORT', '8000')}/live"
    try:
        with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:
            return int(answer.status != HTTPStatus.OK)
    except OSError as error:
        sys.stdout.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
