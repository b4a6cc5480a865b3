"""Back to 0 % under 1,000 idle keep-alive connections and 100 WebSockets, measured twice.

Once by the clients, each of which knows when it was last answered by the canary and when its
stream was cut, and once by canaryctl, which sees only NGINX's workers.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from canaryctl.core.drained import Drained
from canaryctl.core.weight import Weight
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.nginx_drain import drained
from canaryctl.drivers.nginx_files import dumped
from canaryctl.drivers.nginx_timeouts import timeouts
from canaryctl.drivers.nginx_version import NginxVersion, parse_version
from canaryctl.drivers.template import Address
from canaryctl.ports import Mark, Proof, Run
from tests.drivers.gateways import OLD_NGINX, Gateway, local_gateway, percent

KEPT, STREAMS = 1000, 100
CUT_AFTER = 4.0  # seconds, worker_shutdown_timeout
REQUESTS_WITHIN = 2.0  # seconds after the proof
SPREAD = 3.0  # seconds after the proof, over which the idle connections are used again
LATE = 1.0  # seconds that this machine may need to notice what has happened
_FILES = 6000
_ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
_UPGRADE = (
    b"GET /stream HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process a few thousand sockets; NGINX gets its own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, min(_FILES, hard) if hard != resource.RLIM_INFINITY else _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[Address]:
    """A server that says its name, and holds a stream open for whoever asks for one."""
    open_now: set[asyncio.StreamWriter] = set()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        task.add_done_callback(serving.discard)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if b"upgrade: websocket" in head.lower():
                    writer.write(_SWITCHED)
                    while data := await reader.read(4096):
                        writer.write(data)
                    return
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(name), name.encode())
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    try:
        yield Address(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    finally:
        server.close()
        for writer in list(open_now):
            writer.close()
        # The tasks that serve them end with their connections.
        await asyncio.wait(list(serving) or [asyncio.create_task(asyncio.sleep(0))], timeout=5)


@dataclass
class Client:
    """One connection to NGINX."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def answer(self) -> str:
        """Ask; give the backend's name, empty when the connection was closed instead."""
        try:
            self.writer.write(_ASK)
            async with asyncio.timeout(10):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                return (await self.reader.readexactly(length)).decode()
        except (asyncio.IncompleteReadError, ConnectionError):
            return ""

    def close(self) -> None:
        self.writer.close()


async def connected(port: int) -> Client:
    return Client(*await asyncio.open_connection("127.0.0.1", port))


async def streaming(port: int) -> Client:
    client = await connected(port)
    client.writer.write(_UPGRADE)
    async with asyncio.timeout(10):
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        client.writer.write(b"ping")
        assert await client.reader.readexactly(4) == b"ping"
    return client


@dataclass
class Seen:
    """What clients and canaryctl saw; seconds from the beginning of the change.

    Attributes:
        proof: of the change.
        drained: what canaryctl measured.
        versions: who answered the idle connections' next request, or its repetition.
        last_canary: when the last request that the canary answered was sent.
        cut: when each stream ended.
    """

    proof: Proof
    drained: Drained
    versions: Counter[str] = field(default_factory=Counter)
    again: int = 0
    last_canary: float = 0.0
    cut: list[float] = field(default_factory=list)


