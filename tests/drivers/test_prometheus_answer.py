"""Answers that Prometheus would never give are refused; none of them passes as a number."""

from __future__ import annotations

import json
from math import inf, isnan
from typing import Any

import pytest

from canaryctl.drivers.bounded_http import Answer
from canaryctl.drivers.prometheus_answer import (
    NotPrometheusError,
    QueryRefusedError,
    data_of,
    series_of,
    values_of,
)
from canaryctl.drivers.prometheus_faults import Faults

SECRET = "s3cr3t-t0ken"  # noqa: S105  looked for


def matrix(*values: Any) -> dict[str, Any]:
    return {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": list(values)}]}


@pytest.mark.parametrize(
    "values",
    [
        ([float("nan"), "1"],),
        ([inf, "1"],),
        ([10**400, "1"],),
        (["1", "1"],),
        ([True, "1"],),
        ("12",),
        ([1, 10**400],),
        ([1, None],),
        ([1, "1", "2"],),
        ([2, "1"], [1, "1"]),
    ],
)
def test_a_sample_that_is_none_is_not_prometheus(values: tuple[Any, ...]) -> None:
    with pytest.raises(NotPrometheusError, match="in the result"):
        series_of(matrix(*values), 0.0)


def test_a_value_too_large_to_add_up_is_no_number() -> None:
    (series,) = series_of(matrix([1, "1.7e308"], [2, "-1e301"], [3, "NaN"], [4, "7"]), 0.0)
    high, low, none, seven = (sample.value for sample in series.samples)
    assert (high, low, seven) == (inf, -inf, 7.0)
    assert isnan(none)


@pytest.mark.parametrize("result", ["12", [1, 2], [None, "2"], [1, "2", 3], 5])
def test_a_scalar_that_is_none_is_not_prometheus(result: Any) -> None:
    with pytest.raises(NotPrometheusError):
        values_of({"resultType": "scalar", "result": result})


@pytest.mark.parametrize("warnings", [5, "lost a store", {"a": 1}, [[]], [None]])
def test_warnings_of_any_shape_are_a_loss(warnings: Any) -> None:
    body = json.dumps({"status": "success", "data": {}, "warnings": warnings})
    with pytest.raises(QueryRefusedError, match="only part of the data"):
        data_of(200, body.encode())


@pytest.mark.parametrize("depth", [900, 980, 990, 5_000])
def test_json_without_end_is_refused(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for body in (deep, f'{{"status":"error","error":{deep}}}', f'{{"data":{deep}}}'):
        with pytest.raises((NotPrometheusError, QueryRefusedError)):
            data_of(400, body.encode())


@pytest.mark.parametrize("blanks", range(1590, 1630))
def test_a_secret_that_the_excerpt_cuts_is_not_shown_in_part(blanks: int) -> None:
    body = (" " * blanks + SECRET + " " * 100).encode()
    answer = Answer(500, "Oops", "text/html", "", body, is_framed=True)
    said = str(Faults("Prometheus", "http://x/q", [SECRET]).status(answer))
    assert SECRET[:2] not in said
