"""A bounded load of real requests, for the demo and the tests. Only to this machine.

    python -m canaryctl.demo.load --url http://127.0.0.1:8080 --rate 200 --seconds 60 \
        --connections 20 --report load.json

It runs in a process of its own, so that it shares no interpreter lock with canaryctl. It
ends by itself after ``rate x seconds`` requests or ``seconds``, whichever comes first, and
on SIGTERM; either way the report is written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
import sys
import urllib.parse
from dataclasses import asdict
from pathlib import Path

from canaryctl.core.errors import CanaryctlError, ConfigError
from canaryctl.demo.client import Connection, Lost
from canaryctl.demo.tally import Report, Tally
from canaryctl.demo.traffic import Mix

MAX_RATE = 2000
MAX_CONNECTIONS = 500
MAX_SECONDS = 3600
TIMEOUT_S = 15.0
REPORT_EVERY_S = 1.0

# How far the schedule may fall behind and still be made up for. After a longer hold-up the
# missed requests are dropped: a version that recovers is not met with a burst.
_CATCH_UP_S = 0.1
# What is under way when the time is up gets this long to be answered.
_LAST_ANSWERS_S = 2.0


class Load:
    """Sends the demo's request mix at a steady rate over keep-alive connections.

    Args:
        url: ``http://`` and an address in 127.0.0.0/8 or ``[::1]``; names are refused.
        rate_per_second: requests started a second, over all connections.
        duration_s: seconds until it stops by itself.
        connections: how many clients; each waits for its answer before it asks again.

    Raises:
        ConfigError: a target that is not this machine, or a figure out of range.
    """

    def __init__(
        self, url: str, rate_per_second: float, duration_s: float, connections: int
    ) -> None:
        self.host, self.port = loopback_target(url)
        _within("rate", rate_per_second, MAX_RATE)
        _within("seconds", duration_s, MAX_SECONDS)
        _within("connections", connections, MAX_CONNECTIONS)
        self.duration_s = duration_s
        self.connections = int(connections)
        self.most = max(1, round(rate_per_second * duration_s))
        self._gap = 1 / rate_per_second
        self._mix = Mix()
        self._tally = Tally()
        self._taken = 0
        self._next_due = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    def run(self, report_to: Path | None = None) -> Report:
        """Send until it is over; give the figures.

        ``report_to`` is rewritten every second meanwhile, each time as a whole.
        """
        return asyncio.run(self._run(report_to))

    def stop(self) -> None:
        """End soon: nothing new is sent, what is under way gets two seconds.

        May be called from any thread and more than once.
        """
        if self._loop is None:
            self._stopped.set()
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the load
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def _run(self, report_to: Path | None) -> Report:
        self._loop = loop = asyncio.get_running_loop()
        started = self._next_due = loop.time()

        def report(*, running: bool) -> Report:
            figures = self._tally.report(seconds=loop.time() - started, running=running)
            if report_to is not None:
                _replace(report_to, json.dumps(asdict(figures)))
            return figures

        clients = {loop.create_task(self._client()) for _ in range(self.connections)}
        stopped = loop.create_task(self._stopped.wait())
        left = set(clients)
        while left and not stopped.done() and loop.time() - started < self.duration_s:
            report(running=True)
            until_end = self.duration_s - (loop.time() - started)
            _, pending = await asyncio.wait(
                {*left, stopped},
                timeout=min(REPORT_EVERY_S, max(until_end, 0)),
                return_when=asyncio.FIRST_COMPLETED,
            )
            left = clients & pending
        self._stopped.set()
        if left:
            _, late = await asyncio.wait(left, timeout=_LAST_ANSWERS_S)
            for task in late:
                task.cancel()
        stopped.cancel()
        results = await asyncio.gather(*clients, stopped, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        return report(running=False)

    async def _client(self) -> None:
        connection = Connection(self.host, self.port)
        try:
            while await self._my_turn():
                await self._exchange(connection)
        finally:
            connection.close()

    async def _my_turn(self) -> bool:
        """Take the next place in the schedule and wait for it; False when it is over."""
        if self._stopped.is_set() or self._taken >= self.most:
            return False
        self._taken += 1
        now = asyncio.get_running_loop().time()
        due = max(self._next_due, now - _CATCH_UP_S)
        self._next_due = due + self._gap
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._stopped.wait()
        return not self._stopped.is_set()

    async def _exchange(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        request = self._mix.next()
        began = loop.time()
        self._tally.sent()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await connection.exchange(request)
        except (Lost, TimeoutError) as error:
            connection.close()
            self._tally.lost(str(error) or f"no answer within {TIMEOUT_S:g} s")
            # A refused connection comes back at once; the schedule bounds how often that is.
            return
        self._tally.answered(
            status=response.status,
            version=response.headers.get("x-canary-version", "unknown"),
            seconds=loop.time() - began,
        )
        self._mix.learn(request, response)


def loopback_target(url: str) -> tuple[str, int]:
    """Give the address and port of an ``http://`` URL on this machine.

    Raises:
        ConfigError: not http, or not a loopback address written as one.
    """
    advice = "the demo's load only goes to this machine, e.g. http://127.0.0.1:8080"
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        address = ipaddress.ip_address(host)
    except ValueError as error:
        raise ConfigError(f"{url!r} is no target for the load: {error}", next_step=advice) from None
    if parts.scheme != "http" or parts.username is not None:
        raise ConfigError(f"{url!r} is no target for the load: plain http only", next_step=advice)
    loopback_v4 = isinstance(address, ipaddress.IPv4Address) and address.is_loopback
    if not loopback_v4 and address != ipaddress.IPv6Address("::1"):
        raise ConfigError(f"{host} is no target for the load: not loopback", next_step=advice)
    return host, port


def _within(name: str, value: float, most: float) -> None:
    if not 0 < value <= most:  # NaN fails too
        raise ConfigError(f"the load's {name} lies above 0 and up to {most}, not {value!r}")


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Run the load from the command line."""
    parser = argparse.ArgumentParser(prog="python -m canaryctl.demo.load", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--report", type=Path, help="JSON, rewritten every second")
    arguments = parser.parse_args(argv)
    try:
        load = Load(arguments.url, arguments.rate, arguments.seconds, arguments.connections)
    except CanaryctlError as error:
        sys.stderr.write(f"{error}. {error.next_step}\n")
        return error.exit_code
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: load.stop())
    figures = load.run(arguments.report)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
