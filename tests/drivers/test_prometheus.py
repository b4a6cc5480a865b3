"""PrometheusMetrics: the real server first, stand-ins for what it will not do on demand."""

from __future__ import annotations

import math
import socket
import subprocess
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from canaryctl.core.errors import ConfigError, MetricsUnavailable
from canaryctl.core.selector import parse_selector
from canaryctl.core.series import QueryWanted, SeriesWanted, Version
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.prometheus import PrometheusMetrics
from canaryctl.drivers.tls import Tls
from tests.drivers.exposition import Exposition
from tests.drivers.prometheus_server import free_port, prometheus, prometheus_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SELECT = {version: {"version": version.value} for version in Version}
CLOCK = SystemClock()
SECRET = "hunter2hunter2"  # noqa: S105 - what must never be shown
WANTED = SeriesWanted(Version.CANARY, parse_selector("requests_total"))
NOT_GZIP = httpx.ByteStream(b"junk")
# "open sesame", bcrypt at its lowest cost.
HASH = "$2b$04$wb8r7ftYrIqM4yK.jO1SiuqTzAdVgG7QwvfKiBZziQX5QYHXOVpSS"


class MovedClock:
    """The machine's clock, off by a constant."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def now(self) -> float:
        return CLOCK.now() + self._ahead

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"metrics never wait, not even {seconds} s")


@pytest.fixture(scope="module")
def page() -> Iterator[Exposition]:
    with Exposition("requests_total 7\nempty_gauge NaN\n") as exposition:
        yield exposition


@pytest.fixture(scope="module")
def server(page: Exposition, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if prometheus_binary() is None:
        pytest.skip("no prometheus on PATH")
    directory = tmp_path_factory.mktemp("prefixed")
    with prometheus({"canary": [page.address]}, directory, prefix="/metrics/prom") as url:
        with PrometheusMetrics(url, SELECT, CLOCK) as metrics:
            deadline = time.monotonic() + 20
            while not metrics.read([WANTED], CLOCK.now()).series[WANTED]:
                assert time.monotonic() < deadline, "nothing was scraped"
                time.sleep(0.05)
        yield url


def stood_in(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> Any:
    url = options.pop("url", f"http://user:{SECRET}@metrics.example:9090/prom?key={SECRET}")
    transport = httpx.MockTransport(handler)
    return PrometheusMetrics(url, SELECT, CLOCK, transport=transport, **options)


def fields(request: httpx.Request) -> dict[str, str]:
    text = request.content.decode() if request.method == "POST" else request.url.query.decode()
    return {name: values[0] for name, values in parse_qs(text).items()}


def success(result_type: str, result: Any, **more: Any) -> httpx.Response:
    data = {"resultType": result_type, "result": result}
    return httpx.Response(200, json={"status": "success", "data": data, **more})


def server_time() -> httpx.Response:
    return success("scalar", [CLOCK.now(), str(CLOCK.now())])


def answering(response: Callable[[], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """Tell the time well, and give everything else this answer."""
    return lambda request: server_time() if fields(request)["query"] == "time()" else response()


# --- the real server -------------------------------------------------------------------------


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1 + 1", (2.0,)),
        ("sum(requests_total)", (7.0,)),
        ('requests_total{version="nobody"}', ()),
        ("vector(1) or vector(2)", (1.0,)),
        ('label_replace(vector(1), "a", "b", "", "") or vector(2)', (1.0, 2.0)),
        ("scalar(nothing_at_all)", (math.nan,)),
        ("empty_gauge", (math.nan,)),
        ("1 / 0", (math.inf,)),
    ],
)
def test_queries_give_numbers(server: str, query: str, expected: tuple[float, ...]) -> None:
    wanted = QueryWanted(query)
    with PrometheusMetrics(server, SELECT, CLOCK) as metrics:
        values = metrics.read([wanted], CLOCK.now()).values[wanted]
    assert sorted(map(str, values)) == sorted(map(str, expected))


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sum(", "bad_data"),
        ("requests_total[5m]", "needs a function around it"),
        ('"text"', "string"),
        ('label_replace(vector(1), "a", "$1", "b", "(")', "bad_data|execution"),
    ],
)
def test_a_refused_query_leaves_the_others_alone(server: str, query: str, reason: str) -> None:
    refused, fine = QueryWanted(query), QueryWanted("vector(3)")
    with PrometheusMetrics(server, SELECT, CLOCK) as metrics:
        readings = metrics.read([refused, WANTED, fine], CLOCK.now())
    assert readings.values[fine] == (3.0,)
    assert readings.series[WANTED][0].samples[-1].value == 7
    assert any(word in readings.errors[refused] for word in reason.split("|"))
    assert query in readings.errors[refused]
    assert refused not in readings.values


@pytest.mark.prometheus
def test_a_query_may_be_longer_than_any_address(server: str) -> None:
    wanted = QueryWanted(f'vector(5) unless on() up{{job="{"x" * 60_000}"}}')
    with PrometheusMetrics(server, SELECT, CLOCK) as metrics:
        assert metrics.read([wanted], CLOCK.now()).values[wanted] == (5.0,)


@pytest.mark.prometheus
@pytest.mark.parametrize("ahead", [-86_400.0, -30.0, 30.0, 86_400.0])
def test_samples_are_moved_to_our_clock_and_stay_where_they_are(server: str, ahead: float) -> None:
    clock = MovedClock(ahead)
    with PrometheusMetrics(server, SELECT, clock) as metrics:
        first = metrics.read([WANTED], clock.now())
        second = metrics.read([WANTED], clock.now())
    samples = first.series[WANTED][0].samples
    assert abs(samples[-1].at - clock.now()) < 5
    assert abs(first.at - clock.now()) < 5
    assert set(samples[-2:]) <= set(second.series[WANTED][0].samples)


@pytest.mark.prometheus
def test_a_small_difference_of_clocks_is_left_alone(server: str) -> None:
    with (
        PrometheusMetrics(server, SELECT, CLOCK) as exact,
        PrometheusMetrics(server, SELECT, MovedClock(0.3)) as off,
    ):
        samples = exact.read([WANTED], CLOCK.now()).series[WANTED][0].samples
        assert set(samples) <= set(off.read([WANTED], CLOCK.now()).series[WANTED][0].samples)


@pytest.mark.prometheus
def test_a_wrong_prefix_says_what_the_address_should_be(server: str) -> None:
    url = server.removesuffix("/metrics/prom") + "/graph"
    with (
        PrometheusMetrics(url, SELECT, CLOCK) as metrics,
        pytest.raises(MetricsUnavailable, match="404") as caught,
    ):
        metrics.read([WANTED], CLOCK.now())
    assert url in str(caught.value)
    assert "without /graph" in caught.value.next_step


@pytest.mark.prometheus
def test_tls_and_users_of_a_real_server(page: Exposition, tmp_path: Path) -> None:
    if prometheus_binary() is None:
        pytest.skip("no prometheus on PATH")
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    web = f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n"
    web += f"basic_auth_users: {{ops: '{HASH}'}}\n"
    query, ca = QueryWanted("vector(1)"), str(certificate)
    with prometheus({"canary": [page.address]}, tmp_path, web_config=web) as url:
        with PrometheusMetrics(
            url, SELECT, CLOCK, basic_auth=("ops", "open sesame"), tls=Tls("metrics", ca)
        ) as good:
            assert good.read([query], CLOCK.now()).values[query] == (1.0,)
        with PrometheusMetrics(
            url.replace("//", "//ops:open%20sesame@"), SELECT, CLOCK, tls=Tls("metrics", ca)
        ) as in_url:
            assert in_url.read([query], CLOCK.now()).values[query] == (1.0,)
        with (
            PrometheusMetrics(
                url, SELECT, CLOCK, basic_auth=("ops", SECRET), tls=Tls("metrics", ca)
            ) as wrong,
            pytest.raises(MetricsUnavailable, match="401") as refused,
        ):
            wrong.read([query], CLOCK.now())
        with (
            PrometheusMetrics(url, SELECT, CLOCK, basic_auth=("ops", SECRET)) as distrusting,
            pytest.raises(
                MetricsUnavailable, match="certificate is not accepted: it is signed by itself"
            ) as distrusted,
        ):
            distrusting.read([query], CLOCK.now())
    assert "password" in refused.value.next_step
    assert SECRET not in str(refused.value)
    assert "ca_file" in distrusted.value.next_step


# --- what a real server will not do on demand ------------------------------------------------


@pytest.mark.parametrize(
    ("response", "says"),
    [
        (httpx.Response(500, text=f"boom {SECRET}"), r"500 Internal Server Error: boom \*\*\*"),
        (httpx.Response(503, json={"status": "error", "errorType": "timeout"}), "503"),
        (httpx.Response(429, text="slow down"), "429"),
        (httpx.Response(401, text=""), "401 Unauthorized"),
        (httpx.Response(403, text="no"), "403 Forbidden: no"),
        (httpx.Response(404, text="404 page not found"), "404"),
        (
            httpx.Response(
                302, headers={"location": f"https://a:{SECRET}@sso.example/?k={SECRET}"}
            ),
            "a redirect to sso.example/",
        ),
        (httpx.Response(301, headers={"location": "/login"}), "a redirect to /login"),
        (httpx.Response(200, html="<html>Welcome\x1b[31m</html>"), "no JSON.*text/html.*Welcome"),
        (httpx.Response(400, html="<html>Bad Request</html>"), "no JSON in the 400 answer"),
        (httpx.Response(200, text='{"status":"succ'), "no JSON"),
        (httpx.Response(200, text=""), r"\(empty\)"),
        (httpx.Response(200, text="[" * 100_000), "no JSON"),
        (httpx.Response(200, json=[1]), "another shape: no object"),
        (httpx.Response(200, json={"status": "success"}), "another shape"),
        (httpx.Response(200, json={"status": "error", "error": "x"}), "another shape"),
        (httpx.Response(200, json={"status": "success", "data": {}}), "another shape"),
        (httpx.Response(200, json={"status": "success", "data": []}), "another shape"),
        (success("vector", []), "a vector where a matrix was asked for"),
        (success("matrix", [{"metric": {}}]), "another shape"),
        (success("matrix", [{"metric": {}, "values": [[1, "one"]]}]), "another shape"),
        (success("matrix", None), "another shape"),
        (
            httpx.Response(200, headers={"content-encoding": "gzip"}, stream=NOT_GZIP),
            "does not answer: Error -3 while decompressing",
        ),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_source_that_does_not_answer_as_prometheus_is_unavailable(
    response: httpx.Response, says: str, first: bool
) -> None:
    def copied() -> httpx.Response:
        return httpx.Response(
            response.status_code, headers=response.headers, stream=response.stream
        )

    handler = (lambda _: copied()) if first else answering(copied)
    with (
        stood_in(handler) as metrics,
        pytest.raises(MetricsUnavailable, match=None if first else says) as caught,
    ):
        metrics.read([WANTED], CLOCK.now())
    said = f"{caught.value} {caught.value.next_step}"
    assert "Prometheus at http://metrics.example:9090/prom" in said
    assert caught.value.next_step
    assert SECRET not in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("response", "says"),
    [
        ({"status": 400, "json": {"status": "error", "errorType": "bad_data"}}, "bad_data"),
        (
            {"status": 422, "json": {"status": "error", "errorType": "422", "error": SECRET}},
            r"422: \*\*\*",
        ),
    ],
)
def test_a_refusal_hides_what_it_quotes(response: dict[str, Any], says: str) -> None:
    def refusal() -> httpx.Response:
        return httpx.Response(response["status"], json=response["json"])

    with stood_in(answering(refusal)) as metrics:
        readings = metrics.read([WANTED], CLOCK.now())
    assert readings.series == {}
    assert says.replace("\\", "") in readings.errors[WANTED]
    assert SECRET not in readings.errors[WANTED]


@pytest.mark.parametrize(
    "more",
    [{"warnings": ["store 10.0.0.1 did not answer"]}, {"isPartial": True}],
)
def test_an_answer_with_stores_missing_is_no_answer(more: dict[str, Any]) -> None:
    with stood_in(answering(lambda: success("matrix", [], **more))) as metrics:
        readings = metrics.read([WANTED], CLOCK.now())
    assert "only part of the data" in readings.errors[WANTED]
    assert WANTED not in readings.series


def test_remarks_on_style_are_no_loss() -> None:
    remark = ["PromQL info: metric might not be a counter"]
    wanted = QueryWanted("rate(x[5m])")
    answer = answering(lambda: success("vector", [{"value": [1, "2"]}], warnings=remark))
    with stood_in(answer) as metrics:
        assert metrics.read([wanted], CLOCK.now()).values[wanted] == (2.0,)


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        ("matrix", {"metric": {}, "histograms": [[1, {"count": "1"}]]}),
        ("vector", {"metric": {}, "histogram": [1, {"count": "1"}]}),
    ],
)
def test_native_histograms_are_named_and_not_read_as_nothing(kind: str, one: Any) -> None:
    wanted = WANTED if kind == "matrix" else QueryWanted("x")
    with stood_in(answering(lambda: success(kind, [one]))) as metrics:
        assert "native histograms" in metrics.read([wanted], CLOCK.now()).errors[wanted]


def test_victoriametrics_tells_the_time_as_a_vector() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert fields(request)["nocache"] == "1"
        if fields(request)["query"] == "time()":
            return success("vector", [{"metric": {}, "value": [1, str(CLOCK.now())]}])
        return success("matrix", [])

    with stood_in(handler) as metrics:
        assert metrics.read([WANTED], CLOCK.now()).series == {WANTED: ()}


@pytest.mark.parametrize("time", ["NaN", "+Inf", "1.7e308"])
def test_a_server_that_does_not_know_the_time_is_unavailable(time: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        asks = fields(request)["query"] == "time()"
        return success("scalar", [1, time]) if asks else success("matrix", [])

    with (
        stood_in(handler) as metrics,
        pytest.raises(MetricsUnavailable, match=r"time\(\) is not one number"),
    ):
        metrics.read([WANTED], CLOCK.now())


def test_queries_of_one_read_share_their_instant_and_reach_behind_the_window() -> None:
    asked: list[dict[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(fields(request))
        if asked[-1]["query"] == "time()":
            return success("scalar", [5_000, "5000.125"])
        return success("matrix", [])

    others = [SeriesWanted(Version.STABLE, parse_selector(f"m{n}")) for n in range(6)]
    with stood_in(handler, lookback=300.0) as metrics:
        metrics.read([WANTED, *others], CLOCK.now() - 59.5)
        metrics.read([WANTED], CLOCK.now() + 1_000)
    assert {one["time"] for one in asked if "time" in one} == {"5000.125"}
    assert asked[-1]["query"] == 'requests_total{version="canary"}[300s]'
    assert 'm3{version="stable"}[360s]' in {one["query"] for one in asked}


def test_credentials_and_headers_are_sent_and_never_named() -> None:
    seen: list[httpx.Headers] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(500, text=" ".join(request.headers.values()))

    key = "key-of-the-tenant"
    basic = b64encode(f"user:{SECRET}".encode()).decode()
    cases: list[dict[str, Any]] = [
        {"headers": {"X-Api-Key": key}},
        {"headers": {"X-Api-Key": key}, "url": "http://m", "basic_auth": ("user", SECRET)},
        {"headers": {"X-Api-Key": key}, "url": "http://m", "bearer_token": f"{SECRET}\n"},
    ]
    expected = [f"Basic {basic}", f"Basic {basic}", f"Bearer {SECRET}"]
    for options, authorization in zip(cases, expected, strict=True):
        with stood_in(handler, **options) as metrics:
            with pytest.raises(MetricsUnavailable) as caught:
                metrics.read([WANTED], CLOCK.now())
            described = metrics.describe()
        assert seen[-1]["authorization"] == authorization
        assert seen[-1]["x-api-key"] == key
        for secret in (SECRET, basic, key):
            assert secret not in f"{caught.value} {caught.value.next_step} {described}"


def test_a_header_that_http_forbids_is_reported_without_its_value() -> None:
    with (
        PrometheusMetrics(
            f"http://127.0.0.1:{free_port()}", SELECT, CLOCK, headers={"X-Key": f"{SECRET}\nx"}
        ) as metrics,
        pytest.raises(MetricsUnavailable) as caught,
    ):
        metrics.read([WANTED], CLOCK.now())
    assert SECRET not in str(caught.value)


def test_get_takes_over_where_post_is_not_allowed() -> None:
    methods: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        if request.method == "POST":
            return httpx.Response(405)
        return answering(lambda: success("matrix", []))(request)

    with stood_in(handler) as metrics:
        metrics.read([WANTED], CLOCK.now())
        metrics.read([WANTED], CLOCK.now())
    assert methods == ["POST", "GET", "GET", "GET", "GET"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("prometheus:9090", "not an HTTP address"),
        ("", "not an HTTP address"),
        ("ftp://prometheus", "not an HTTP address"),
        ("http://", "not an HTTP address"),
        ("http://prometheus:port", "not a URL"),
        (f"user:{SECRET}@prometheus", "'prometheus' is not"),
    ],
)
def test_an_address_that_is_none_is_a_configuration_error(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        PrometheusMetrics(url, SELECT, CLOCK)
    assert "metrics.url" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_two_kinds_of_credentials_are_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="both"):
        PrometheusMetrics("http://a:b@c", SELECT, CLOCK, bearer_token="t")  # noqa: S106


def test_a_missing_ca_file_is_a_configuration_error(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    metrics = PrometheusMetrics("https://127.0.0.1:1", SELECT, CLOCK, tls=Tls("metrics", missing))
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        metrics.read([], CLOCK.now())


# --- connections -----------------------------------------------------------------------------


def test_a_refused_connection_is_unavailable() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with (
        PrometheusMetrics(url, SELECT, CLOCK) as metrics,
        pytest.raises(MetricsUnavailable, match="no connection") as caught,
    ):
        metrics.read([WANTED], CLOCK.now())
    assert url in str(caught.value)


def test_a_server_that_never_answers_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with (
            PrometheusMetrics(url, SELECT, CLOCK, timeout=0.3) as metrics,
            pytest.raises(MetricsUnavailable, match=r"no answer within 0\.3 s"),
        ):
            metrics.read([WANTED], CLOCK.now())
    assert time.monotonic() - started < 5


class _Closing(BaseHTTPRequestHandler):
    """Promises to keep the connection alive, and closes it after each answer."""

    protocol_version = "HTTP/1.1"
    requests = 0

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).requests += 1
        answer = server_time() if "time%28%29" in form else success("matrix", [])
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_a_dropped_keep_alive_connection_is_tried_once_more() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Closing)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with PrometheusMetrics(url, SELECT, CLOCK) as metrics:
            for _ in range(10):
                assert metrics.read([WANTED], CLOCK.now()).series == {WANTED: ()}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert _Closing.requests == 20


def test_a_connection_dropped_twice_is_unavailable_after_one_retry() -> None:
    tries = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")

    with stood_in(handler) as metrics, pytest.raises(MetricsUnavailable, match="dropped"):
        metrics.read([WANTED], CLOCK.now())
    assert tries == 2
