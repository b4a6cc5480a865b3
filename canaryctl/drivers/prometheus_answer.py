"""What Prometheus' query API answers, as numbers. Pure: bytes in, values out.

The format: https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from canaryctl.core.series import Sample, Series
from canaryctl.drivers.calculable import calculable

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFUSALS = (400, 422)
_MALFORMED = (
    *(KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
)


class NotPrometheusError(Exception):
    """The answer is not one of the query API: something else answers there."""


class QueryRefusedError(Exception):
    """The server is well and cannot or must not answer this one query; the text is its reason."""


def data_of(status: int, body: bytes) -> Mapping[str, Any]:
    """Open the envelope.

    Args:
        status: HTTP's, 200, 400 or 422; others are not worth opening.
        body: the answer.

    Raises:
        QueryRefusedError: the query is malformed, fails to execute, or was answered in part only.
        NotPrometheusError: not the envelope of the query API.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise NotPrometheusError("no JSON") from None
    if not isinstance(answer, dict):
        raise NotPrometheusError("JSON of another shape: no object")
    if answer.get("status") == "error" and status in _REFUSALS:
        kind, said = _text(answer.get("errorType", status)), _text(answer.get("error", ""))
        raise QueryRefusedError(f"{kind}: {said}")
    data = answer.get("data")
    if status in _REFUSALS or answer.get("status") != "success" or not isinstance(data, dict):
        raise NotPrometheusError('JSON of another shape: no {"status":"success","data":…}')
    _whole(answer)
    return data


def series_of(data: Mapping[str, Any], skew: float) -> tuple[Series, ...]:
    """Read a matrix of raw samples.

    Args:
        data: the envelope's content.
        skew: seconds the server's clock is ahead of ours; taken off every sample's time.

    Raises:
        QueryRefusedError: native histograms, which the counting of buckets cannot use.
        NotPrometheusError: not a matrix, or samples that are not oldest first at finite times.
    """
    try:
        kind, result = data["resultType"], data["result"]
        if kind != "matrix":
            raise NotPrometheusError(
                f"JSON of another shape: a {_text(kind)} where a matrix was asked for"
            )
        _classic(result)
        return tuple(
            Series(
                labels={k: _text(v) for k, v in one["metric"].items() if k != "__name__"},
                samples=_samples(one["values"], skew),
            )
            for one in result
        )
    except _MALFORMED as error:
        raise NotPrometheusError(f"JSON of another shape: {error!r} in the result") from error


def values_of(data: Mapping[str, Any]) -> tuple[float, ...]:
    """Read a scalar or a vector: one number per series; NaN stays NaN.

    Raises:
        QueryRefusedError: another type, or native histograms.
        NotPrometheusError: not a result at all.
    """
    try:
        kind, result = data["resultType"], data["result"]
        if kind == "scalar":
            return (_number(result),)
        if kind != "vector":
            raise QueryRefusedError(
                f"the query gives a {_text(kind)}, not a number or a vector; "
                "a range such as metric[5m] needs a function around it"
            )
        _classic(result)
        return tuple(_number(one["value"]) for one in result)
    except _MALFORMED as error:
        raise NotPrometheusError(f"JSON of another shape: {error!r} in the result") from error


def _samples(pairs: list[Any], skew: float) -> tuple[Sample, ...]:
    found: list[Sample] = []
    for pair in pairs:
        value, at = _number(pair), float(pair[0]) - skew
        if not isfinite(at) or (found and at < found[-1].at):
            raise ValueError(f"the time {pair[0]!r}")
        found.append(Sample(at, value))
    return tuple(found)


def _number(pair: list[Any]) -> float:
    """Read ``[time, "value"]``: the value is text, for JSON knows no NaN."""
    at, text = pair
    if isinstance(at, bool) or not isinstance(at, int | float) or not isinstance(text, str):
        raise TypeError(f"{type(at).__name__} and {type(text).__name__}")
    return calculable(float(text))


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else f"({type(value).__name__})"


def _whole(answer: Mapping[str, Any]) -> None:
    # Thanos and VictoriaMetrics answer 200 when some of their stores did not: too few errors
    # would be counted. Prometheus' remarks on a query's style ("PromQL info: …") are no such loss.
    given = answer.get("warnings") or []
    warnings = map(_text, given if isinstance(given, list) else [given])
    lost = [one for one in warnings if not one.startswith("PromQL ")]
    if lost or answer.get("isPartial") is True:
        raise QueryRefusedError(f"only part of the data answered: {'; '.join(lost) or 'isPartial'}")


def _classic(result: list[Mapping[str, Any]]) -> None:
    if any("histogram" in one or "histograms" in one for one in result):
        raise QueryRefusedError(
            "native histograms are not read; have classic buckets scraped beside them "
            "(always_scrape_classic_histograms: true) or use a promql gate with histogram_quantile"
        )
