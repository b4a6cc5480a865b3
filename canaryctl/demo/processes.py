"""Helper processes of the demo: started, waited for, and always ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from canaryctl.core.errors import HostError
from canaryctl.demo.guard import GRACE_S
from canaryctl.ports import Clock

_GUARD = Path(__file__).with_name("guard.py")
_LOOK_AGAIN_S = 0.02
_ANSWER_S = 2.0
_LOG_TAIL = 2000


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Give ports nobody listens on, all different.

    For a minute nobody else is given them: a connection was closed on each just now, and a port
    in that state is only for those who name it, with ``SO_REUSEADDR``, as servers do.
    """
    with ExitStack() as stack:
        return tuple(stack.enter_context(_reserved(host)) for _ in range(count))


@contextlib.contextmanager
def _reserved(host: str) -> Iterator[int]:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, 0))
        server.listen(1)
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            served, _ = server.accept()
            served.close()  # whoever closes first keeps the port waiting
            client.recv(1)
        yield int(server.getsockname()[1])


class Child:
    """A process that lives as long as the ``with`` block, and no longer than this process.

    It runs under a guard (``guard.py``) in a process group of its own: a Ctrl-C in the
    terminal does not reach it, and a ``kill -9`` of this process ends it all the same.

    Attributes:
        pid: the program's own process id (not the guard's).
        log: the file with what the program printed, both streams.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_dir: Path,
        clock: Clock,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log_dir / f"{name}.log"
        self.pid = 0
        self._argv = tuple(argv)
        self._clock = clock
        self._env = None if env is None else {**os.environ, **env}
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the program.

        Raises:
            HostError: it cannot be started.
        """
        with self.log.open("ab") as log:
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *self._argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._env,
                start_new_session=True,
            )
        self._guard = guard
        assert guard.stdout is not None  # noqa: S101 - a pipe was asked for
        first_line = guard.stdout.readline().decode(errors="replace").strip()
        if not first_line.isdigit():
            self.stop()
            raise HostError(
                f"{self.name} cannot be started: {first_line or 'its guard ended at once'}",
                next_step=f"check that {self._argv[0]} is installed and may be run",
            )
        self.pid = int(first_line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the program."""
        self.stop()

    @property
    def exit_code(self) -> int | None:
        """The program's exit code (128 + n after signal n); None while it runs."""
        return None if self._guard is None else self._guard.poll()

    def wait_for_url(self, url: str, *, within: float) -> None:
        """Wait until ``url`` (http) is answered with a status below 500.

        Raises:
            HostError: the program ended, or ``within`` seconds went by.
        """
        self._wait(lambda: _answers(url), what=url, within=within)

    def wait_for_port(self, port: int, *, within: float, host: str = "127.0.0.1") -> None:
        """Wait until a connection is accepted; errors as in ``wait_for_url``."""
        self._wait(lambda: _accepts(host, port), what=f"{host}:{port}", within=within)

    def wait_for_end(self, *, within: float) -> int:
        """Wait until the program ends by itself and give its exit code.

        Raises:
            HostError: ``within`` seconds went by.
        """
        deadline = self._clock.now() + within
        while (code := self.exit_code) is None:
            if self._clock.now() >= deadline:
                raise HostError(f"{self.name} (pid {self.pid}) still runs after {within:g} s")
            self._clock.sleep(_LOOK_AGAIN_S)
        return code

    def stop(self) -> None:
        """End the program: SIGTERM, after a grace SIGKILL. Once ended, nothing happens."""
        guard = self._guard
        if guard is None:
            return
        for pipe in (guard.stdin, guard.stdout):
            if pipe is not None:
                pipe.close()
        try:
            guard.wait(GRACE_S + 2)
        except subprocess.TimeoutExpired:
            # The guard is stuck or stopped: do its work by pid. It has not been reaped, so
            # it still holds the program's pid and nobody else can have it.
            if self.pid:
                # It may be gone by now, or not yet lead a group of its own.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            guard.kill()
            guard.wait()

    def _wait(self, ready: Callable[[], bool], *, what: str, within: float) -> None:
        deadline = self._clock.now() + within
        while not ready():
            code = self.exit_code
            if code is not None:
                raise self._failed(f"ended with code {code} before {what} answered")
            if self._clock.now() >= deadline:
                raise self._failed(f"did not answer on {what} within {within:g} s")
            self._clock.sleep(_LOOK_AGAIN_S)

    def _failed(self, happened: str) -> HostError:
        said = self.log.read_text(errors="replace")[-_LOG_TAIL:].strip() or "nothing"
        return HostError(
            f"{self.name} {happened}; it printed: {said}", next_step=f"read {self.log}"
        )


def _answers(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=_ANSWER_S
    )
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_ANSWER_S):
            return True
    except OSError:
        return False
