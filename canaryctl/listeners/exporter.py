"""canaryctl's own metrics: a rollout as Prometheus reads it while it runs.

The page is a picture of one moment: it is made from one frozen state. Whatever is wrong with it,
the rollout goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from canaryctl.core.commands import Command
from canaryctl.core.events import Event
from canaryctl.core.state import Phase, State
from canaryctl.listeners.export_families import families
from canaryctl.listeners.export_seen import Seen
from canaryctl.listeners.export_server import ExportServer
from canaryctl.ports import Mark

_log = logging.getLogger(__name__)

LOOK_AGAIN = 0.25
"""Seconds between two looks at whether somebody wants it to end at once."""


class _Families(Collector):
    def __init__(self, collected: Callable[[], Iterator[Metric]]) -> None:
        self._collected = collected

    def collect(self) -> Iterator[Metric]:
        yield from self._collected()


def page(collected: Callable[[], Iterator[Metric]]) -> bytes:
    """Write families as text, from a registry of their own."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(collected))
    return generate_latest(registry)


class Exporter:
    """A listener that shows the rollout at an address. None of its methods raises."""

    def __init__(
        self,
        address: tuple[str, int],
        service: str,
        mark: Mark,
        *,
        linger: float = 0.0,
        stopped: Callable[[], str | None] = lambda: None,
        say: Callable[[str], None] = _log.warning,
    ) -> None:
        """Listen. Where that fails it is said, and nothing is exported.

        Args:
            address: host and port.
            service: what is rolled out.
            mark: which rollout this is.
            linger: seconds that ``close`` waits for the last state to be read.
            stopped: who asked the rollout to stop; whoever did is not kept waiting.
            say: told, in a sentence, what goes wrong and what is waited for.
        """
        self._service, self._mark = service, mark
        self._linger, self._stopped, self._say = linger, stopped, say
        self._seen = Seen()
        self._server: ExportServer | None = None
        try:
            self._server = ExportServer(*address, self._page)
        except (OSError, OverflowError, UnicodeError) as error:
            host, port = address
            self._say(
                f"metrics are not exported: {host}:{port} cannot be listened on ({error}); the "
                "rollout goes on without"
            )

    @property
    def port(self) -> int | None:
        """The port it listens on; None where it does not."""
        return None if self._server is None else self._server.port

    def heard(self, event: Event, state: State, command: Command | None) -> None:  # noqa: ARG002
        """Show what came of it."""
        self._seen = self._seen.after(event, state)

    def ticked(self, state: State, now: float) -> None:
        """Time alone changes nothing: Prometheus has a clock of its own."""

    def close(self) -> None:
        """Wait for the last state to be read, if anybody reads, and stop listening."""
        server, self._server = self._server, None
        if server is None:
            return
        try:
            self._lingered(server)
        finally:
            server.close()

    def _lingered(self, server: ExportServer) -> None:
        last, state = self._seen.number, self._seen.state
        ended = state is not None and state.phase is Phase.ENDED
        if not ended or not server.read or self._stopped() is not None:
            return
        if self._linger <= 0 or server.wait(last, 0):
            return
        self._say(f"waiting up to {self._linger:g} s for the outcome to be read from the metrics")
        left = self._linger
        while left > 0 and self._stopped() is None:
            if server.wait(last, min(left, LOOK_AGAIN)):
                return
            left -= LOOK_AGAIN

    def _page(self) -> tuple[bytes, str, int]:
        seen = self._seen
        text = page(lambda: families(self._service, self._mark, seen))
        return text, CONTENT_TYPE_LATEST, seen.number
