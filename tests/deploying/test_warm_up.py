"""A warm-up: whatever ends it, its last answers have to be good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from canaryctl.deploying.failed import DeployFailed
from canaryctl.deploying.requests import Requests
from canaryctl.drivers.bounded_http import BoundedHttp
from tests.deploying.server import Server
from tests.fake_world import FakeClock

WITHIN = 10.0
EACH = 3.0
"""Seconds that pass before each request: four are sent within ten."""


@dataclass(frozen=True)
class Scripted(Requests):
    """Gets one answer after the other, then good ones."""

    answers: Iterator[str] = field(default_factory=lambda: iter(()))

    def _asked(self, http: BoundedHttp, url: str) -> str:  # noqa: ARG002
        return next(self.answers, "")


def warmed(*answers: str, count: int = 100, url: str = "http://there") -> str:
    clock = FakeClock()
    urls = (url,) if url else ()
    requests = Scripted(lambda: urls, "/health", clock, "app:8000", iter(answers))
    return requests.warm_up(count, WITHIN, lambda: clock.sleep(EACH))


def test_one_whose_time_is_up_fails_where_nothing_was_answered_well() -> None:
    clock = FakeClock()
    with Server(status=503) as server, pytest.raises(DeployFailed) as caught:
        Requests(lambda: (server.url,), "/health", clock, "app:8000").warm_up(
            100, WITHIN, lambda: clock.sleep(EACH)
        )
    assert str(caught.value).startswith(
        "warm-up: request 2 of 100, of which 10 s were enough for 4: GET "
    )
    assert "answered 503" in str(caught.value)


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_one_whose_time_is_up_is_judged_by_the_last_that_were_sent(bad: int) -> None:
    answers = ["", "", "", ""]
    answers[bad] = "503"
    with pytest.raises(DeployFailed, match=f"request {bad + 1} of 100"):
        warmed(*answers)


def test_an_early_failure_is_warmth_that_was_missing() -> None:
    assert warmed("503") == (
        "4 of 100, then the time was up requests to /health, 1 of them not answered well"
    )
    assert warmed("503", count=4) == "4 requests to /health, 1 of them not answered well"


def test_few_requests_all_count() -> None:
    with pytest.raises(DeployFailed, match="request 1 of 2: 503"):
        warmed("503", count=2)
    with pytest.raises(DeployFailed, match="request 1 of 2: no address"):
        warmed(count=2, url="")


def test_without_requests_nothing_is_judged() -> None:
    assert warmed(count=0) == "0 requests to /health"


def test_without_time_for_a_single_one_nobody_knows() -> None:
    requests = Scripted(lambda: ("http://there",), "/health", FakeClock(), "app:8000")
    with pytest.raises(DeployFailed, match="none of 5 requests was sent within 0 s"):
        requests.warm_up(5, 0.0, lambda: None)


def test_one_that_was_stopped_is_not_judged() -> None:
    ticks = iter([None, None])
    answers = iter(["503", "503"])
    requests = Scripted(lambda: ("http://there",), "/health", FakeClock(), "app", answers)
    assert requests.warm_up(5, 10.0, lambda: next(ticks, "Ctrl-C")).startswith("2 of 5")
