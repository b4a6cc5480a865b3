"""A Docker Engine's socket of which only some requests get through, as a socket proxy's."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_DENIED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\nConnection: close\r\n\r\ndenied\n"
_PATIENCE = 30


@dataclass
class Passed:
    """Where the proxy listens, and what came.

    Attributes:
        url: for ``DOCKER_HOST``.
        through: ``METHOD /path`` of requests that were passed on, without the API's version.
        denied: the same of those that were not.
    """

    url: str
    through: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)


@contextmanager
def proxy(engine: str, listening: Path, allowed: Sequence[str]) -> Iterator[Passed]:
    """Pass on what matches one of ``allowed`` whole, such as ``GET /containers/json``."""
    rules = [re.compile(one) for one in allowed]
    passed = Passed(f"unix://{listening}")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(listening))
        server.listen(64)
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                thread = threading.Thread(target=serve, args=(connection,))
                threads.append(thread)
                thread.start()

        def serve(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(_PATIENCE)
                try:
                    _one(connection, engine.removeprefix("unix://"), rules, passed)
                except OSError:
                    return

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield passed
        finally:
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def _one(
    connection: socket.socket, engine: str, rules: Sequence[re.Pattern[str]], passed: Passed
) -> None:
    """Answer one request; the connection ends with it."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65_536)
        if not part:
            return
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    path = re.sub(r"^/v[0-9.]+", "", target.partition("?")[0])
    said = f"{method} {path}"
    if not any(rule.fullmatch(said) for rule in rules):
        passed.denied.add(said)
        connection.sendall(_DENIED)
        return
    passed.through.add(said)
    kept = [line for line in lines if not line.lower().startswith("connection:")]
    lengths = [line for line in lines if line.lower().startswith("content-length:")]
    left = int(lengths[0].partition(":")[2]) - len(body) if lengths else 0
    with socket.socket(socket.AF_UNIX) as inner:
        inner.settimeout(_PATIENCE)
        inner.connect(engine)
        inner.sendall("\r\n".join([*kept, "Connection: close", "", ""]).encode("latin-1") + body)
        while left > 0 and (part := connection.recv(65_536)):
            inner.sendall(part)
            left -= len(part)
        while data := inner.recv(65_536):
            connection.sendall(data)
