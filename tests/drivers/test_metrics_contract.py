"""What every metrics source does alike: one suite, a real Prometheus and the scraper."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

import pytest

from canaryctl.core.counting import increase
from canaryctl.core.selector import Matcher, Operator, Selector, parse_selector
from canaryctl.core.series import Readings, Series, SeriesWanted, Version, Wanted, Window
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.prometheus import PrometheusMetrics
from canaryctl.drivers.scrape import ScrapeMetrics
from tests.drivers.exposition import Exposition
from tests.drivers.prometheus_server import prometheus, prometheus_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from canaryctl.ports import Metrics

DEADLINE = 20.0
ODD_VALUES = (
    'x"} or vector(1) #',
    'a "quoted" word',
    "back\\slash",
    "trailing\\",
    "two\nlines",
    "\\n is no newline",
    "ünïcödé \U0001f600, = {}",
)
CLOCK = SystemClock()


class Open(Protocol):
    def __call__(self, select: Mapping[Version, Mapping[str, str]] | None = None) -> Metrics: ...


@dataclass(frozen=True)
class Source:
    """Both versions' pages, and a way to read them."""

    stable: Exposition
    canary: Exposition
    open: Open


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[Exposition, Exposition]]:
    with Exposition() as stable, Exposition() as canary:
        yield stable, canary


