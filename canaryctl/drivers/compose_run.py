"""One run of Compose at a time, bounded, and never two that do not know of each other.

A canaryctl that is killed leaves its Compose behind, which goes on to its end: half a change of
containers is worse than a whole one. Whoever comes next waits for that end. The lock is handed to
Compose itself, so the kernel knows how long it lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from canaryctl.core.errors import HostError
from canaryctl.drivers.command import run
from canaryctl.drivers.compose import ComposeProject, last_lines
from canaryctl.drivers.lock import Locks
from canaryctl.ports import Clock

_LOOK_EVERY = 0.1
_KIND = "compose"


@dataclass(frozen=True, slots=True)
class ComposeRuns:
    """Runs Compose for one project.

    Attributes:
        project: which one.
        clock: for the bounds.
        within: seconds that one run may take, and that another one's is waited for.
        env: added to this process' environment: which engine is meant.
    """

    project: ComposeProject
    clock: Clock
    within: float
    env: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        tick: Callable[[], object] = lambda: None,
    ) -> str:
        """Run it to its end; gives what it printed.

        Args:
            arguments: after the options that name the project.
            env: more of the environment: the versions that the files speak of.
            tick: called again and again; once it gives something true, Compose is ended.

        Raises:
            HostError: it failed, with the last lines of what it said; its time was up; it was
                ended because of ``tick``.
        """
        what = self.project.words(*arguments)
        with self._turn(tick) as held:
            ran = run(
                self.project.argv(*arguments),
                self.clock,
                self.within,
                env={**self.env, **(env or {})},
                stopped=tick,
                keep=held,
            )
        if ran.code == 0:
            return ran.out + ran.err
        said = last_lines(ran.out + ran.err)
        if ran.code is not None:
            raise HostError(f"{what} ended with code {ran.code}: {said or 'it said nothing'}")
        why = f"took longer than {self.within:g} s" if ran.seconds >= self.within else "was stopped"
        raise HostError(
            f"{what} {why}{f': {said}' if said else ''}",
            next_step="see what is there: " + " ".join(self.project.argv("ps")),
        )

    @contextlib.contextmanager
    def _turn(self, tick: Callable[[], object]) -> Iterator[tuple[int, ...]]:
        """Wait until no other run of this project's Compose is under way on this machine."""
        engine = self.env.get("DOCKER_HOST") or self.env.get("DOCKER_CONTEXT", "")
        lock = Locks(f"compose {engine} {self.project.name}", self.clock).descriptor(_KIND)
        if lock is None:
            yield ()
            return
        try:
            until = self.clock.now() + self.within
            while not _taken(lock):
                if self.clock.now() >= until or tick():
                    raise HostError(
                        f"another run of Compose for project {self.project.name} is under way",
                        next_step="wait for its end (ps), then try again",
                    )
                self.clock.sleep(_LOOK_EVERY)
            yield (lock,)
        finally:
            os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
