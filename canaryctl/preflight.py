"""Everything that a rollout will need, looked at before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from canaryctl.core.counting import spacing
from canaryctl.core.errors import CanaryctlError, ConfigError, HostError, MetricsUnavailable
from canaryctl.core.events import Check
from canaryctl.core.gate import Gate, GaugeGate, LatencyGate, PromqlGate, RatioGate
from canaryctl.core.look import UP, Frame, Look, query_for, wanted
from canaryctl.core.plan import Plan
from canaryctl.core.selector import Selector
from canaryctl.core.series import SeriesWanted, Version
from canaryctl.core.weight import Weight
from canaryctl.ports import Clock, Host, Identifying, Metrics, Router

RECENT = 120.0
"""Seconds before now that the first look at the metrics source speaks of."""

CANARY_METRICS = "canary's metrics"


@dataclass(frozen=True, slots=True)
class Preflight:
    """The checks of one rollout, in the order in which their failures matter.

    Attributes:
        addresses: the canary's, as NGINX is told them.
        verify: the control listener as reached from here.
        identities: asks the versions' servers who they are; None: nobody does.
        exposed: gives the addresses beyond loopback at which it can be reached too.
        hooks: asks the hooks that are gates; last, and only where nothing else failed.
    """

    plan: Plan
    gates: Sequence[Gate]
    router: Router
    host: Host
    metrics: Metrics
    clock: Clock
    addresses: Sequence[str]
    select: dict[Version, dict[str, str]]
    release: str
    verify: str = ""
    exposed: Callable[[], Sequence[str]] = tuple
    identities: Identifying | None = None
    hooks: Callable[[], Iterator[Check]] | None = None

    def __call__(self) -> tuple[Check, ...]:
        """Run all checks; one that raises has failed, the others still run."""
        found: list[Check] = []
        steps: list[tuple[str, Callable[[], Iterator[Check]]]] = [
            ("gateway", self._gateway),
            ("every stage's configuration", self._configurations),
            ("control listener", self.control_listener),
            ("canary", self._canary),
            ("metrics", self.metrics_source),
        ]
        for name, step in steps:
            try:
                found += step()
            except CanaryctlError as error:
                hint = f" ({error.next_step})" if error.next_step else ""
                wrong = isinstance(error, ConfigError)
                found.append(Check(name, False, f"{error}{hint}", configuration=wrong))
        if self.hooks is not None and all(check.passed is not False for check in found):
            found += self.hooks()
        return tuple(found)

    def _gateway(self) -> Iterator[Check]:
        seen = self.router.look()
        if seen.generation is None and seen.on_disk is None:
            detail = "new: it has no canaryctl configuration yet, and begins with 0 %"
            yield Check("gateway", passed=None, detail=detail)
        elif seen.generation is None:
            yield Check("gateway", passed=False, detail=seen.problem)
        else:
            detail = f"generation {seen.generation} answers, canary {seen.weight} %"
            yield Check("gateway", passed=True, detail=detail)
            if seen.on_disk != seen.generation:
                detail = f"generation {seen.on_disk} is on disk, {seen.generation} in force"
                yield Check("drift", passed=None, detail=detail)

    def _configurations(self) -> Iterator[Check]:
        weights = [Weight.ZERO, *(stage.weight for stage in self.plan.stages)]
        notes = self.router.check(weights)
        said = f"accepted by NGINX for {', '.join(map(str, weights))} %"
        yield Check("every stage's configuration", passed=True, detail=said)
        version, *rest = notes
        yield Check("NGINX", passed=True, detail="; ".join([version, *rest]))

    def control_listener(self) -> Iterator[Check]:
        """Warn where others than this machine can read it, or could answer in its place."""
        name = "control listener"
        beyond: Sequence[str] = ()
        with suppress(HostError):  # the check of the gateway says that already
            beyond = self.exposed()
        if beyond:
            detail = (
                f"reachable at {', '.join(beyond)}: whoever is there reads the weights; publish it "
                "on loopback (127.0.0.1:PORT:PORT), or let only canaryctl's machine through"
            )
            yield Check(name, passed=None, detail=detail)
        parts = urlsplit(self.verify)
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            detail = (
                f"asked over the network without TLS ({self.verify}): whoever is on the way could "
                "answer in its place; reach it through a tunnel, or with https:// and gateway.tls"
            )
            yield Check(name, passed=None, detail=detail)

    def _canary(self) -> Iterator[Check]:
        for address in self.addresses:
            seen = self.host.locate(address)
            yield Check(f"canary {address}", passed=seen.answers, detail=seen.detail)
        if self.identities is not None:
            for one in self.identities.check(self.release):
                yield Check(f"identity of {one.peer}", passed=one.right, detail=one.said)

    def metrics_source(self) -> Iterator[Check]:
        """Look at what the source says of both versions, gate by gate."""
        now = self.clock.now()
        since = now - RECENT
        frame = Frame(since, since, self.plan.interval, self.select, self.release, Weight.ZERO)
        try:
            readings = self.metrics.read(wanted(self.gates, frame, now), since)
        except MetricsUnavailable as error:
            detail = f"{error}" + (f" ({error.next_step})" if error.next_step else "")
            yield Check("metrics", passed=False, detail=detail)
            return
        look = Look(frame, readings, now)
        if not look.alive(Version.STABLE):
            labels = self.select.get(Version.STABLE)
            which = f" with the labels {labels}" if labels else ""
            detail = (
                f"nothing fresh of stable{which}: check metrics.select, or is stable not scraped?"
            )
            yield Check("metrics", passed=False, detail=detail)
            return
        yield Check("metrics", passed=True, detail="the source answers for stable")
        yield from self._scraping(look)
        ups = look.series(Version.CANARY, UP)
        if ups and not look.alive(Version.CANARY):
            yield Check(CANARY_METRICS, passed=False, detail="its scrapes fail (up is 0)")
        for gate in self.gates:
            yield from _gate_seen(gate, look)

    def _scraping(self, look: Look) -> Iterator[Check]:
        seen = spacing([one for many in look.readings.series.values() for one in many])
        if seen is not None and seen > self.plan.interval * 1.5:
            detail = (
                f"samples come every {seen:.0f} s, gates are evaluated every "
                f"{self.plan.interval:g} s: a failure is seen {seen:.0f} s late at worst"
            )
            yield Check("scrape interval", passed=None, detail=detail)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _gate_seen(gate: Gate, look: Look) -> Iterator[Check]:
    """Tell what a gate can never work on, before traffic is shifted on its account."""
    name = f"gate {gate.rule.name}"
    needed: tuple[Selector, ...] = ()
    match gate:
        case PromqlGate():
            yield from _query_seen(name, gate, look)
        case RatioGate():
            needed = (gate.total,)
        case LatencyGate():
            needed = (gate.metric.suffixed("_bucket"),)
        case GaugeGate():
            needed = (gate.metric,)
    for selector in needed:
        want_series = SeriesWanted(Version.STABLE, selector)
        if (error := look.error(want_series)) is not None:
            yield Check(name, passed=False, detail=f"{selector}: {error}")
        elif not look.series(Version.STABLE, selector):
            against_stable = isinstance(gate, GaugeGate) and gate.rule.max_ratio is None
            detail = f"stable exposes no {selector}: check the name, or has it no traffic yet?"
            yield Check(name, passed=None if against_stable else False, detail=detail)


def _query_seen(name: str, gate: PromqlGate, look: Look) -> Iterator[Check]:
    want = query_for(gate, Version.CANARY, look.frame, look.asked)
    values = look.readings.values.get(want, ())
    if (error := look.error(want)) is not None:
        yield Check(name, passed=False, detail=f"{error}: {want.query}")
    elif len(values) > 1:
        detail = f"{len(values)} series, not one number: aggregate them: {want.query}"
        yield Check(name, passed=False, detail=detail)
    elif not values:
        yield Check(name, passed=None, detail=f"an empty result so far: {want.query}")
