"""NGINX's control listener: reading the generation back, and proving it."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from canaryctl.core.errors import GatewayUnreachable
from canaryctl.core.weight import Weight
from canaryctl.ports import Clock

SETTLE = 0.11
"""Seconds. NGINX's master forks all new workers, waits 100 ms, then tells the old ones to stop
accepting; until then an old one may still take a connection."""
LEAST_ANSWERS = 8
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
    """The listener at ``url`` (``http://127.0.0.1:9180``). Each question is a new connection."""

    url: str
    clock: Clock

    def ask(self) -> Answer:
        """Read the generation once.

        Raises:
            GatewayUnreachable: nothing answers there, or not a canaryctl configuration.
        """
        parts = urlsplit(self.url)
        host, port = parts.hostname or "127.0.0.1", parts.port
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                host, port, timeout=READ_TIMEOUT, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=READ_TIMEOUT)
        try:
            connection.request("GET", f"{parts.path.rstrip('/')}/generation")
            response = connection.getresponse()
            body = response.read(4096)
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or type(error).__name__
            raise GatewayUnreachable(
                f"NGINX's control listener at {self.url} does not answer: {said}",
                next_step="check that NGINX runs, and that gateway.verify is its published control "
                "port; a fresh gateway is brought into force by `canaryctl weights set 0`",
            ) from error
        finally:
            connection.close()
        return self._understood(response.status, body)

    def _understood(self, status: int, body: bytes) -> Answer:
        try:
            said = json.loads(body)
            return Answer(
                str(said["generation"]), Weight.parse(said["weight"]), str(said["worker"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise GatewayUnreachable(
                f"what answers at {self.url} (HTTP {status}) is not canaryctl's control listener",
                next_step="set gateway.verify to the port of the control listener, or run "
                "`canaryctl weights set 0` when this gateway is new",
            ) from error

    def prove(self, generation: str, within: float) -> int:
        """Read until no worker can be left that answers with another generation.

        All workers of one generation are forked from one configuration before any of them
        answers, so one speaks for all the new ones. The doubt is an old one: it may accept
        until ``SETTLE`` after the first new answer. From then on ``LEAST_ANSWERS`` in a row,
        each on a new connection, must be of the new generation; any other starts the row anew.
        Returns how many answers in a row there were.

        Raises:
            GatewayUnreachable: not proven within ``within`` seconds; says what answered.
        """
        deadline = self.clock.now() + within
        first: float | None = None
        row, last = 0, "nothing answered"
        while (asked := self.clock.now()) < deadline:
            try:
                answer = self.ask()
            except GatewayUnreachable as error:
                row, last = 0, str(error)
            else:
                if answer.generation == generation:
                    first = self.clock.now() if first is None else first
                    row = row + 1 if asked >= first + SETTLE else 0
                    if row >= LEAST_ANSWERS:
                        return row
                else:
                    row, last = 0, f"generation {answer.generation} answered"
            self.clock.sleep(BETWEEN)
        raise GatewayUnreachable(
            f"generation {generation} was not proven at {self.url} within {within:g} s: {last}"
        )
