"""Asking a real NGINX what it answers, within a bounded time."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request

_PATIENCE = 10.0  # seconds; a reload takes about 0.1


def answer(url: str) -> str | None:
    """Give the body, None when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            body: str = response.read().decode()
            return body
    except (urllib.error.URLError, OSError):
        return None


def answers_with(url: str, expected: str) -> bool:
    """Ask until the answer is the expected one; False when it never is."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if answer(url) == expected:
            return True
        time.sleep(0.02)
    return False


def listens(ip: str, port: int) -> bool:
    """Try until something accepts connections there; False when nothing does."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((ip, port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def server(port: int, says: str) -> str:
    """Write an NGINX server that says one thing."""
    return f"server {{ listen {port}; location / {{ return 200 '{says}'; }} }}\n"
