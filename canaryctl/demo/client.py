"""One keep-alive connection: as much of HTTP/1.1 as the demo's load needs.

http.client would need a thread a connection, and httpx ten times the time a request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BODY_BYTES = 1 << 20


class Lost(Exception):
    """A request got no complete answer; the connection is of no further use."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. ``body`` is JSON; empty for GET."""

    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Connects when needed and stays connected while the server lets it."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        name = f"[{host}]" if ":" in host else host
        self._host_header = f"{name}:{port}"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchange(self, request: Request) -> Response:
        """Send a request and read its answer. Nothing is sent twice.

        Raises:
            Lost: refused, reset, closed early, or not HTTP.
        """
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write(self._encoded(request))
            response = await _read(reader)
        except ConnectionRefusedError:
            raise Lost("connection refused") from None
        except (ConnectionError, asyncio.IncompleteReadError):
            raise Lost("connection reset or closed before the answer") from None
        except OSError as error:
            raise Lost(f"cannot connect: {error.strerror or error}") from None
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise Lost(f"not an HTTP/1.1 answer: {error}") from None
        if response.headers.get("connection", "").lower() == "close":
            self.close()
        return response

    def close(self) -> None:
        """Close; the next exchange connects anew."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    def _encoded(self, request: Request) -> bytes:
        head = f"{request.method} {request.path} HTTP/1.1\r\nHost: {self._host_header}\r\n"
        if request.method != "GET":
            head += f"Content-Type: application/json\r\nContent-Length: {len(request.body)}\r\n"
        return head.encode("ascii") + b"\r\n" + request.body


async def _read(reader: asyncio.StreamReader) -> Response:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split(" ", 2)[1]) if head[0].startswith("HTTP/1.1 ") else 0
    if not status:
        raise ValueError(f"it begins with {head[0][:40]!r}")
    headers: dict[str, str] = {}
    for line in head[1:-2]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Response(status, headers, await _read_chunks(reader))
    if "content-length" not in headers:
        raise ValueError("neither Content-Length nor chunks")
    return Response(status, headers, await reader.readexactly(_size(headers["content-length"], 10)))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := _size((await reader.readuntil(b"\r\n")).split(b";")[0].decode("ascii"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
        _size(str(len(body)), 10)
    await reader.readuntil(b"\r\n")
    return body


def _size(text: str, base: int) -> int:
    size = int(text, base)
    if not 0 <= size <= MAX_BODY_BYTES:
        raise ValueError(f"a body of {size} bytes")
    return size
