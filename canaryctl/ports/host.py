"""The machine or container that NGINX runs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from canaryctl.core.moment import Moment
from canaryctl.ports.steps import Performed, Step


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
