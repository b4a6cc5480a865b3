"""What the runner needs from the world, each as small as it can be.

Drivers in ``canaryctl.drivers`` implement these; ``tests/fakes.py`` has the fakes, and
both pass the same contract tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from canaryctl.core.commands import Command
from canaryctl.core.control import Answer, Desk
from canaryctl.core.drained import Drained
from canaryctl.core.events import Event
from canaryctl.core.hooks import HookResult
from canaryctl.core.moment import Moment
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.series import Readings, Wanted
from canaryctl.core.state import State
from canaryctl.core.streaks import Streaks
from canaryctl.core.weight import Weight


@dataclass(frozen=True, slots=True)
class Write:
    """Put ``content`` at ``path`` (absolute, on the host). Not atomic: only for staged files.

    With ``stamped``, the host's present moment follows it: see ``core.moment``.
    """

    path: str
    content: str
    stamped: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Run NGINX's binary with these arguments (``("-t", "-c", path)``), as it is run there."""

    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expect:
    """Go on only if ``path`` holds exactly ``content``: nobody changed it meanwhile."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Go on only if there is nothing at ``path``."""

    path: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Delete the files whose paths begin with ``stem`` and end with ``ending``, but for ``keep``.

    For what was staged by others: whoever staged it can swap it in no more.

    Attributes:
        stem: absolute, with a part of the file's name; only that one directory is looked at.
    """

    stem: str
    ending: str = ""
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """Keep every other ``Lock`` of ``path`` waiting until ``Unlock``, or until these steps end.

    The lock is the host's own, so it holds for all machines that reach this host.

    Attributes:
        path: of the lock file; it is made when there is none, and stays.
        patience: seconds to wait for one's turn; after that the step fails,
        needed: or, when it is not needed, the steps go on without the lock.
        instead: done before they go on without it, so that whoever hangs while holding it finds
            nothing to swap in when it wakes.
    """

    path: str
    patience: float = 5.0
    needed: bool = True
    instead: Sweep | None = None


@dataclass(frozen=True, slots=True)
class Unlock:
    """Give the lock back."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Rename ``staged`` over ``live``, atomically. Both lie in one directory."""

    staged: str
    live: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete ``path``; nothing there is fine."""

    path: str


@dataclass(frozen=True, slots=True)
class Reload:
    """Tell NGINX's master to load its configuration anew. Returns before it has."""


Step = Write | Run | Expect | Absent | Lock | Unlock | Swap | Remove | Sweep | Reload


@dataclass(frozen=True, slots=True)
class Performed:
    """How far a host came.

    Attributes:
        completed: how many steps succeeded, from the first on; the next one failed.
        output: what the steps printed (both streams), for the message to the user.
    """

    completed: int
    output: str


@dataclass(frozen=True, slots=True)
class Located:
    """One address as the host sees it.

    Attributes:
        peers: ``ip:port`` of every server behind it; empty when the name resolves to nothing.
        answers: whether a connection was accepted; None when that cannot be told from here.
        detail: what was seen, in words.
    """

    peers: tuple[str, ...]
    answers: bool | None
    detail: str


