"""The versions' own metrics pages: samples, or one documented error."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

from random import Random

import httpx

from canaryctl.core.errors import MetricsUnavailable
from canaryctl.core.selector import Selector
from canaryctl.core.series import SeriesWanted, Version
from canaryctl.drivers.clock import SystemClock
from canaryctl.drivers.exposition_text import UnreadableError, exposed_samples
from canaryctl.drivers.scrape import ScrapeMetrics
from tests.fuzz import dice as a
from tests.fuzz.target import Target

_PAGE = """\
# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{status="200",path="/a\\"b\\\\"} 1027 1395066363000
http_requests_total{status="503"} 3
http_request_duration_seconds_bucket{mode="fast",le="0.5"} 24054
http_request_duration_seconds_bucket{mode="fast",le="+Inf"} 144320
http_request_duration_seconds_sum 53423
rl_training_loss NaN
"""
_OPEN = """\
# TYPE http_requests counter
# UNIT http_requests requests
http_requests_total{status="200"} 1027.0 1395066363.5 # {trace_id="a"} 0.67
http_requests_created{status="200"} 1395066363
# EOF
"""
_KINDS = (
    "text/plain; version=0.0.4",
    "application/openmetrics-text; version=1.0.0",
    "text/html",
    "",
)
_WANTED = (
    SeriesWanted(Version.CANARY, Selector("http_requests_total")),
    SeriesWanted(Version.CANARY, Selector("up")),
)


def _page(dice: Random) -> bytes:
    chosen = dice.random()
    if chosen < 0.05:
        return a.text(dice, 12).encode(errors="surrogatepass")
    if chosen < 0.08:
        return b"<!DOCTYPE html>\n<html><body>login 1</body></html>\n"
    text = a.mutated(dice, dice.choice((_PAGE, _OPEN)))
    return text.encode(errors="surrogatepass")


def pages(dice: Random) -> None:
    """A page gives samples with text for labels, or says why it is none."""
    try:
        found = exposed_samples(_page(dice), dice.choice(_KINDS))
    except UnreadableError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 500
        return
    for one in found:
        assert type(one.metric) is str
        assert type(one.value) is float
        assert all(type(word) is str for pair in one.labels.items() for word in pair)


def targets(dice: Random) -> None:
    """Targets that answer anything give readings, or are called unavailable."""

    def answer(_: httpx.Request) -> httpx.Response:
        status = dice.choice((200, 200, 200, 204, 302, 404, 500))
        return httpx.Response(
            status, content=_page(dice), headers={"content-type": dice.choice(_KINDS)}
        )

    urls = {Version.CANARY: ["http://127.0.0.1:9/metrics"]}
    clock = SystemClock()
    transport = httpx.MockTransport(answer)
    with ScrapeMetrics(urls, clock, transport=transport) as metrics:
        for _ in range(2):
            try:
                found = metrics.read(_WANTED, clock.now() - 30)
            except MetricsUnavailable as error:
                assert str(error).isprintable()
                continue
            up = found.series[_WANTED[1]]
            assert up[0].samples[-1].value in (0.0, 1.0)
            times = [s.at for one in found.series[_WANTED[0]] for s in one.samples]
            assert all(at <= clock.now() for at in times)


TARGETS = (
    Target("metrics pages", pages, share=14),
    Target("metrics targets", targets, share=0.6),
)
