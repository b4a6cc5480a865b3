"""Idle connections to NGINX's workers, which close them when they stop accepting."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

AT_ONCE = 24
"""Connections that are tried together, so that not one idle worker takes them all."""
ROUNDS = 4
"""How often at most, for as long as workers show that had not been seen."""
TIMEOUT = 0.5
"""Seconds for any one of them; this is an aid, and NGINX may not even run."""


@dataclass(slots=True)
class Held:
    """At most one connection to each worker that took one. Closed by ``close``."""

    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def left(self) -> int:
        """Count the connections that their workers have not closed."""
        poll, still = select.poll(), 0
        for connection in self.connections:
            if connection.sock is not None:
                poll.register(connection.sock, select.POLLIN)
                still += 1
        # Nothing was asked, so what can be read is the end.
        return still - len(poll.poll(0))

    def close(self) -> None:
        """Give all of them back."""
        for connection in self.connections:
            connection.close()


def hold(connect: Callable[[], http.client.HTTPConnection], path: str) -> Held:
    """Open connections at once, ask each who answers, and keep one a worker.

    Never raises for what the network does: without any, a proof waits for as long as NGINX's
    master does.
    """
    kept: dict[str, http.client.HTTPConnection] = {}
    for _ in range(ROUNDS):
        known = len(kept)
        _round(connect, path, kept)
        if len(kept) == known:
            break
    return Held(list(kept.values()))


def _round(
    connect: Callable[[], http.client.HTTPConnection],
    path: str,
    kept: dict[str, http.client.HTTPConnection],
) -> None:
    opened: list[http.client.HTTPConnection] = []
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        for _ in range(AT_ONCE):
            opened.append(connect())
            opened[-1].timeout = TIMEOUT
            opened[-1].connect()
        for connection in opened:
            connection.request("GET", path)
        for connection in opened:
            worker = str(json.loads(connection.getresponse().read(4096))["worker"])
            if connection.sock is not None:  # it is closed at once where keep-alive is off
                kept.setdefault(worker, connection)
    chosen = set(map(id, kept.values()))
    for connection in opened:
        if id(connection) not in chosen:
            connection.close()


@contextlib.contextmanager
def holding(hold: Callable[[], Held]) -> Iterator[Future[Held]]:
    """Connect to the workers of now, while the host is asked for something else."""
    with ThreadPoolExecutor(1) as aside:
        future = aside.submit(hold)
        try:
            yield future
        finally:
            future.result().close()
