"""Programs that users name: started from an argument list, bounded in time and in what they say.

A program runs in a session of its own, so that what it has started ends with it, and a Ctrl-C at
the terminal reaches canaryctl alone, which decides.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO

from canaryctl.core.errors import CanaryctlError
from canaryctl.ports import Clock

MOST_SAID = 100_000
"""Bytes kept of each stream, unless more are asked for: its end."""
_LOOK_EVERY = 0.02
_GRACE = 2.0
"""Seconds between being asked to end and being ended."""


class CommandError(CanaryctlError):
    """The program cannot be started."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended.

    Attributes:
        code: its exit code; negative: the signal that ended it. None: its time was up, or it was
            stopped, and it was ended.
        out: the end of its standard output, ``MOST_SAID`` bytes at most, or as many as were asked
            for.
        err: the end of its standard error, likewise.
        seconds: how long it ran.
    """

    code: int | None
    out: str
    err: str
    seconds: float

    @property
    def last_words(self) -> str:
        """The last line it said; empty when it said nothing."""
        lines = [line.strip() for text in (self.out, self.err) for line in text.splitlines()]
        return next((line for line in reversed(lines) if line), "")


@dataclass(slots=True)
class Program:
    """A program under way."""

    process: subprocess.Popen[bytes]
    clock: Clock
    began: float
    most: int = MOST_SAID
    _said: dict[str, bytearray] = field(default_factory=dict)
    _readers: list[Thread] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        clock: Clock,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        keep: Sequence[int] = (),
        most: int = MOST_SAID,
    ) -> Program:
        """Start it.

        Args:
            argv: the program and its arguments; no shell reads them.
            clock: tells how long it runs.
            cwd: where it runs; left out: here.
            env: added to this process' environment.
            stdin: what it reads from standard input.
            keep: open files that it gets as well: a lock is held for as long as it lives.
            most: bytes kept of each stream.

        Raises:
            CommandError: there is no such program, or it may not be run.
        """
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise CommandError(f"{argv[0]!r} cannot be started: {why}") from error
        program = cls(process, clock, clock.now(), most)
        program._read("out", process.stdout)
        program._read("err", process.stderr)
        if process.stdin is not None:
            program._go(program._write, process.stdin, stdin)
        return program

    def _read(self, name: str, stream: IO[bytes] | None) -> None:
        assert stream is not None  # noqa: S101  both are pipes
        kept = self._said[name] = bytearray()
        self._readers.append(self._go(self._keep, stream, kept, self.most))

    @staticmethod
    def _go(work: Callable[..., None], *given: object) -> Thread:
        thread = Thread(target=work, args=given, daemon=True)
        thread.start()
        return thread

    @staticmethod
    def _keep(stream: IO[bytes], kept: bytearray, most: int) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            while piece := os.read(stream.fileno(), 65536):
                kept += piece
                del kept[: max(0, len(kept) - most)]

    @staticmethod
    def _write(stream: IO[bytes], text: bytes) -> None:
        with contextlib.suppress(OSError, ValueError), stream:
            stream.write(text)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return self.clock.now() - self.began

    def poll(self) -> Ran | None:
        """Tell how it ended; None: it runs."""
        if self.process.poll() is None:
            return None
        return self._ran(self.process.returncode)

    def end(self) -> Ran:
        """End it and all that it has started: asked first, then killed."""
        self._signal(signal.SIGTERM)
        until = self.clock.now() + _GRACE
        while self.process.poll() is None and self.clock.now() < until:
            self.clock.sleep(_LOOK_EVERY)
        self._signal(signal.SIGKILL)
        self.process.wait()
        return self._ran(None)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _ran(self, code: int | None) -> Ran:
        seconds = self.seconds
        for reader in self._readers:
            # What it left running may hold the pipe open; nobody waits for that.
            reader.join(timeout=0.5)
        said = {name: bytes(kept).decode(errors="replace") for name, kept in self._said.items()}
        return Ran(code, said["out"], said["err"], seconds)


def run(
    argv: Sequence[str],
    clock: Clock,
    within: float,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    stopped: Callable[[], object] = lambda: None,
    keep: Sequence[int] = (),
    most: int = MOST_SAID,
) -> Ran:
    """Run a program to its end.

    Args:
        argv: see ``Program.start``, as are ``clock``, ``cwd``, ``env``, ``stdin`` and ``keep``.
        clock: see there.
        within: seconds it may take; then it is ended, and its code is None.
        cwd: see there.
        env: see there.
        stdin: see there.
        stopped: asked again and again; once it gives something true the program is ended.
        keep: see there.
        most: see there.

    Raises:
        CommandError: it cannot be started.
    """
    program = Program.start(argv, clock, cwd=cwd, env=env, stdin=stdin, keep=keep, most=most)
    try:
        while (ran := program.poll()) is None:
            if program.seconds >= within or stopped():
                return program.end()
            clock.sleep(_LOOK_EVERY)
    except BaseException:
        program.end()
        raise
    return ran
