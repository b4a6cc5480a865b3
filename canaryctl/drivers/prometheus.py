"""Numbers from Prometheus' HTTP API, or from whatever speaks it (Thanos, Mimir, VictoriaMetrics).

Raw samples are asked for (``metric{…}[300s]`` as an instant query), never ``rate`` or
``increase``: those cannot see a counter's birth, and they extrapolate.
"""

from __future__ import annotations

from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

from canaryctl.core.errors import ConfigError
from canaryctl.core.series import QueryWanted, Readings, Series, SeriesWanted, Version, Wanted
from canaryctl.drivers.bounded_http import Answer, BoundedHttp, RequestError
from canaryctl.drivers.http_address import Address
from canaryctl.drivers.prometheus_answer import (
    NotPrometheusError,
    QueryRefusedError,
    data_of,
    series_of,
    values_of,
)
from canaryctl.drivers.prometheus_faults import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from canaryctl.drivers.tls import Tls
    from canaryctl.ports import Clock

_QUERY_PATH = "/api/v1/query"
_SIDE_BY_SIDE = 4
_LIMIT_BYTES = 64 * 2**20
_SECRET_CHARACTERS = 6
_METHOD_NOT_ALLOWED = 405
_WORTH_OPENING = (200, 400, 422)

# Clocks that differ by less are left alone. Synchronised machines differ by milliseconds, and
# what would be measured then is the network: correcting for it would give one sample another
# time at each read. Half a second is below any usual scrape interval, so a sample lands in the
# right window all the same.
_TOLERATED_SKEW = 0.5

_ASKED_OF_ALL = {
    # Thanos: rather no answer than one that lacks a store. Unknown to the others, and ignored.
    "partial_response": "false",
    # VictoriaMetrics moves a query up to 30 s into the past unless told not to.
    "nocache": "1",
}


@dataclass(frozen=True, slots=True)
class _Moment:
    """One instant on both clocks, epoch seconds."""

    server: float
    ours: float


