"""A `canaryctl` under way: its events as they come, its guard, its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

Event = dict[str, Any]
END_WITHIN = 30.0
_POLL = 0.01


class ChaosError(AssertionError):
    """The world did not get where a test wants it, or is not as it must be."""


def eventually(condition: Callable[[], bool], what: str, within: float) -> float:
    """Wait until it holds, bounded; give the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + within:
            raise ChaosError(f"not within {within:g} s: {what}")
        time.sleep(_POLL)
    return time.monotonic() - began


class Running:
    """One process of ``canaryctl``.

    Attributes:
        process: of its own session, so that a signal to it reaches nobody else.
        began: monotonic seconds.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(env),
            start_new_session=True,
        )
        self.events: list[Event] = []
        self.out: list[str] = []
        self.err: list[str] = []
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.out), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stderr, self.err), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: IO[str], into: list[str]) -> None:
        with stream:
            for line in stream:
                into.append(line)
                event: Event | None = None
                if into is self.out:
                    with contextlib.suppress(ValueError):
                        event = json.loads(line)
                with self._news:
                    if event is not None:
                        self.events.append(event)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def code(self) -> int | None:
        """Its exit code, negative after a signal; None while it runs."""
        return self.process.poll()

    def said(self) -> str:
        """Give what it said on stderr so far."""
        return "".join(list(self.err))

    def wait_for(
        self, matches: Callable[[Event], bool], what: str, within: float = 30.0, after: int = 0
    ) -> Event:
        """Wait for an event of its stream, the ``after``-th or later.

        Raises:
            ChaosError: it ended without, or the time is up.
        """
        found = self.seen(matches, within, after)
        if found is None:
            tail = "".join([*self.out[-2:], *self.err[-6:]])[-1500:]
            raise ChaosError(f"no {what} (exit {self.code}): {tail}")
        return found

    def seen(
        self, matches: Callable[[Event], bool], within: float = 30.0, after: int = 0
    ) -> Event | None:
        """Wait for an event; None when it ended without, or the time is up."""
        deadline = time.monotonic() + within
        at = after
        with self._news:
            while True:
                while at < len(self.events):
                    if matches(self.events[at]):
                        return self.events[at]
                    at += 1
                left = deadline - time.monotonic()
                if left <= 0 or (self.code is not None and not self._readers[0].is_alive()):
                    return None
                self._news.wait(min(left, 0.2))

    def proven(self, weight: float, within: float = 30.0) -> Event:
        """Wait until it has proven this weight."""
        return self.wait_for(
            lambda e: e.get("status") == "proven" and e["weight"] == weight,
            f"{weight:g} % proven",
            within,
        )

    @property
    def outcome(self) -> Event | None:
        """The outcome, once it has told one."""
        last = self.events[-1] if self.events else None
        return last if last is not None and last.get("event") == "outcome" else None

    def last_word(self) -> Event | None:
        """Give the outcome of one that has ended, None when it told none. Its guard may live on."""
        self._readers[0].join(2)
        return self.outcome

    def guard_pid(self) -> int | None:
        """Give the process id of the guard that it started, None while there is none."""
        return next(iter(guards(parent=self.pid)), None)

    def guard(self, within: float = 10.0) -> int:
        """Give the process id of its guard; waits for it."""
        found: list[int] = []

        def there() -> bool:
            found.extend(guards(parent=self.pid))
            return bool(found)

        eventually(there, "the guard was started", within)
        return found[-1]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, and to nobody else."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self, within: float = END_WITHIN) -> int:
        """Wait for its end; give its exit code.

        Raises:
            ChaosError: it still runs then; it is killed.
        """
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            tail = "".join([*self.out[-6:], *self.err[-6:]])
            self.kill()
            raise ChaosError(f"still running after {within:g} s: {tail}") from None
        for reader in self._readers:
            reader.join(2)  # a guard that lives on holds stderr open
        return code

    def kill(self) -> None:
        """End it at once, by its own id; nothing happens when it has ended."""
        if self.code is None:
            self.send(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(2)


def guards(parent: int | None = None, state: Path | None = None) -> list[int]:
    """Find processes that guard a rollout, by who started them or by their state directory."""
    found = []
    for pid in numbers():
        if b"canaryctl.guarding.process" not in _proc(pid, "cmdline").split(b"\0"):
            continue
        if parent is not None and parent_of(pid) != parent:
            continue
        if state is None or _belongs(pid, state):
            found.append(pid)
    return found


def belonging(state: Path) -> dict[int, str]:
    """Find the live processes that were started with this state directory, and what they are."""
    return {
        pid: _proc(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
        for pid in numbers()
        if pid != os.getpid() and _belongs(pid, state) and _proc(pid, "cmdline")
    }


def _belongs(pid: int, state: Path) -> bool:
    return f"CANARYCTL_STATE_DIR={state}".encode() in _proc(pid, "environ").split(b"\0")


def numbers() -> list[int]:
    """Give all process ids."""
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]


def parent_of(pid: int) -> int | None:
    """Give the parent of a process; None when there is no such process."""
    stat = _proc(pid, "stat").rpartition(b")")[2].split()
    return int(stat[1]) if len(stat) > 1 else None


def _proc(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def canaryctl(config: Path, *arguments: str) -> list[str]:
    """Give the command line of ``canaryctl``."""
    return [sys.executable, "-m", "canaryctl", "--config", str(config), *arguments]
