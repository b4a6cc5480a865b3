"""What the guard tells Prometheus: what is in force at NGINX, and who leads a rollout there.

It outlives every rollout, so it shows the weight in between, and what a rollout left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from canaryctl.core.errors import CanaryctlError
from canaryctl.core.lease import Lease
from canaryctl.drivers.lease_file import Found
from canaryctl.listeners.export_server import ExportServer
from canaryctl.listeners.exporter import page
from canaryctl.ports import InForce
from canaryctl.wiring import Build

PRESSING = 2.0
"""Seconds before a lease runs out in which nothing but it is looked at."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the guard saw last.

    Attributes:
        number: of the look, from 0; -1 before the first.
        at: when it looked, epoch seconds.
        lease: of who leads a rollout; None: nobody does.
        left: seconds until it runs out.
        force: what is in force; None while that cannot be told.
        returned: how often the guard brought traffic back.
        returned_at: when it last did, epoch seconds.
    """

    number: int = -1
    at: float = 0.0
    lease: Lease | None = None
    left: float = 0.0
    force: InForce | None = None
    returned: int = 0
    returned_at: float = 0.0


class GuardExport:
    """The guard's page for Prometheus. None of its methods raises for what the world does."""

    def __init__(self, build: Build, address: tuple[str, int], say: Callable[[str], None]) -> None:
        """Listen. Where that fails it is said, and the guard guards without.

        Args:
            build: the gateway.
            address: host and port.
            say: told of it, in a sentence.
        """
        self._build = build
        self._seen = Watched()
        self._server: ExportServer | None = None
        try:
            self._server = ExportServer(*address, self._page)
        except (OSError, OverflowError, UnicodeError) as error:
            host, port = address
            say(f"metrics are not exported: {host}:{port} cannot be listened on ({error})")

    @property
    def port(self) -> int | None:
        """The port it listens on; None where it does not."""
        return None if self._server is None else self._server.port

    def looked(self, found: Found | None) -> None:
        """Show a look at the lease, and look at the weights beside it.

        Args:
            found: None where the lease could not be looked at.
        """
        if self._server is None:
            return
        lease = None if found is None else found.lease
        left = 0.0 if found is None or lease is None else found.left
        pressing = lease is not None and left < PRESSING
        force = self._seen.force if pressing else self._in_force()
        self._seen = replace(
            self._seen,
            number=self._seen.number + 1,
            at=self._build.clock.now(),
            lease=lease,
            left=left,
            force=force,
        )

    def returned(self) -> None:
        """Count that traffic was brought back."""
        now, before = self._build.clock.now(), self._seen
        self._seen = replace(before, returned=before.returned + 1, returned_at=now)

    def close(self) -> None:
        """Stop listening; twice is fine."""
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def _in_force(self) -> InForce | None:
        try:
            return self._build.router.look()
        except CanaryctlError:
            return None

    def _page(self) -> tuple[bytes, str, int]:
        seen = self._seen
        service = self._build.config.service
        return page(lambda: families(service, seen)), CONTENT_TYPE_LATEST, seen.number


def families(service: str, seen: Watched) -> Iterator[Metric]:
    """Give every family of the guard, as it was after its last look."""
    yield _gauge("canaryctl_guard_watching", "1 while a guard runs.", service, 1.0)
    if seen.number < 0:
        return
    said = "When the guard looked last, epoch."
    yield _gauge("canaryctl_guard_last_look_timestamp_seconds", said, service, seen.at)
    returned = CounterMetricFamily(
        "canaryctl_guard_returns", "How often it brought traffic back.", labels=["service"]
    )
    returned.add_metric([service], seen.returned)
    yield returned
    if seen.returned:
        said = "When it last did, epoch."
        yield _gauge(
            "canaryctl_guard_last_return_timestamp_seconds", said, service, seen.returned_at
        )
    led = "1 while somebody leads a rollout: there is a lease, and it counts."
    holds = seen.lease is not None and seen.left > 0
    yield _gauge("canaryctl_gateway_led", led, service, float(holds))
    if seen.lease is not None:
        left = "Seconds until the lease runs out, as the guard saw it."
        yield _gauge("canaryctl_lease_left_seconds", left, service, max(seen.left, 0.0))
    yield from _gateway(service, seen.force)


def _gateway(service: str, force: InForce | None) -> Iterator[Metric]:
    answers = force is not None and force.weight is not None
    up = "1 while NGINX's control listener answers."
    yield _gauge("canaryctl_gateway_up", up, service, float(answers))
    if force is None or force.weight is None:
        return
    weight = GaugeMetricFamily(
        "canaryctl_gateway_weight_ratio",
        "Share of traffic as NGINX itself answers, 0 to 1.",
        labels=["service", "version"],
    )
    weight.add_metric([service, "canary"], force.weight.fraction)
    weight.add_metric([service, "stable"], 1 - force.weight.fraction)
    yield weight
    info = InfoMetricFamily(
        "canaryctl_gateway", "The generation in force, and what its file says.", labels=["service"]
    )
    mark = force.mark
    info.add_metric(
        [service],
        {
            "generation": force.generation or "",
            "release": mark.release if mark else "",
            "rollout": mark.rollout if mark else "",
            "stage": mark.stage if mark else "",
        },
    )
    yield info


def _gauge(name: str, said: str, service: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=["service"])
    family.add_metric([service], value)
    return family