class PrometheusMetrics:
    """The ``Metrics`` port on Prometheus' HTTP API.

    All queries of one read are evaluated at the same server time, so that a ratio's two sides
    end at the same instant.

    Args:
        url: where the server answers, with its path prefix if it has one.
        select: the labels that tell each version's series apart.
        clock: canaryctl's.
        timeout: seconds one request may take.
        bearer_token: sent as ``Authorization: Bearer …``.
        basic_auth: user and password; those in the URL are used as well.
        tls: the authority to believe, and what is shown when the server asks who we are.
        headers: sent with every request, such as ``X-Scope-OrgID``.
        lookback: seconds before the window in which its base sample is looked for.
        transport: stands in for the network in tests.

    Raises:
        ConfigError: the URL is none, or two kinds of credentials are given.
    """

    def __init__(
        self,
        url: str,
        select: Mapping[Version, Mapping[str, str]],
        clock: Clock,
        *,
        timeout: float = 10.0,
        bearer_token: str | None = None,
        basic_auth: tuple[str, str] | None = None,
        tls: Tls | None = None,
        headers: Mapping[str, str] | None = None,
        lookback: float = 300.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._address = Address.parse(url, key="metrics.url")
        self._auth = basic_auth or self._address.credentials
        if bearer_token and self._auth:
            raise ConfigError(
                "metrics has both a bearer token and a user with password",
                next_step="leave out one of them; a user in metrics.url counts as well",
            )
        sent = dict(headers or {})
        if bearer_token:
            # Tokens come from files, and files end with a line's end.
            sent["Authorization"] = f"Bearer {bearer_token.strip()}"
        self._select = select
        self._clock = clock
        self._lookback = lookback
        self._query_url = _endpoint(self._address.url)
        self._method = "POST"
        self._skew = 0.0
        self._faults = Faults(
            self.describe(),
            _endpoint(self._address.display),
            secrets=_secrets(bearer_token, self._auth, headers or {}),
        )
        self._http = BoundedHttp(
            clock,
            timeout=timeout,
            limit=_LIMIT_BYTES,
            headers=sent,
            tls=tls,
            proxies=not self._address.is_loopback,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The next read opens them again."""
        self._http.close()

    def describe(self) -> str:
        """Name the source for people, without credentials."""
        return f"Prometheus at {self._address.display}"

    def read(self, wanted: Sequence[Wanted], since: float) -> Readings:
        """Read raw series from ``since - lookback`` up to now, and evaluate queries now.

        Args:
            wanted: what to read; each is one query.
            since: the window's start, epoch seconds on canaryctl's clock.

        Raises:
            MetricsUnavailable: the server does not answer, or something else answers there.
        """
        moment = self._look_at_both_clocks()
        seconds = max(1, ceil(max(0.0, moment.ours - since) + self._lookback))
        series: dict[SeriesWanted, tuple[Series, ...]] = {}
        values: dict[QueryWanted, tuple[float, ...]] = {}
        errors: dict[Wanted, str] = {}
        pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="prometheus")
        try:
            asked = {
                one: pool.submit(self._ask, self._promql(one, seconds), moment.server)
                for one in dict.fromkeys(wanted)
            }
            for one, future in asked.items():
                try:
                    if isinstance(one, SeriesWanted):
                        series[one] = series_of(future.result(), self._skew)
                    else:
                        values[one] = values_of(future.result())
                except QueryRefusedError as error:
                    errors[one] = self._faults.refused(self._promql(one, seconds), error)
                except NotPrometheusError as error:
                    raise self._faults.foreign(error) from error
        finally:
            # After the first failure the rest would only wait for the same timeout.
            pool.shutdown(cancel_futures=True)
        return Readings(at=moment.ours, series=series, values=values, errors=errors)

    def _promql(self, wanted: Wanted, seconds: int) -> str:
        if isinstance(wanted, QueryWanted):
            return wanted.query
        selector = wanted.selector.where(self._select.get(wanted.version, {}))
        return f"{selector}[{seconds}s]"

    def _look_at_both_clocks(self) -> _Moment:
        """Read the server's clock, and move ours in ``_skew`` when it really differs."""
        before = self._clock.now()
        try:
            answered = values_of(self._ask("time()", None))
        except (QueryRefusedError, NotPrometheusError) as error:
            raise self._faults.foreign(error) from error
        after = self._clock.now()
        if len(answered) != 1 or not isfinite(answered[0]):
            raise self._faults.foreign(NotPrometheusError("time() is not one number"))
        half_way = (before + after) / 2
        skew = answered[0] - half_way
        # What was measured is exact to half the round trip. It is kept as long as it still
        # explains what is seen, so that a sample has the same time at every read.
        if abs(skew - self._skew) >= _TOLERATED_SKEW + (after - before) / 2:
            self._skew = 0.0 if abs(skew) < _TOLERATED_SKEW else skew
        return _Moment(server=answered[0], ours=half_way)

    def _ask(self, query: str, at: float | None) -> Mapping[str, Any]:
        form = {"query": query, **_ASKED_OF_ALL}
        if at is not None:
            form["time"] = f"{at:.3f}"
        try:
            answer = self._send(form)
            if answer.status == _METHOD_NOT_ALLOWED and self._method == "POST":
                # POST carries queries of any length, but read-only proxies let only GET through.
                self._method = "GET"
                answer = self._send(form)
        except RequestError as error:
            raise self._faults.silent(error) from error
        if answer.status not in _WORTH_OPENING:
            raise self._faults.status(answer)
        try:
            return data_of(answer.status, answer.body)
        except NotPrometheusError as error:
            raise self._faults.foreign(error, answer) from error

    def _send(self, form: Mapping[str, str]) -> Answer:
        return self._http.request(self._method, self._query_url, form=form, auth=self._auth)


def _secrets(
    token: str | None, auth: tuple[str, str] | None, headers: Mapping[str, str]
) -> tuple[str, ...]:
    encoded = b64encode(":".join(auth).encode()).decode() if auth else ""
    # Short header values are tenants' numbers and the like; hiding every "1" helps nobody.
    keys = (value for value in headers.values() if len(value) >= _SECRET_CHARACTERS)
    return (token or "", encoded, *(auth or ()), *keys)


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + _QUERY_PATH))
