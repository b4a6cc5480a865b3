"""Prometheus' JSON, and verdicts on numbers from wherever: doubt is never a pass."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import json
from math import isfinite
from random import Random
from typing import Any

import httpx

from canaryctl.config.gate_sets import SETS
from canaryctl.core.errors import MetricsUnavailable
from canaryctl.core.gate import Finding, Judging, PromqlGate, Rule, Status
from canaryctl.core.look import Frame, Look, wanted
from canaryctl.core.measure import measure
from canaryctl.core.series import QueryWanted, Readings, Sample, Series, SeriesWanted
from canaryctl.core.weight import Weight
from canaryctl.drivers.calculable import calculable
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.prometheus import PrometheusMetrics
from canaryctl.drivers.prometheus_answer import (
    NotPrometheusError,
    QueryRefusedError,
    data_of,
    series_of,
    values_of,
)
from tests.fuzz import dice as a
from tests.fuzz.target import Target

_AT = 1_750_000_000.0
_SECRET = "s3cr3t-t0ken"  # noqa: S105  looked for, never used
_FRAME = Frame(_AT - 60, _AT - 60, 10.0, {}, "v2", Weight(500))
_GATES = (
    *(one.judged(judge) for make in SETS.values() for one in make() for judge in Judging),
    PromqlGate(Rule("q", maximum=100.0), "avg(x)"),
    PromqlGate(Rule("q2", max_ratio=2.0), 'avg(x{version="{{ version }}"})'),
)
_WANTED = wanted(_GATES, _FRAME, _AT)
_MATRIX: dict[str, Any] = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [
            {
                "metric": {"__name__": "x", "le": "0.5", "mode": "fast", "instance": "i"},
                "values": [[_AT - 40, "1"], [_AT - 20, "5"], [_AT - 5.5, "12.5"]],
            }
        ],
    },
    "warnings": ["PromQL info: x"],
}
_VECTOR: dict[str, Any] = {
    "status": "success",
    "data": {"resultType": "vector", "result": [{"metric": {}, "value": [_AT, "0.25"]}]},
}
_SCALAR: dict[str, Any] = {
    "status": "success",
    "data": {"resultType": "scalar", "result": [_AT, "1750000000"]},
}
_REFUSED: dict[str, Any] = {"status": "error", "errorType": "bad_data", "error": "parse error"}
_BODIES = (_MATRIX, _MATRIX, _VECTOR, _SCALAR, _REFUSED)


def _body(dice: Random, source: Any = None) -> bytes:
    made = a.mutated_json(dice, dice.choice(_BODIES) if source is None else source)
    encoded = a.as_json(dice, made).encode(errors="surrogatepass")
    return encoded.decode("latin-1").encode("utf-16") if dice.random() < 0.01 else encoded


def envelopes(dice: Random) -> None:
    """An answer is numbers at finite times, or one of two documented refusals."""
    try:
        data = data_of(dice.choice((200, 200, 200, 400, 422)), _body(dice))
    except (NotPrometheusError, QueryRefusedError):
        return
    for read in (lambda: series_of(data, 0.25), lambda: values_of(data)):
        try:
            found = read()
        except (NotPrometheusError, QueryRefusedError):
            continue
        for one in found:
            if isinstance(one, Series):
                assert all(isinstance(s.at, float) and isfinite(s.at) for s in one.samples)
                assert [s.at for s in one.samples] == sorted(s.at for s in one.samples)
                assert all(isinstance(s.value, float) for s in one.samples)
                assert all(isinstance(word, str) for pair in one.labels.items() for word in pair)
            else:
                assert isinstance(one, float)


def server(dice: Random) -> None:
    """A server that answers anything gives readings, or is called unavailable; never more."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.content.decode()
        hostile = dice.random() < (0.1 if "query=time" in query else 0.4)
        source = _SCALAR if "query=time" in query else _MATRIX if "%5B" in query else _VECTOR
        body = _body(dice, source) if hostile else json.dumps(source).encode()
        if dice.random() < 0.05:
            body += f"Bearer {_SECRET}".encode()
        status = dice.choice((200, 200, 200, 200, 302, 400, 401, 404, 422, 500, 503))
        status = status if hostile else 200
        headers = {"location": a.text(dice)} if status == 302 else {}
        try:
            return httpx.Response(status, content=body, headers=headers)
        except UnicodeEncodeError:
            return httpx.Response(status, content=body)

    metrics = PrometheusMetrics(
        "http://127.0.0.1:9",
        {},
        SystemClock(),
        bearer_token=_SECRET,
        transport=httpx.MockTransport(answer),
    )
    try:
        with metrics:
            readings = metrics.read(_WANTED[: dice.randint(1, 6)], _AT - 60)
    except MetricsUnavailable as error:
        assert str(error).isprintable()
        assert _SECRET not in str(error)
        return
    _sound(measure(_GATES, Look(_FRAME, readings, _AT)))


def findings(dice: Random) -> None:
    """Whatever the numbers are, a gate passes or fails on finite ones only."""
    series: dict[SeriesWanted, tuple[Series, ...]] = {}
    values: dict[QueryWanted, tuple[float, ...]] = {}
    for one in _WANTED:
        if isinstance(one, SeriesWanted):
            series[one] = tuple(_series(dice) for _ in range(dice.choice((0, 1, 1, 3))))
        else:
            values[one] = tuple(_float(dice) for _ in range(dice.choice((0, 1, 1, 2))))
    gates = dice.sample(_GATES, 4)
    _sound(measure(gates, Look(_FRAME, Readings(_AT, series, values), _AT)))


def _series(dice: Random) -> Series:
    labels = {
        "le": dice.choice(("0.1", "0.5", "+Inf", a.text(dice, 1))),
        "mode": dice.choice(("fast", "creative", a.text(dice, 1))),
        "instance": dice.choice(("i", "j")),
    }
    if dice.random() < 0.2:
        labels.pop("le")
    times = sorted(_AT - dice.uniform(-5, 200) for _ in range(dice.choice((0, 1, 3, 8))))
    return Series(labels, tuple(Sample(at, _float(dice)) for at in times))


def _float(dice: Random) -> float:
    """Give a value as every driver hands it over."""
    if dice.random() < 0.6:
        return float(dice.randint(0, 1000))
    try:
        return calculable(float(a.number(dice)))
    except OverflowError:
        return float("inf")


def _sound(found: tuple[Finding, ...]) -> None:
    for one in found:
        if one.status in (Status.PASS, Status.FAIL):
            numbers = [n for n in (one.value, one.limit, one.samples) if n is not None]
            assert all(map(isfinite, numbers)), one


TARGETS = (
    Target("prometheus json", envelopes, share=14),
    Target("prometheus server", server, share=0.4),
    Target("metric answers", findings, share=6),
)
