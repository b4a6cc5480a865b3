"""How long a change of the weight took to reach the last request and the last stream.

A proof speaks of new connections. What clients opened before is answered by the workers of
before, by the weight of before, until these are gone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drained:
    """What became of the workers that knew the weight before.

    All seconds count from the beginning of the change. Connections are those with clients and
    those with the servers behind NGINX: a WebSocket is two.

    Attributes:
        workers: how many there were at the first look, right after the proof.
        connections: what they held then; None: it could not be counted.
        requests: seconds until nothing was left on which one more request could begin; None:
            not seen, because the wait ended first or it could not be counted.
        took: seconds until the last of them was gone; None: not seen.
        left: how many of them there were at the last look; 0 when ``took`` is known.
        held: connections that these held then; None: it could not be counted.
        cut: connections that NGINX ended, because ``limit`` was over.
        limit: seconds, NGINX's worker_shutdown_timeout; None: it has none, so what is left
            stays for as long as clients like.
        problem: why the workers could not be looked at; empty when they could.
    """

    workers: int
    connections: int | None
    requests: float | None
    took: float | None
    left: int = 0
    held: int | None = 0
    cut: int = 0
    limit: float | None = None
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether no worker is left that knows the weight before."""
        return self.took is not None

    def __str__(self) -> str:
        """Give it as one sentence, without a capital and a full stop."""
        if self.problem:
            return f"time to zero was not measured: {self.problem}"
        if self.took is not None:
            when = f"the last worker that knew the weight before was gone after {self.took:.1f} s"
            if self.requests is not None and self.requests < self.took:
                when = f"requests followed after {self.requests:.1f} s; {when}"
            if not self.cut:
                return when
            return f"{when}, {_connections(self.cut)} cut by worker_shutdown_timeout"
        end = (
            f"worker_shutdown_timeout ends them after {self.limit:g} s"
            if self.limit is not None
            else "worker_shutdown_timeout is not set, so they may stay for ever"
        )
        what = f"{self.left} old worker{'s' * (self.left != 1)} still hold"
        what += "s" * (self.left == 1)
        when = f"{what} {_connections(self.held)}; {end}"
        if self.requests is not None:
            return f"requests followed after {self.requests:.1f} s; {when}"
        return when


def _connections(count: int | None) -> str:
    if count is None:
        return "an unknown number of connections"
    two = " (a WebSocket is two)" if count > 1 else ""
    return f"{count:,} connection{'s' * (count != 1)}{two}"