MOST_TAILED = 2_000_000
"""Bytes that ``Host.tail`` gives at most."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file that grows.

    Attributes:
        file: which file this is, whatever it is called: another one after a rotation.
        size: of the file now, in bytes; below the offset that was asked from once it was cut.
        content: the bytes from that offset up to ``size``; less where that is more than
            ``MOST_TAILED``.
    """

    file: str
    size: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Glance:
    """A file and the moment it was read at, on the host.

    Attributes:
        text: None when there is no such file.
        moment: the host's own.
    """

    text: str | None
    moment: Moment


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process of this NGINX.

    Attributes:
        pid: as the host numbers it.
        old: it was told to stop and is shutting down: it takes no new connection, and serves
            those that it has by the configuration that it was started with.
        age: seconds since it was started, by the host's own clock, to about 0.02.
        connections: sockets that it has and its master has not: those with clients, those with
            the servers behind (so a WebSocket counts twice), and seldom one of a resolver.
            None: not counted, because it is not shutting down, or may not be looked into.
    """

    pid: int
    old: bool
    age: float
    connections: int | None


class Host(Protocol):
    """Where NGINX runs. Every call is bounded in time by the driver.

    ``read``, ``glance``, ``tail``, ``locate`` and ``workers`` change nothing. ``perform`` is not
    idempotent.
    All raise ``HostError`` when the place itself cannot be reached.
    """

    def read(self, path: str) -> str | None:
        """Give a file's text, None when there is none."""
        ...

    def glance(self, path: str) -> Glance:
        """Give a file's text and the host's present moment."""
        ...

    def tail(self, path: str, offset: int) -> Tail | None:
        """Give what a file has from ``offset`` (bytes, 0 and up) on, None when there is none.

        Also raises ``HostError`` when it is no regular file, such as a pipe.
        """
        ...

    def perform(self, steps: Sequence[Step]) -> Performed:
        """Do the steps in order and stop at the first that fails."""
        ...

    def locate(self, address: str) -> Located:
        """Look up ``host:port`` as NGINX there would, and try to connect."""
        ...

    def workers(self) -> tuple[Worker, ...]:
        """Give the worker processes of this NGINX, the youngest first.

        Also raises ``HostError`` when its master is not found.
        """
        ...


class Metrics(Protocol):
    """Where numbers come from. Reading is idempotent."""

    def read(self, wanted: Sequence[Wanted], since: float) -> Readings:
        """Give raw series from before ``since`` (epoch seconds) up to now.

        At least one sample at or before ``since`` is included where the source has one,
        so that increments over the window can be counted from it.

        Raises:
            MetricsUnavailable: the source as a whole does not answer.
        """
        ...


class Counting(Protocol):
    """Who counts attempts at each version's servers."""

    def read(self) -> Attempts | None:
        """Give the increments since the last call; never raises.

        None: not known, such as at the first call, after a gap in the log, or while it cannot
        be read. What could not be read is in the next increments, or lost; never a zero.
        """
        ...

    def watch(self) -> Streaks:
        """Give what failed one after the other since the last call; never raises.

        ``Streaks()``: nothing is known. Where something of the log is lost it holds a gap.
        """
        ...


class Clock(Protocol):
    """Time, injected. The fake advances itself."""

    def now(self) -> float:
        """Epoch seconds; never runs backwards within a process."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written beside the weights, for whoever looks at the gateway.

    Attributes:
        release: the version being rolled out, such as v0.2.0; empty when none is.
        rollout: the rollout's id while one runs; empty for a weight set by hand.
        owner: ``user@machine:pid`` of who wrote it.
        reason: one sentence.
        stage: of the rollout, a number from 1; empty before the first, and by hand.
        share: that stage's weight in per cent; empty likewise.
    """

    release: str = ""
    rollout: str = ""
    owner: str = ""
    reason: str = ""
    stage: str = ""
    share: str = ""


