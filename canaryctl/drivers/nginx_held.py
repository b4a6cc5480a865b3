"""Idle connections to NGINX's workers, which close them when they stop accepting."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

AT_ONCE = 24
"""Connections that are tried, so that most workers take one."""
TIMEOUT = 0.5
"""Seconds for any one of them; this is an aid, and NGINX may not even run."""


@dataclass(slots=True)
class Held:
    """At most one connection to each worker that took one. Closed by ``close``."""

    connections: list[http.client.HTTPConnection] = field(default_factory=list)
    any: bool = False

    def ended(self) -> bool:
        """Tell whether every worker closed its connection; True when there was none."""
        poll, still = select.poll(), 0
        for connection in self.connections:
            if connection.sock is not None:
                poll.register(connection.sock, select.POLLIN)
                still += 1
        # Nothing was asked, so what can be read is the end.
        return len(poll.poll(0)) == still

    def close(self) -> None:
        """Give all of them back."""
        for connection in self.connections:
            connection.close()


def hold(connect: Callable[[], http.client.HTTPConnection], path: str) -> Held:
    """Open connections at once, ask each who answers, and keep one a worker.

    Never raises for what the network does: without any, a proof waits for as long as NGINX's
    master does.
    """
    opened: list[http.client.HTTPConnection] = []
    kept: dict[str, http.client.HTTPConnection] = {}
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        for _ in range(AT_ONCE):
            opened.append(connect())
            opened[-1].timeout = TIMEOUT
            opened[-1].connect()
        for connection in opened:
            connection.request("GET", path)
        for connection, worker in _answered(opened):
            if connection.sock is not None:  # closed at once where keep-alive is off
                kept.setdefault(worker, connection)
    chosen = set(map(id, kept.values()))
    for connection in opened:
        if id(connection) not in chosen:
            connection.close()
    return Held(list(kept.values()), any=bool(kept))


def _answered(
    opened: list[http.client.HTTPConnection],
) -> Iterator[tuple[http.client.HTTPConnection, str]]:
    for connection in opened:
        response = connection.getresponse()
        yield connection, str(json.loads(response.read(4096))["worker"])
