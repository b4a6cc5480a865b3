"""A bound on the whole of an HTTP exchange.

httpx bounds each read, not their sum: a server that drips its headers would hold us for ever.
httpcore, which reads for it, takes the network from outside; what is given to it here counts. The
look-up of a name is the resolver's, which has bounds of its own.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from canaryctl.drivers.http_errors import OutOfTimeError

if TYPE_CHECKING:
    import ssl

    from canaryctl.ports import Clock


class Deadline(threading.local):
    """When what this thread asks for has to be there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until, self._within = math.inf, math.inf
        self._heard = False

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound the reads and writes of a block, all of them together."""
        self._until, self._within, self._heard = self._clock.now() + seconds, seconds, False
        try:
            yield
        finally:
            self._until = math.inf

    def left(self, at_most: float | None) -> float | None:
        """Give the seconds that a read or write may take.

        Raises:
            OutOfTimeError: none are left.
        """
        if self._until == math.inf:
            return at_most
        left = self._until - self._clock.now()
        if left <= 0:
            raise OutOfTimeError(self._within)
        return left if at_most is None else min(left, at_most)

    def late(self) -> None:
        """Say that a read has timed out.

        Raises:
            OutOfTimeError: a part of the answer had come.
        """
        if self._heard:
            raise OutOfTimeError(self._within) from None

    def heard(self) -> None:
        """Note that something came."""
        self._heard = True


def bounded(client: httpx.Client, clock: Clock) -> Deadline:
    """Have all that a client asks for end by a deadline, through whatever proxy."""
    deadline = Deadline(clock)
    # httpx has no public way in; a test sees that this one works.
    for one in (client._transport, *client._mounts.values()):  # noqa: SLF001
        if isinstance(one, httpx.HTTPTransport):
            pool: Any = one._pool  # noqa: SLF001
            pool._network_backend = _Network(pool._network_backend, deadline)  # noqa: SLF001
    return deadline


class _Network(httpcore.NetworkBackend):
    def __init__(self, real: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._real = real
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        stream = self._real.connect_tcp(host, port, left, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    def __init__(self, real: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._real = real
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = self._real.read(max_bytes, self._deadline.left(timeout))
        except httpcore.ReadTimeout:
            self._deadline.late()
            raise
        self._deadline.heard()
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._real.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._real.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout)
        stream = self._real.start_tls(ssl_context, server_hostname, left)
        return _Stream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)
