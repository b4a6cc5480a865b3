"""What a host is told to do, step by step, while it holds its lock."""

from __future__ import annotations

from dataclasses import dataclass


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


Step = Write | Run | Expect | Absent | Sweep | Lock | Unlock | Swap | Remove | Reload


@dataclass(frozen=True, slots=True)
class Performed:
    """How far a host came.

    Attributes:
        completed: how many steps succeeded, from the first on; the next one failed.
        output: what the steps printed (both streams), for the message to the user.
    """

    completed: int
    output: str
