"""The demo's Compose project: brought up, and taken down whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

from canaryctl.core.errors import HostError
from canaryctl.drivers.compose import ComposeProject, last_lines
from canaryctl.ports import Clock

_PROBE_S = 20.0
_DOWN_S = 90.0
_DOWN_ATTEMPTS = 5
_DOWN_PAUSE_S = 1.0
_FINISH_S = 5.0
_END_S = 30.0
_LOG_TAIL = 2000
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Compose:
    """One project of a Compose file.

    Attributes:
        command: what ``compose_command`` gave.
        project: its name; names containers, networks, volumes and built images.
        file: the Compose file.
        variables: what its ``${NAME}`` stand for; they win over ``env_file``.
        env_file: more of them, for images; None: the Compose file's own defaults.
        log: where Compose's output goes.
        clock: for the time between two attempts to take it down.
    """

    command: tuple[str, ...]
    project: str
    file: Path
    variables: Mapping[str, str]
    env_file: Path | None
    log: Path
    clock: Clock

    def up(self, *services: str, within: float) -> None:
        """Build and start services (all without a name), in the background.

        Raises:
            HostError: Compose failed; says what it printed. Or it took over ``within`` seconds.
        """
        self._run("up", "-d", "--build", *services, within=within)

    def down(self) -> None:
        """Remove all that ``up`` made, also of one that was cut short. No second Ctrl-C stops it.

        An engine still finishes what a Compose that was ended had asked of it, also after a
        first ``down`` has looked at what is there: so it is looked again, and repeated.

        Raises:
            HostError: something is left; says what, or how to see it.
        """
        with uninterrupted():
            for attempt in range(1, _DOWN_ATTEMPTS + 1):
                try:
                    self._down()
                except HostError:
                    if attempt == _DOWN_ATTEMPTS:
                        raise
                else:
                    if not (left := self._left()):
                        return
                self.clock.sleep(_DOWN_PAUSE_S)
        raise HostError(
            f"of Compose project {self.project} are left: {', '.join(left)}",
            next_step=f"remove them: docker rm --force {' '.join(left)}",
        )

    def _down(self) -> None:
        remove = ("--volumes", "--rmi", "local", "--remove-orphans", "--timeout", "3")
        self._run("down", *remove, within=_DOWN_S)

    def _left(self) -> list[str]:
        """Name the project's containers, also those that only just came to be."""
        from canaryctl.drivers.docker_connect import connect, engine_errors  # noqa: PLC0415  190 ms

        label = f"com.docker.compose.project={self.project}"
        with contextlib.closing(connect()) as engine, engine_errors("cannot list containers"):
            found = engine.api.containers(all=True, filters={"label": label})
        return [str(one["Names"][0]).lstrip("/") for one in found if one["Names"]]

    def tail(self) -> str:
        """Give what the services printed last, for a message; empty when that fails too."""
        try:
            asked = subprocess.run(
                self._argv("logs", "--no-color", "--tail", "8"),
                env=self._env(),
                capture_output=True,
                text=True,
                timeout=_PROBE_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return asked.stdout.strip()[-_LOG_TAIL:]

    def _argv(self, *arguments: str) -> list[str]:
        project = ComposeProject(self.command, self.project, (self.file,), self.env_file)
        return project.argv(*arguments)

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.variables}

    def _run(self, *arguments: str, within: float) -> None:
        began = self.log.stat().st_size if self.log.exists() else 0
        what = f"`{' '.join((*self.command, arguments[0]))}` of project {self.project}"
        hint = f"see what is there: docker ps --all --filter name={self.project}"
        with self.log.open("ab") as log:
            try:
                code = bounded(
                    self._argv(*arguments), log, within, env=self._env(), finish=_FINISH_S
                )
            except OSError as error:
                raise HostError(f"{what} cannot be started: {error}") from error
            except subprocess.TimeoutExpired:
                raise HostError(f"{what} took longer than {within:g} s", next_step=hint) from None
        if code != 0:
            said = last_lines(self.log.read_bytes()[began:].decode(errors="replace"))
            raise HostError(f"{what} ended with code {code}: {said}", next_step=hint)


def bounded(
    argv: Sequence[str],
    output: IO[Any],
    within: float,
    *,
    env: Mapping[str, str] | None = None,
    finish: float = 0.0,
) -> int:
    """Run a program to its end and give its exit code; what stops us ends it as well, cleanly.

    In a session of its own: a Ctrl-C in the terminal reaches canaryctl only, which then ends
    the program and takes down whatever had been made by then.

    Args:
        argv: the program and its arguments.
        output: where both of its streams go.
        within: seconds it may take.
        env: its environment; None: ours.
        finish: seconds it gets to come to its own end first when we are stopped.

    Raises:
        OSError: it cannot be started.
        subprocess.TimeoutExpired: it took longer than ``within`` seconds.
    """
    running = subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        return running.wait(within)
    except BaseException:
        with uninterrupted():
            _end(running, finish)
        raise


def _end(running: subprocess.Popen[bytes], finish: float) -> None:
    """End a program and what it started: Compose's plugin is a child of ``docker``."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        running.wait(finish)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
    try:
        running.wait(_END_S)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C, SIGTERM and SIGHUP off until the block has ended; then they have their effect."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals go to the main thread
        return
    arrived: list[int] = []

    def noted(number: int, _: FrameType | None) -> None:
        if not arrived:
            sys.stderr.write("canaryctl: ending as soon as everything is taken down …\n")
        arrived.append(number)

    before: dict[signal.Signals, Any] = {n: signal.signal(n, noted) for n in _INTERRUPTS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in dict.fromkeys(arrived):
            signal.raise_signal(one)