@pytest.fixture(scope="module")
def server(
    pages: tuple[Exposition, Exposition], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if prometheus_binary() is None:
        pytest.skip("no prometheus on PATH")
    stable, canary = pages
    targets = {"stable": [stable.address], "canary": [canary.address]}
    with prometheus(targets, tmp_path_factory.mktemp("prometheus")) as url:
        yield url


@pytest.fixture(params=[pytest.param("prometheus", marks=pytest.mark.prometheus), "scrape"])
def source(
    request: pytest.FixtureRequest, pages: tuple[Exposition, Exposition]
) -> Iterator[Source]:
    stable, canary = pages
    stable.text = canary.text = ""
    opened = ExitStack()

    def on_prometheus(select: Mapping[Version, Mapping[str, str]] | None = None) -> Metrics:
        labels = {
            version: {"version": version.value} | dict((select or {}).get(version, {}))
            for version in Version
        }
        url = request.getfixturevalue("server")
        return opened.enter_context(PrometheusMetrics(url, labels, CLOCK))

    def on_pages(select: Mapping[Version, Mapping[str, str]] | None = None) -> Metrics:
        targets = {Version.STABLE: (stable.url,), Version.CANARY: (canary.url,)}
        return opened.enter_context(ScrapeMetrics(targets, CLOCK, select=select, timeout=5.0))

    if request.param == "prometheus":
        request.getfixturevalue("server")
    with opened:
        yield Source(stable, canary, on_prometheus if request.param == "prometheus" else on_pages)


def of(version: Version, selector: str) -> SeriesWanted:
    return SeriesWanted(version, parse_selector(selector))


def read_until(
    metrics: Metrics,
    wanted: Sequence[Wanted],
    condition: Callable[[Readings], bool],
    since: float | None = None,
) -> Readings:
    start = CLOCK.now() if since is None else since
    deadline = time.monotonic() + DEADLINE
    while True:
        readings = metrics.read(wanted, start)
        if condition(readings):
            return readings
        assert time.monotonic() < deadline, f"never came: {readings}"
        time.sleep(0.05)


def has(*wanted: SeriesWanted) -> Callable[[Readings], bool]:
    return lambda readings: all(readings.series[one] for one in wanted)


def last(series: Sequence[Series]) -> dict[str, float]:
    return {one.labels.get("k", ""): one.samples[-1].value for one in series}


def test_counters_of_both_versions_are_read_apart(source: Source) -> None:
    source.stable.text = 'apart_total{k="a"} 10\napart_total{k="b"} 11\n'
    source.canary.text = 'apart_total{k="a"} 3\n'
    stable, canary = of(Version.STABLE, "apart_total"), of(Version.CANARY, "apart_total")
    readings = read_until(source.open(), [stable, canary], has(stable, canary))
    assert last(readings.series[stable]) == {"a": 10, "b": 11}
    assert last(readings.series[canary]) == {"a": 3}
    labels = readings.series[canary][0].labels
    assert "__name__" not in labels
    assert labels["instance"] == source.canary.address
    assert not readings.errors
    assert abs(readings.at - CLOCK.now()) < 5


def test_a_counter_born_at_one_has_no_sample_before(source: Source) -> None:
    metrics, failures = source.open(), of(Version.CANARY, "born_failures_total")
    up = of(Version.CANARY, "up")
    source.canary.text = "born_other 1\n"
    other = of(Version.CANARY, "born_other")
    before = read_until(metrics, [failures, up, other], has(up, other))
    assert before.series[failures] == ()
    born = CLOCK.now()
    source.canary.text = "born_other 1\nborn_failures_total 1\n"
    readings = read_until(metrics, [failures], has(failures), born)
    (series,) = readings.series[failures]
    assert {sample.value for sample in series.samples} == {1.0}
    assert series.samples[0].at >= born - 0.1
    assert increase(series, Window(born, readings.at + 1)).amount == 1


def test_the_base_sample_before_the_window_is_given(source: Source) -> None:
    metrics, wanted = source.open(), of(Version.CANARY, "base_total")
    source.canary.text = "base_total 5\n"
    read_until(metrics, [wanted], has(wanted))
    since = CLOCK.now()
    source.canary.text = "base_total 7\n"
    readings = read_until(metrics, [wanted], lambda r: last(r.series[wanted]).get("") == 7, since)
    (series,) = readings.series[wanted]
    assert series.samples[0].at <= since
    assert series.samples[0].value == 5
    assert all(later.at > earlier.at for earlier, later in pairwise(series.samples))
    assert increase(series, Window(since, readings.at + 1)).amount == 2


def test_a_restarted_counter_shows_both_lives(source: Source) -> None:
    metrics, wanted = source.open(), of(Version.CANARY, "reset_total")
    source.canary.text = "reset_total 5\n"
    read_until(metrics, [wanted], has(wanted))
    since = CLOCK.now()
    source.canary.text = "reset_total 1\n"
    readings = read_until(metrics, [wanted], lambda r: last(r.series[wanted]).get("") == 1, since)
    assert increase(readings.series[wanted][0], Window(since, readings.at + 1)).resets == 1


def test_histogram_buckets_keep_their_bounds(source: Source) -> None:
    source.canary.text = (
        "# TYPE hist_seconds histogram\n"
        'hist_seconds_bucket{le="0.5"} 2\nhist_seconds_bucket{le="+Inf"} 3\n'
        "hist_seconds_sum 4.5\nhist_seconds_count 3\n"
    )
    selector = parse_selector("hist_seconds").suffixed("_bucket")
    wanted = SeriesWanted(Version.CANARY, selector)
    readings = read_until(source.open(), [wanted], has(wanted))
    found = {s.labels["le"]: s.samples[-1].value for s in readings.series[wanted]}
    assert found == {"0.5": 2, "+Inf": 3}


def test_a_counter_is_found_under_the_name_its_page_shows(source: Source) -> None:
    source.canary.text = "# TYPE named_errors counter\nnamed_errors 4\n"
    wanted = of(Version.CANARY, "named_errors")
    renamed = of(Version.CANARY, "named_errors_total")
    readings = read_until(source.open(), [wanted, renamed], has(wanted))
    assert readings.series[wanted][0].samples[-1].value == 4
    assert readings.series[renamed] == ()


def test_gauges_keep_values_no_number_can_express(source: Source) -> None:
    source.canary.text = (
        "# TYPE odd_gauge gauge\n"
        'odd_gauge{k="nan"} NaN\nodd_gauge{k="inf"} +Inf\n'
        'odd_gauge{k="negative"} -1.5e-3\nodd_gauge{k="minus"} -Inf\n'
    )
    wanted = of(Version.CANARY, "odd_gauge")
    values = last(read_until(source.open(), [wanted], has(wanted)).series[wanted])
    assert math.isnan(values.pop("nan"))
    assert values == {"inf": math.inf, "minus": -math.inf, "negative": -0.0015}


def test_patterns_match_the_whole_value(source: Source) -> None:
    source.canary.text = "".join(f'pattern{{k="{k}"}} 1\n' for k in ("500", "503", "5000", "200"))
    wanted = of(Version.CANARY, 'pattern{k=~"5.."}')
    none = of(Version.CANARY, 'pattern{k!~"[0-9]+"}')
    readings = read_until(source.open(), [wanted, none], has(wanted))
    assert set(last(readings.series[wanted])) == {"500", "503"}
    assert readings.series[none] == ()


def test_a_target_that_dies_is_down_and_one_that_comes_back_is_up(source: Source) -> None:
    metrics = source.open()
    stable, canary = of(Version.STABLE, "up"), of(Version.CANARY, "up")
    both = [stable, canary]
    read_until(metrics, both, lambda r: all(last(r.series[w]).get("") == 1 for w in both))
    source.canary.stop()
    try:
        readings = read_until(metrics, both, lambda r: last(r.series[canary]) == {"": 0})
        assert last(readings.series[stable]) == {"": 1}
        assert not readings.errors
    finally:
        source.canary.start()
    read_until(metrics, both, lambda r: last(r.series[canary]) == {"": 1})


def test_nothing_matching_is_an_empty_answer_and_no_error(source: Source) -> None:
    wanted = of(Version.CANARY, "nobody_exposes_this")
    readings = source.open().read([wanted, wanted], CLOCK.now())
    assert readings.series == {wanted: ()}
    assert not readings.errors


@pytest.mark.parametrize("value", ODD_VALUES)
def test_any_label_value_selects_itself_and_nothing_else(source: Source, value: str) -> None:
    metric = f"odd_{ODD_VALUES.index(value)}"
    source.canary.text = _with_odd_labels(metric)
    wanted = SeriesWanted(Version.CANARY, Selector(metric, (Matcher("k", Operator.EQUAL, value),)))
    readings = read_until(source.open(), [wanted], has(wanted))
    assert last(readings.series[wanted]) == {value: ODD_VALUES.index(value)}


@pytest.mark.parametrize("value", ODD_VALUES)
def test_a_configured_label_cannot_change_the_query(source: Source, value: str) -> None:
    metric = f"chosen_{ODD_VALUES.index(value)}"
    source.canary.text = source.stable.text = _with_odd_labels(metric)
    metrics = source.open({version: {"k": value} for version in Version})
    wanted, absent = of(Version.CANARY, metric), of(Version.CANARY, "chosen_nowhere")
    readings = read_until(metrics, [wanted, absent], has(wanted))
    assert last(readings.series[wanted]) == {value: ODD_VALUES.index(value)}
    assert readings.series[absent] == ()


def _with_odd_labels(metric: str) -> str:
    lines = []
    for number, value in enumerate(ODD_VALUES):
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        lines.append(f'{metric}{{k="{escaped}"}} {number}\n')
    return "".join(lines)
