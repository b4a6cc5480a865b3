"""Numbers read from both versions' own ``/metrics``: the default where no Prometheus runs.

Every read looks at every target once and remembers what it saw, so a rollout collects its own
history. The first read has none: it is the base from which increments are counted.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from canaryctl.core.errors import ConfigError, MetricsUnavailable
from canaryctl.core.redaction import SECRETS
from canaryctl.core.series import QueryWanted, Readings, Series, SeriesWanted, Version, Wanted
from canaryctl.drivers.bounded_http import BoundedHttp, RequestError, TooLargeError
from canaryctl.drivers.exposition_text import Exposed, UnreadableError, exposed_samples
from canaryctl.drivers.http_address import Address
from canaryctl.drivers.sample_store import TargetSamples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from canaryctl.drivers.tls import Tls
    from canaryctl.ports import Clock

_LIMIT_BYTES = 16 * 2**20
_SIDE_BY_SIDE = 8
_OK = 200
_SERVER_ERRORS = range(500, 600)
_ACCEPT = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"

# Seconds kept before a window's start. Windows only move forward during a rollout, but a caller
# may look again at the one before.
_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class _Look:
    """What one request to one target gave.

    Attributes:
        at: when the answer was there, epoch seconds.
        exposed: the samples; None when there were none to read.
        fault: why not.
        is_ours: whether the fault is in what was configured or exposed, and not one of a
            service that is down.
    """

    at: float
    exposed: tuple[Exposed, ...] | None
    fault: str = ""
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    version: Version
    address: Address
    instance: str
    samples: TargetSamples = field(default_factory=TargetSamples)


class ScrapeMetrics:
    """The ``Metrics`` port on the versions' own metrics pages.

    Each series gets the label ``instance`` (``host:port``), and each target a series ``up``:
    1 when it answered with a readable page, else 0.

    Args:
        targets: addresses of each version's metrics pages, one for each instance.
        clock: canaryctl's; a sample's time is when its page had arrived.
        select: labels that each version's series must carry, for pages that hold more than
            the version's own. Left out, all a target exposes is its version's.
        timeout: seconds one target may take.
        headers: sent with every request.
        tls: the authority to believe, and what is shown when a target asks who we are.
        transport: stands in for the network in tests.

    Raises:
        ConfigError: an address is not a URL, or there is none.
    """

    def __init__(
        self,
        targets: Mapping[Version, Sequence[str]],
        clock: Clock,
        *,
        select: Mapping[Version, Mapping[str, str]] | None = None,
        timeout: float = 2.0,
        headers: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._clock = clock
        self._select = select or {}
        self._targets = tuple(
            target for version, urls in targets.items() for target in _targets(version, urls)
        )
        if not self._targets:
            raise ConfigError(
                "metrics.targets is empty",
                next_step="name each version's metrics page, such as http://app:8000/metrics",
            )
        self._http = BoundedHttp(
            clock,
            timeout=timeout,
            limit=_LIMIT_BYTES,
            headers={"Accept": _ACCEPT, **(headers or {})},
            # Like Prometheus: instances are reached directly, a proxy would answer for them.
            proxies=False,
            tls=tls,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The samples stay; the next read opens connections again."""
        self._http.close()

    def describe(self) -> str:
        """Name the source for people, without credentials."""
        return f"metrics pages {', '.join(t.address.display for t in self._targets)}"

    def read(self, wanted: Sequence[Wanted], since: float) -> Readings:
        """Look at every target, and give what is known from before ``since`` up to now.

        A version whose targets do not answer is no error: its ``up`` is 0 and its series get no
        new samples.

        Args:
            wanted: what to give; queries are refused, there is nothing to evaluate them.
            since: the window's start, epoch seconds; what lies well before it is forgotten.

        Raises:
            MetricsUnavailable: not one target gave a readable page.
        """
        with ThreadPoolExecutor(
            min(_SIDE_BY_SIDE, len(self._targets)), thread_name_prefix="scrape"
        ) as pool:
            looks = tuple(pool.map(self._look, self._targets))
        for target, look in zip(self._targets, looks, strict=True):
            self._remember(target, look)
            target.samples.forget_before(since - _MARGIN)
        if all(look.exposed is None for look in looks):
            raise self._unavailable(looks)
        series = {w: self._series(w) for w in wanted if isinstance(w, SeriesWanted)}
        return Readings(at=self._clock.now(), series=series, errors=self._errors(wanted, looks))

    def _look(self, target: _Target) -> _Look:
        address = target.address
        try:
            answer = self._http.request("GET", address.url, auth=address.credentials)
        except RequestError as error:
            # A page without end is a fault of the page; the rest are those of a dead service.
            is_ours = isinstance(error, TooLargeError)
            return _Look(self._clock.now(), None, str(error), is_ours=is_ours)
        at = self._clock.now()
        if answer.status != _OK:
            said = SECRETS.hide(f"{answer.status} {answer.reason}".strip())
            return _Look(at, None, said, is_ours=answer.status not in _SERVER_ERRORS)
        if not answer.is_framed and not answer.body.endswith(b"\n"):
            # Of 1234 there may be 12 left, which would count as a restart and then a leap.
            return _Look(at, None, "the connection broke off in the middle of a line")
        try:
            return _Look(at, exposed_samples(answer.body, answer.content_type))
        except UnreadableError as error:
            return _Look(at, None, str(error), is_ours=True)

    def _remember(self, target: _Target, look: _Look) -> None:
        labels = {"instance": target.instance}
        if look.exposed is not None:
            # `up` is what we saw, not what a page claims.
            own = (one for one in look.exposed if one.metric != "up")
            target.samples.record(look.at, own, labels)
        up = {**self._select.get(target.version, {}), **labels}
        target.samples.add("up", up, look.at, 0.0 if look.exposed is None else 1.0)

    def _series(self, wanted: SeriesWanted) -> tuple[Series, ...]:
        selector = wanted.selector.where(self._select.get(wanted.version, {}))
        return tuple(
            series
            for target in self._targets
            if target.version == wanted.version
            for series in target.samples.matching(selector)
        )

    def _errors(self, wanted: Sequence[Wanted], looks: Sequence[_Look]) -> dict[Wanted, str]:
        faults: dict[Version, list[str]] = {}
        for target, look in zip(self._targets, looks, strict=True):
            if look.is_ours:
                said = f"{target.address.display}: {look.fault}"
                faults.setdefault(target.version, []).append(said)
        errors: dict[Wanted, str] = {}
        for one in wanted:
            if isinstance(one, QueryWanted):
                errors[one] = "a promql gate needs metrics.provider: prometheus"
            elif one.version in faults and one.selector.metric != "up":
                errors[one] = "; ".join(faults[one.version])
        return errors

    def _unavailable(self, looks: Sequence[_Look]) -> MetricsUnavailable:
        seen = "; ".join(
            f"{target.address.display}: {look.fault}"
            for target, look in zip(self._targets, looks, strict=True)
        )
        return MetricsUnavailable(
            f"no metrics page answers: {seen}",
            next_step="check that the versions run and metrics.targets can be reached from here",
        )


def _targets(version: Version, urls: Sequence[str]) -> tuple[_Target, ...]:
    addresses = [Address.parse(url, key="metrics.targets") for url in urls]
    instances = [address.instance for address in addresses]
    return tuple(
        _Target(
            version,
            address,
            # Two pages of one process are two instances, or their series could not be told apart.
            address.instance
            if instances.count(address.instance) == 1
            else address.display.partition("//")[2],
        )
        for address in addresses
    )
