"""ScrapeMetrics and its parts: real pages, and a clock in hand where time matters."""

from __future__ import annotations

import math
import socket
import time
from itertools import count
from threading import Thread
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.errors import ConfigError, MetricsUnavailable
from canaryctl.core.selector import Selector, parse_selector
from canaryctl.core.series import QueryWanted, Sample, SeriesWanted, Version
from canaryctl.drivers import scrape
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.exposition_text import Exposed, UnreadableError, exposed_samples
from canaryctl.drivers.sample_store import TargetSamples
from canaryctl.drivers.scrape import ScrapeMetrics
from tests.drivers.exposition import OPENMETRICS, TEXT, Exposition
from tests.drivers.prometheus_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = SystemClock()
STABLE = SeriesWanted(Version.STABLE, parse_selector("requests_total"))
CANARY = SeriesWanted(Version.CANARY, parse_selector("requests_total"))
CANARY_UP = SeriesWanted(Version.CANARY, parse_selector("up"))


class HandClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def stable() -> Iterator[Exposition]:
    with Exposition("requests_total 10\n") as page:
        yield page


@pytest.fixture
def canary() -> Iterator[Exposition]:
    with Exposition("requests_total 3\n") as page:
        yield page


@pytest.fixture
def metrics(stable: Exposition, canary: Exposition) -> Iterator[ScrapeMetrics]:
    targets = {Version.STABLE: (stable.url,), Version.CANARY: (canary.url,)}
    with ScrapeMetrics(targets, CLOCK, timeout=5.0) as source:
        yield source


# --- the source ------------------------------------------------------------------------------


def test_several_instances_are_told_apart(stable: Exposition, canary: Exposition) -> None:
    urls = (canary.url, f"{stable.url}?a=1", f"{stable.url}/b")
    with ScrapeMetrics({Version.CANARY: urls}, CLOCK) as source:
        series = source.read([CANARY], CLOCK.now()).series[CANARY]
    assert [one.labels["instance"] for one in series] == [
        canary.address,
        f"{stable.address}/metrics",
        f"{stable.address}/metrics/b",
    ]


def test_each_read_adds_one_sample_at_the_time_it_was_there(canary: Exposition) -> None:
    clock = HandClock()
    with ScrapeMetrics({Version.CANARY: (canary.url,)}, clock) as source:
        source.read([CANARY], 1_000)
        clock.time, canary.text = 1_010, "requests_total 8\n"
        readings = source.read([CANARY, CANARY], 1_000)
    assert readings.series[CANARY][0].samples == (Sample(1_000, 3), Sample(1_010, 8))
    assert readings.at == 1_010


def test_memory_is_that_of_the_window_and_not_of_the_rollout() -> None:
    clock, births = HandClock(), count()

    def page(_: httpx.Request) -> httpx.Response:
        # A label that never comes back, as a careless service exposes.
        return httpx.Response(200, text=f'requests_total 1\nby_user{{id="{next(births)}"}} 1\n')

    with ScrapeMetrics(
        {Version.CANARY: ("http://c/metrics",)}, clock, transport=httpx.MockTransport(page)
    ) as source:
        for _ in range(1_000):
            clock.time += 10
            readings = source.read([CANARY], clock.time - 100)
        kept = len(source._targets[0].samples)
    assert len(readings.series[CANARY][0].samples) == 17  # 160 s at 10 s, and the base
    assert kept < 60


def test_the_base_survives_an_outage(canary: Exposition, stable: Exposition) -> None:
    clock = HandClock()
    targets = {Version.STABLE: (stable.url,), Version.CANARY: (canary.url,)}
    with ScrapeMetrics(targets, clock) as source:
        source.read([CANARY], clock.time)
        canary.stop()
        for _ in range(50):
            clock.time += 10
            source.read([CANARY], clock.time - 10)
        canary.text = "requests_total 5\n"
        canary.start()
        clock.time += 10
        readings = source.read([CANARY], clock.time - 10)
    assert readings.series[CANARY][0].samples == (Sample(1_000, 3), Sample(1_510, 5))


def test_one_dead_version_is_no_error(metrics: ScrapeMetrics, canary: Exposition) -> None:
    metrics.read([CANARY], CLOCK.now())
    canary.stop()
    readings = metrics.read([STABLE, CANARY, CANARY_UP], CLOCK.now())
    assert not readings.errors
    assert readings.series[STABLE][0].samples[-1].value == 10
    assert len(readings.series[CANARY][0].samples) == 1
    assert [s.value for s in readings.series[CANARY_UP][0].samples] == [1, 0]


def test_no_answer_from_anybody_is_unavailable(
    metrics: ScrapeMetrics, stable: Exposition, canary: Exposition
) -> None:
    stable.stop()
    canary.status = 503
    with pytest.raises(MetricsUnavailable, match=r"no connection.*503") as caught:
        metrics.read([STABLE], CLOCK.now())
    assert stable.url in str(caught.value)
    assert canary.url in str(caught.value)
    assert "metrics.targets" in caught.value.next_step


