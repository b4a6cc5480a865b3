"""NGINX's control listener: reading the generation back, and proving it."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from canaryctl.core.errors import ConfigError, GatewayUnreachable
from canaryctl.core.weight import Weight
from canaryctl.drivers.nginx_held import Held, hold
from canaryctl.drivers.tls import Tls, tls_words
from canaryctl.ports import Clock

SETTLE = 0.15
"""Seconds. NGINX's master forks all new workers, waits 100 ms, then tells the old ones to stop
accepting; until then an old one may still take a connection."""
QUIET = 0.02
"""Seconds for which only the new generation may answer. One word ends the old workers'
accepting, but on a busy machine some of them get to read it later than others."""
PATIENCE = 2.0
"""Seconds for held connections to end. A template of somebody's own may keep them open."""
BURST = 8
"""Connections at once: NGINX gives single ones to the same idle worker again and again."""
LEAST_ANSWERS = 16
BETWEEN = 0.002
READ_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one worker said."""

    generation: str
    weight: Weight
    worker: str


@dataclass(frozen=True, slots=True)
class Control:
    """The listener at ``url`` (``http://127.0.0.1:9180``). Each question is a new connection.

    It is never asked through a proxy, and redirects are not followed: another's answer would
    prove nothing. An ``https`` one is verified as ``tls`` says.
    """

    url: str
    clock: Clock
    tls: Tls = Tls("gateway.tls")  # noqa: RUF009  frozen

    def ask(self) -> Answer:
        """Read the generation once.

        Raises:
            GatewayUnreachable: nothing answers there, or not a canaryctl configuration.
        """
        return self._asked(1)[0]

    def _asked(self, times: int) -> list[Answer]:
        """Ask so often at once: all connections are open before the first is read."""
        connections: list[http.client.HTTPConnection] = []
        context = self._context()
        try:
            for _ in range(times):
                connections.append(self._connection(context))
                connections[-1].connect()
            for connection in connections:
                connection.request("GET", self._path, headers={"Connection": "close"})
            responses = [connection.getresponse() for connection in connections]
            return [self._understood(one.status, one.read(4096)) for one in responses]
        except (OSError, http.client.HTTPException) as error:
            tls = tls_words(error, self.url)
            said = tls or str(error) or type(error).__name__
            if tls:
                raise GatewayUnreachable(
                    f"NGINX's control listener at {self.url} cannot be verified: {said}",
                    next_step="give gateway.tls.ca_file for its authority, cert_file and key_file "
                    "where it asks for a certificate, and in gateway.verify the name in its own",
                ) from error
            raise GatewayUnreachable(
                f"NGINX's control listener at {self.url} does not answer: {said}",
                next_step="check that NGINX runs, that gateway.verify is its published control "
                "port, and gateway.control what that leads to; a fresh gateway is brought into "
                "force by `canaryctl weights set 0`",
            ) from error
        finally:
            for connection in connections:
                connection.close()

    @property
    def _path(self) -> str:
        return f"{urlsplit(self.url).path.rstrip('/')}/generation"

    def _context(self) -> ssl.SSLContext | None:
        if not self.url.startswith("https:"):
            return None
        try:
            return self.tls.context()
        except ConfigError as error:
            # In the middle of a proof too, where a file was exchanged: what is in force is unknown.
            raise GatewayUnreachable(str(error), next_step=error.next_step) from error

    def _connection(self, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        if context is not None:
            return http.client.HTTPSConnection(host, port, timeout=READ_TIMEOUT, context=context)
        return http.client.HTTPConnection(host, port, timeout=READ_TIMEOUT)

    def _understood(self, status: int, body: bytes) -> Answer:
        try:
            said = json.loads(body)
            return Answer(
                str(said["generation"]), Weight.parse(said["weight"]), str(said["worker"])
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise GatewayUnreachable(
                f"what answers at {self.url} (HTTP {status}) is not canaryctl's control listener",
                next_step="set gateway.verify to the port of the control listener, or run "
                "`canaryctl weights set 0` when this gateway is new",
            ) from error

    def hold(self) -> Held:
        """Before a change: keep connections to the workers of now, to notice that they stop."""
        if self.url.startswith("https:"):  # where more than the end can be read
            return Held()
        return hold(self._connection, self._path)

    def prove(self, generation: str, within: float, held: Held | None = None) -> int:
        """Read until no worker can be left that takes connections for another generation.

        All workers of one generation are forked from one configuration, so one speaks for all
        the new ones. The doubt is an old one: all of them accept on until the master tells
        them to stop, 100 ms after the last fork. A worker first stops listening, then closes
        its idle connections, so the end of a ``held`` one shows that the word has been given.
        (Without any, ``SETTLE`` after the first new answer stands in for it.) From then on only
        the new generation may answer, in ``LEAST_ANSWERS`` on new connections over at least
        ``QUIET``; any other answer starts this row anew.

        What it does not speak of: connections that clients opened before. The old workers
        answer what they hold, on NGINX from 1.27.4 one more request on each idle one.

        Args:
            generation: the one that must answer.
            within: seconds this may take.
            held: what ``hold`` gave before the change.

        Returns:
            How many answers in a row there were.

        Raises:
            GatewayUnreachable: not proven within ``within`` seconds; says what answered.
        """
        deadline = self.clock.now() + within
        old = _Old(held or Held())
        quiet_since, row, last = 0.0, 0, "nothing answered"
        while (asked := self.clock.now()) < deadline:
            told = old.told(asked)
            try:
                answers = self._asked(BURST if told else 1)
            except GatewayUnreachable as error:
                row, last = 0, str(error)
            else:
                others = [one.generation for one in answers if one.generation != generation]
                if others:
                    row, last = 0, f"generation {others[0]} answered"
                elif not told:
                    old.successor_answered(self.clock.now())
                else:
                    quiet_since = asked if row == 0 else quiet_since
                    row += len(answers)
                    if row >= LEAST_ANSWERS and self.clock.now() >= quiet_since + old.quiet:
                        return row
            self.clock.sleep(BETWEEN)
        raise GatewayUnreachable(
            f"generation {generation} was not proven at {self.url} within {within:g} s: {last}"
        )


@dataclass(slots=True)
class _Old:
    """What is known of the old workers.

    Attributes:
        held: connections to them.
        quiet: seconds for which none of them may answer, once they have been told to stop.
        told_by: when they have been told, epoch seconds; brought forward when that is seen.
        open: how many connections were left when a successor first answered.
        first_end: when one fewer was.
    """

    held: Held
    quiet: float = QUIET
    told_by: float | None = None
    open: int = 0
    first_end: float | None = None

    def told(self, now: float) -> bool:
        """Say whether they have been told to stop."""
        if self.told_by is None:
            return False
        if self.open and now < self.told_by:
            left = self.held.left()
            if left < self.open and self.first_end is None:
                self.first_end = now
            if left == 0:
                # All were told at once, so this is how long the slowest took to hear it.
                self.quiet = max(self.quiet, 2 * (now - (self.first_end or now)))
                self.told_by = now
        return now >= self.told_by

    def successor_answered(self, now: float) -> None:
        """From now on they are told after 100 ms, or after as long as a busy machine takes."""
        if self.told_by is None:
            self.open = self.held.left()
            self.told_by = now + (PATIENCE if self.open else SETTLE)
            self.quiet = QUIET if self.open else 2 * QUIET