async def returned(gateway: Gateway, addresses: Sequence[Address]) -> Seen:
    """Open all connections at 25 %, go to 0 %, use them again, and see all streams end."""
    assert len(addresses) == 2
    await asyncio.to_thread(gateway.router.set, percent("25"), Mark(), None)
    clients: list[Client] = []
    streams: list[Client] = []
    clock = SystemClock()
    try:
        while len(clients) < KEPT:
            clients += [await connected(gateway.port)]
        while len(streams) < STREAMS:
            streams += [await streaming(gateway.port)]
        before = Counter([await client.answer() for client in clients])
        assert before.total() == KEPT
        assert before["canary"] > KEPT // 5
        began = clock.now()
        ends = [asyncio.create_task(_end(stream, clock, began)) for stream in streams]
        try:
            proof = await asyncio.to_thread(gateway.router.set, Weight.ZERO, Mark(), None)
            proven = clock.now()
            limits = timeouts(*await asyncio.to_thread(_configuration, gateway))
            measuring = asyncio.create_task(
                asyncio.to_thread(drained, gateway.router.host, clock, began, CUT_AFTER + 5, limits)
            )
            seen = Seen(proof, Drained(0, None, None, None))

            async def again(number: int, client: Client) -> None:
                await asyncio.sleep(max(0.0, proven + SPREAD * number / KEPT - clock.now()))
                sent = clock.now()
                name = await client.answer()
                if not name:
                    seen.again += 1
                    fresh = await connected(gateway.port)
                    name = await fresh.answer()
                    fresh.close()
                seen.versions[name] += 1
                if name == "canary":
                    seen.last_canary = max(seen.last_canary, sent - began)

            await asyncio.gather(*(again(n, client) for n, client in enumerate(clients)))
            seen.drained = await measuring
            async with asyncio.timeout(LATE):
                seen.cut = sorted(await asyncio.gather(*ends))
            return seen
        finally:
            for end in ends:
                end.cancel()
    finally:
        for client in (*clients, *streams):
            client.close()


async def _end(stream: Client, clock: SystemClock, began: float) -> float:
    with suppress(ConnectionError):
        assert await stream.reader.read(1) == b""
    return clock.now() - began


def _configuration(gateway: Gateway) -> tuple[dict[str, str], NginxVersion]:
    told = gateway.router.host.perform([Run(("-v",)), Run(("-T",))]).output
    version = parse_version(told)
    assert version is not None
    return dumped(told), version


@contextmanager
def gateway_of(
    folder: Path, binary: str, free_port: Callable[[], int], addresses: Sequence[Address]
) -> Iterator[Gateway]:
    gateway = local_gateway(folder, binary, free_port, addresses[:1], addresses[1:], start=False)
    assert gateway.site is not None
    text = gateway.site.main.read_text()
    assert "worker_shutdown_timeout 30s;" in text
    text = text.replace("timeout 30s;", f"timeout {CUT_AFTER:g}s;")
    gateway.site.main.write_text(f"worker_rlimit_nofile {_FILES};\n{text}")
    try:
        gateway.site.start(gateway.port)
        yield gateway
    finally:
        gateway.site.stop()


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.parametrize("binary", ["current", OLD_NGINX])
@pytest.mark.usefixtures("many_files")
def test_requests_follow_within_two_seconds_and_streams_within_the_timeout(
    binary: str,
    tmp_path: Path,
    nginx_binary: Path,
    free_port: Callable[[], int],
    record_property: Callable[[str, object], None],
) -> None:
    path = str(nginx_binary) if binary == "current" else binary

    async def run() -> Seen:
        async with backend("stable") as stable, backend("canary") as canary:
            with gateway_of(tmp_path, path, free_port, [stable, canary]) as gateway:
                return await returned(gateway, [stable, canary])

    seen = asyncio.run(run())
    took, requests = seen.drained.took, seen.drained.requests
    record_property("time to zero", str(seen.drained))
    print(seen.drained)  # noqa: T201  the figure
    assert seen.versions.total() == KEPT
    assert set(seen.versions) <= {"stable", "canary"}
    assert took is not None
    assert requests is not None
    # What clients saw: after 2 s nobody met the canary, and by the timeout every stream had ended.
    assert seen.last_canary <= seen.proof.took + REQUESTS_WITHIN
    assert len(seen.cut) == STREAMS
    assert seen.cut[0] >= CUT_AFTER - 0.1
    assert seen.cut[-1] <= seen.proof.took + CUT_AFTER + LATE
    # What canaryctl measured is that, and not less.
    assert seen.last_canary - 0.1 <= requests <= seen.proof.took + REQUESTS_WITHIN
    assert seen.cut[-1] - 0.2 <= took <= seen.cut[-1] + LATE
    assert seen.drained.cut == 2 * STREAMS
    assert seen.drained.limit == CUT_AFTER
    if binary == "current":
        # Some were answered by the old weights once more: the test would notice a longer time.
        assert seen.versions["canary"] > 50
        assert (seen.drained.connections or 0) > KEPT // 2
    else:
        assert seen.versions == {"stable": KEPT}
        assert seen.again == KEPT
