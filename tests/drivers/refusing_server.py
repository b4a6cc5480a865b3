"""A server that counts, and resets as many connections as it is told."""

from __future__ import annotations

import socket
import struct
import threading
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER for no time: closing sends RST
_TICK = 0.05


class RefusingServer:
    """Answers 200 or resets, one request a connection, evenly spread.

    Attributes:
        port: of 127.0.0.1.
        answered: requests that got a 200.
        reset: connections that were reset once their request had come.
    """

    def __init__(self, resets: float = 0.0) -> None:
        self.answered = self.reset = 0
        self._resets, self._owed = resets, 0.0
        self._ended = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._listening.settimeout(_TICK)
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Refuse from now on; may be called again."""
        self._ended.set()
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(2)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            part = connection.recv(4096)
            if not part:
                return
            asked += part
        self._owed += self._resets
        if self._owed > 1 - 1e-9:
            self._owed -= 1
            self.reset += 1
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            self.answered += 1
            body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            connection.sendall(body)