@pytest.mark.parametrize("text", ["<html>hello</html>", "requests_total\n", 'a{b="c} 1\n', "a b\n"])
def test_garbage_is_down_and_says_so(metrics: ScrapeMetrics, canary: Exposition, text: str) -> None:
    canary.text = text
    readings = metrics.read([STABLE, CANARY, CANARY_UP], CLOCK.now())
    assert set(readings.errors) == {CANARY}
    assert "not the text of a metrics page" in readings.errors[CANARY]
    assert canary.url in readings.errors[CANARY]
    assert readings.series[CANARY_UP][0].samples[-1].value == 0
    assert readings.series[CANARY] == ()


@pytest.mark.parametrize(("framed", "up"), [(True, 1), (False, 0)])
def test_a_page_that_breaks_off_in_a_line_is_down(
    metrics: ScrapeMetrics, canary: Exposition, framed: bool, up: float
) -> None:
    canary.framed, canary.text = framed, "requests_total 12"
    readings = metrics.read([CANARY, CANARY_UP], CLOCK.now())
    assert readings.series[CANARY_UP][0].samples[-1].value == up
    assert len(readings.series[CANARY]) == up
    canary.text = "requests_total 1234\n"
    readings = metrics.read([CANARY], CLOCK.now())
    assert readings.series[CANARY][0].samples[-1].value == 1234


@pytest.mark.parametrize("status", [404, 401, 302, 204])
def test_a_wrong_address_says_so(metrics: ScrapeMetrics, canary: Exposition, status: int) -> None:
    canary.status, canary.location, canary.text = status, canary.url, ""
    readings = metrics.read([CANARY], CLOCK.now())
    assert str(status) in readings.errors[CANARY]
    assert canary.served == 1, "redirects are not followed"


def test_a_page_without_end_is_cut(metrics: ScrapeMetrics, canary: Exposition) -> None:
    canary.text = "# " + "x" * (scrape._LIMIT_BYTES + 1)
    assert "16 MiB" in metrics.read([CANARY], CLOCK.now()).errors[CANARY]


def test_a_page_that_drips_is_given_up_in_time(stable: Exposition) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=_drip, args=(listener,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        targets = {Version.STABLE: (stable.url,), Version.CANARY: (url,)}
        started = time.monotonic()
        with ScrapeMetrics(targets, CLOCK, timeout=0.5) as source:
            readings = source.read([CANARY, CANARY_UP], CLOCK.now())
        took = time.monotonic() - started
        thread.join(10)
    assert 0.4 < took < 3
    assert readings.series[CANARY_UP][0].samples[-1].value == 0
    assert not readings.errors


def _drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):  # five seconds at most
            try:
                connection.sendall(b"a")
            except OSError:
                return
            time.sleep(0.05)


def test_queries_are_refused(metrics: ScrapeMetrics) -> None:
    query = QueryWanted("vector(1)")
    errors = metrics.read([query, CANARY], CLOCK.now()).errors
    assert errors == {query: "a promql gate needs metrics.provider: prometheus"}


def test_select_is_used_when_given(stable: Exposition) -> None:
    stable.text = 'requests_total{v="1"} 1\nrequests_total{v="2"} 2\n'
    both = dict.fromkeys(Version, (stable.url,))
    select = {Version.STABLE: {"v": "1"}, Version.CANARY: {"v": "2"}}
    with ScrapeMetrics(both, CLOCK, select=select) as source:
        readings = source.read([STABLE, CANARY, CANARY_UP], CLOCK.now())
    assert [s.samples[-1].value for s in readings.series[STABLE]] == [1]
    assert [s.samples[-1].value for s in readings.series[CANARY]] == [2]
    assert readings.series[CANARY_UP][0].samples[-1].value == 1


def test_what_a_page_says_of_itself_is_not_believed(
    metrics: ScrapeMetrics, canary: Exposition
) -> None:
    canary.text = 'up 0\nrequests_total{instance="other"} 1\n'
    readings = metrics.read([CANARY, CANARY_UP], CLOCK.now())
    assert [s.samples[-1].value for s in readings.series[CANARY_UP]] == [1]
    assert readings.series[CANARY][0].labels == {
        "instance": canary.address,
        "exported_instance": "other",
    }


def test_headers_and_credentials_are_sent_and_not_shown(canary: Exposition) -> None:
    url = canary.url.replace("//", "//user:hunter2@") + "?key=hunter2"
    with ScrapeMetrics({Version.CANARY: (url,)}, CLOCK, headers={"X-Key": "k"}) as source:
        series = source.read([CANARY], CLOCK.now()).series[CANARY]
        assert canary.headers["authorization"].startswith("Basic ")
        assert canary.headers["x-key"] == "k"
        canary.stop()
        with pytest.raises(MetricsUnavailable) as caught:
            source.read([CANARY], CLOCK.now())
        assert "hunter2" not in f"{caught.value} {source.describe()} {series}"


