"""One headless Chromium, spoken to over two pipes: its DevTools protocol needs no port then."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage"),
    *("--hide-scrollbars", "--remote-debugging-pipe", "--proxy-server=127.0.0.1:9"),
)
WITHIN = 120.0
"""Seconds for one answer; only a stuck browser needs so many."""

Json = dict[str, Any]


class Chrome:
    """A session with one page.

    Attributes:
        events: what the page said meanwhile, in order.
    """

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        self.events: list[Json] = []

    def open(self) -> None:
        """Open a page, with everything that it may complain of switched on."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> Json:
        """Ask, and wait for the answer."""
        self._number += 1
        said: Json = {"id": self._number, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._to, json.dumps(said).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                found: Json = answer["result"]
                return found

    def until(self, method: str) -> Json:
        """Wait for an event of the page."""
        while True:
            for event in self.events:
                if event["method"] == method:
                    return event
            self._next()

    def value(self, expression: str) -> Any:
        """Work an expression out in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def _next(self) -> Json:
        deadline = time.monotonic() + WITHIN
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], max(deadline - time.monotonic(), 0))
            assert ready, "Chromium does not answer"
            read = os.read(self._back, 1 << 20)
            assert read, "Chromium has ended"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        found: Json = json.loads(line)
        if "method" in found:
            self.events.append(found)
        return found


@contextmanager
def chrome(binary: str, folder: Path) -> Iterator[Chrome]:
    """Run a browser whose home is ``folder``; it is gone afterwards."""
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()
    command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    flags = [*_FLAGS, f"--user-data-dir={folder}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", command, "bash", binary, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "HOME": str(folder)},
        )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        session = Chrome(to, back)
        session.open()
        yield session
    finally:
        process.kill()
        process.wait()
        os.close(to)
        os.close(back)