@dataclass(frozen=True, slots=True)
class InForce:
    """What NGINX itself answers, and what its file says.

    Attributes:
        generation: of the configuration in force, as NGINX answers it; None when it does not
            answer.
        weight: the canary's, as NGINX answers it; None likewise.
        mark: what the file on disk says, None when there is none.
        on_disk: the generation of the file, which is another one after an unfinished change.
        problem: why NGINX does not answer; empty when it does.
    """

    generation: str | None
    weight: Weight | None
    mark: Mark | None
    on_disk: str | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a weight is in force.

    Attributes:
        generation: what NGINX answered.
        took: seconds from the first act to the proof.
        answers: how many answers in a row carried the generation, the last ones on fresh
            connections after the old workers had been told to stop accepting.
    """

    generation: str
    weight: Weight
    took: float
    answers: int


class Router(Protocol):
    """Where weights are set and proven."""

    def check(self, weights: Sequence[Weight]) -> tuple[str, ...]:
        """Have NGINX test the configuration of every weight, putting none in force.

        Returns this NGINX' version, then notes worth showing.

        Raises:
            ConfigurationRefused: NGINX's words, and for which weight.
            HostError: the host cannot be reached.
        """
        ...

    def set(self, weight: Weight, mark: Mark, expect: str | None) -> Proof:
        """Bring a weight into force and prove it. Not idempotent: each call is a generation.

        Args:
            weight: the canary's.
            mark: written beside it.
            expect: the generation that must be on disk now; None: whatever is there.

        Raises:
            Superseded: another generation than ``expect`` is there; nothing was changed.
            WeightRefused: the previous configuration is in force again, proven.
            TrafficUnknown: neither could be proven.
        """
        ...

    def generation(self) -> str:
        """Ask NGINX for the generation in force; a millisecond, so it may be asked every second.

        Raises:
            GatewayUnreachable: its control listener does not answer.
        """
        ...

    def drained(self, within: float) -> Drained:
        """Wait until no worker is left that knows the weight before the last change.

        Args:
            within: seconds this may take. Never raises: what was not seen is said.
        """
        ...

    def drift(self) -> str:
        """Compare what was set last with what is there now; empty: nothing has changed.

        Looks at the file, and at the addresses behind names. Says what changed, in words.

        Raises:
            HostError: the host cannot be reached.
        """
        ...

    def look(self) -> InForce:
        """Ask NGINX what is in force, and read what its file says.

        Raises:
            HostError: the host cannot be reached.
        """
        ...


class Tenure(Protocol):
    """One rollout's hold on the gateway. ``beat`` is cheap, and may be called at any time."""

    def take(self) -> None:
        """Take the gateway.

        Raises:
            GatewayHeld: somebody else holds it.
            HostError: the host cannot be reached, or refuses.
        """
        ...

    def beat(self, doing: str, state: State) -> None:
        """Give a sign of life, as often as it takes; renews the lease once that is due.

        Raises:
            Superseded: the lease is somebody else's now.
        """
        ...

    def mine(self) -> bool:
        """Tell whether nobody else holds the gateway.

        Raises:
            HostError: the host cannot be reached.
        """
        ...


@dataclass(frozen=True, slots=True)
class Identified:
    """What one peer said of itself.

    Attributes:
        address: as configured.
        peer: ``ip:port``.
        right: whether it is who it should be; None when that cannot be told from here.
        said: in words.
    """

    address: str
    peer: str
    right: bool | None
    said: str


class Identifying(Protocol):
    """Who asks the peers behind each address which version they are."""

    def check(self, release: str) -> tuple[Identified, ...]:
        """Ask each of them; the canary's are to be of ``release``.

        Raises:
            HostError: the host cannot be reached.
        """
        ...


class Asking(Protocol):
    """Who runs the hooks that are gates, beside the rollout. No method waits for one, or raises."""

    def look(self, state: State) -> tuple[HookResult, ...] | None:
        """Have the hooks run that the state waits for, and end those of any other state.

        Gives the results once all have passed, or one has not; None: nothing is new.
        """
        ...

    def close(self) -> None:
        """End what still runs."""
        ...


class Controls(Protocol):
    """Where people ask things of a running rollout."""

    def read(self) -> Desk:
        """See what was asked and answered.

        Raises:
            HostError: the host cannot be reached.
        """
        ...

    def answer(self, answer: Answer) -> None:
        """Answer a request.

        Raises:
            HostError: the host cannot be reached, or refuses.
        """
        ...


class Listener(Protocol):
    """Told of everything. What it raises is noted and changes nothing."""

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """An event happened, gave this state, and this command is about to be carried out."""
        ...

    def ticked(self, state: State, now: float) -> None:
        """Time passes while a stage is observed; about four times a second."""
        ...