@pytest.mark.parametrize("targets", [{}, {Version.CANARY: ()}, {Version.CANARY: ("app:8000",)}])
def test_targets_that_are_none_are_a_configuration_error(
    targets: dict[Version, tuple[str, ...]],
) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.targets"):
        ScrapeMetrics(targets, CLOCK)


def test_a_closed_source_reads_on(metrics: ScrapeMetrics) -> None:
    metrics.read([CANARY], CLOCK.now())
    metrics.close()
    assert len(metrics.read([CANARY], CLOCK.now()).series[CANARY][0].samples) == 2


def test_an_address_nobody_listens_on_is_down(stable: Exposition) -> None:
    gone = f"http://127.0.0.1:{free_port()}/metrics"
    targets = {Version.STABLE: (stable.url,), Version.CANARY: (gone,)}
    with ScrapeMetrics(targets, CLOCK) as source:
        readings = source.read([CANARY, CANARY_UP], CLOCK.now())
    assert readings.series[CANARY] == ()
    assert readings.series[CANARY_UP][0].samples[-1].value == 0


# --- the text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a 1\n", [("a", {}, 1.0)]),
        ("a 1 1700000000000\n", [("a", {}, 1.0)]),
        ("# TYPE a counter\n# HELP a b\na 2\n# EOF", [("a", {}, 2.0)]),
        ("# TYPE a_total counter\na_total 2\n", [("a_total", {}, 2.0)]),
        (
            "# TYPE a counter\n# TYPE a_total gauge\na 1\na_total 2\n",
            [("a", {}, 1), ("a_total", {}, 2)],
        ),
        ('a{b="# TYPE \\n # {"} 1\n', [("a", {"b": "# TYPE \n # {"}, 1.0)]),
        ('a{b="x\u2028y\x0bz"} 1\n', [("a", {"b": "x\u2028y\x0bz"}, 1.0)]),
        ("a 1e400\n", [("a", {}, math.inf)]),
        (
            's{quantile="0.5"} 1\ns_sum 2\ns_count 3\n',
            [("s", {"quantile": "0.5"}, 1), ("s_sum", {}, 2), ("s_count", {}, 3)],
        ),
    ],
)
def test_text_format(text: str, expected: list[tuple[str, dict[str, str], float]]) -> None:
    assert [tuple(one) for one in exposed_samples(text.encode(), TEXT)] == expected


def test_openmetrics() -> None:
    text = (
        "# TYPE req counter\n"
        'req_total{k="a"} 5 # {trace_id="x"} 1\nreq_created{k="a"} 1.7e9\n'
        "# TYPE lat histogram\n"
        'lat_bucket{le="1.0"} 1\nlat_bucket{le="+Inf"} 2\nlat_count 2\nlat_sum 3.0\n# EOF\n'
    )
    found = {
        (one.metric, one.labels.get("le")): one.value
        for one in exposed_samples(text.encode(), OPENMETRICS)
    }
    assert found["req_total", None] == 5
    assert found["lat_bucket", "+Inf"] == 2
    with pytest.raises(UnreadableError, match="EOF"):
        exposed_samples(text.removesuffix("# EOF\n").encode(), OPENMETRICS)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a 1" + b"0" * 400 + b"\n"])
def test_unreadable_bytes(body: bytes) -> None:
    with pytest.raises(UnreadableError, match="not the text of a metrics page"):
        exposed_samples(body, "")


@given(st.text() | st.binary(), st.sampled_from([TEXT, OPENMETRICS]))
def test_any_text_is_read_or_refused(text: str | bytes, kind: str) -> None:
    body = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    try:
        assert all(isinstance(one.value, float) for one in exposed_samples(body, kind))
    except UnreadableError as error:
        assert str(error).isprintable()  # noqa: PT017 - either outcome is right


# --- the store -------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1_000), max_size=30), st.floats(-10, 1_010))
def test_forgetting_keeps_the_base_and_all_that_follows(ats: list[float], horizon: float) -> None:
    store, times = TargetSamples(), sorted(set(ats))
    for at in times:
        store.record(at, [Exposed("m", {}, at)], {})
    store.forget_before(horizon)
    kept = [s.at for one in store.matching(Selector("m")) for s in one.samples]
    base = [at for at in times if at <= horizon][-1:]
    assert kept == base + [at for at in times if at > horizon]


def test_a_series_no_longer_exposed_is_forgotten_after_the_horizon() -> None:
    store = TargetSamples()
    store.record(1, [Exposed("m", {}, 5.0)], {})
    store.record(2, [], {})
    store.forget_before(0.5)
    assert len(store) == 1
    store.forget_before(1)
    assert len(store) == 0
