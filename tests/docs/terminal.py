"""A terminal on the pages' machine: commands one after another, as somebody types them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.place import Place

WITHIN = 300.0
_GRACE = 15.0
_EXEC = re.compile(r"^docker(-compose| compose)?\b.* exec ")
_PACKAGES = re.compile(r"\bguard/build\b|\bbuild-images\b|\bpip install\b")
# Each command is a shell of its own; where it is and what it has exported goes on to the next.
_SCRIPT = """
state=$1 command=$2
test -f "$state/env" && . "$state/env"
cd "$(cat "$state/cwd")" || exit 99
eval "$command"
code=$?
export -p > "$state/env"
pwd > "$state/cwd"
exit $code
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    command: str
    code: int
    printed: str
    seconds: float


class Typed:
    """A command under way."""

    def __init__(self, argv: list[str], env: Mapping[str, str], command: str, log: Path) -> None:
        self.command = command
        self._log = log
        self._began = time.monotonic()
        # `docker exec` wants a terminal to be typed at. Nothing is ever typed.
        self._keyboard = os.openpty() if _EXEC.search(command) else ()
        keys = self._keyboard[1] if self._keyboard else None
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                argv,
                stdin=keys or subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(env),
                start_new_session=True,
            )

    @property
    def printed(self) -> str:
        """What it has said so far, both streams."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def says(self, text: str, within: float = 120.0) -> None:
        """Wait until it has said this."""
        deadline = time.monotonic() + within
        while text not in self.printed:
            ended = self._process.poll() is not None and text not in self.printed
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{self.command}\nnever said {text!r}:\n{self.printed}")
            time.sleep(0.05)

    def interrupt(self) -> None:
        """Type Ctrl-C."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)

    def ended(self, within: float = WITHIN) -> Ran:
        """Wait for its end."""
        try:
            code = self._process.wait(within)
        except subprocess.TimeoutExpired:
            self.close()
            raise AssertionError(
                f"{self.command}\nstill runs after {within:g} s:\n{self.printed}"
            ) from None
        return Ran(self.command, code, self.printed, time.monotonic() - self._began)

    def close(self) -> None:
        """End it with all it started: as Ctrl-C, then at once."""
        self.interrupt()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for end in self._keyboard:
            os.close(end)
        self._keyboard = ()


@dataclass
class Terminal:
    """One terminal.

    Attributes:
        place: where.
        base: an empty folder for what it notes.
        env: what it begins with.
        cwd: where it begins.
        outside: on this machine's own network, where packages can be had.
    """

    place: Place
    base: Path
    env: Mapping[str, str]
    cwd: Path
    outside: bool = False
    _typed: list[Typed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.base.mkdir(parents=True, exist_ok=True)
        self.go(self.cwd)

    def go(self, folder: Path) -> None:
        """Change the folder."""
        (self.base / "cwd").write_text(f"{folder}\n")

    @property
    def here(self) -> Path:
        """The folder it is in."""
        return Path((self.base / "cwd").read_text().rstrip("\n"))

    def type(self, command: str) -> Typed:
        """Start a command."""
        shell = ["bash", "-c", _SCRIPT, "bash", str(self.base), command]
        log = self.base / f"{len(self._typed):03}.log"
        outside = self.outside or _PACKAGES.search(command)
        argv = shell if outside else self.place.inside(*shell)
        started = Typed(argv, self.env, command, log)
        self._typed.append(started)
        return started

    def another(self) -> Terminal:
        """Open another one, in the same folder."""
        other = Terminal(self.place, self.base / f"beside-{len(self._typed)}", self.env, self.here)
        with contextlib.suppress(FileNotFoundError):
            (other.base / "env").write_text((self.base / "env").read_text())
        return other

    def close(self) -> None:
        """End what still runs in it."""
        for typed in self._typed:
            typed.close()
