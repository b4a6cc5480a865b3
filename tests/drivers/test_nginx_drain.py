"""When the workers of before are gone, and what is said of those that are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from canaryctl.core.drained import Drained
from canaryctl.core.errors import HostError
from canaryctl.drivers.nginx_drain import drained
from canaryctl.drivers.nginx_timeouts import OURS, Timeouts, parse_time, timeouts
from canaryctl.drivers.nginx_version import NginxVersion
from canaryctl.ports import Worker
from tests.drivers.gateways import PACKAGED
from tests.fake_world import FakeClock
from tests.fakes import FakeHost

NEW = NginxVersion((1, 31, 3))
OLD = NginxVersion((1, 22, 1))
BEGAN = 1_000_000.0
PROVEN = 0.2  # seconds after that


def measured(
    crew: Callable[[float], Sequence[Worker]], within: float, limits: Timeouts | None = None
) -> Drained:
    """Measure a crew that is a function of the seconds since the change began."""
    clock = FakeClock(BEGAN + PROVEN)
    host = FakeHost()
    host.crew = lambda: crew(clock.now() - BEGAN)
    return drained(host, clock, BEGAN, within, limits)


def worker(pid: int, at: float, connections: int | None = None, *, old: bool = True) -> Worker:
    """One that was started 60 s before the change; ``at`` is now."""
    return Worker(pid, old, 60.0 + at, connections)


def fresh(pid: int, at: float) -> Worker:
    """One that was started by the change, 0.1 s after it began."""
    return Worker(pid, old=False, age=at - 0.1, connections=None)


def test_without_an_old_worker_it_took_as_long_as_the_proof() -> None:
    seen = measured(lambda at: [fresh(9, at)], 5.0)
    assert (seen.workers, seen.connections, seen.left, seen.held, seen.cut) == (0, 0, 0, 0, 0)
    assert seen.requests == seen.took == pytest.approx(PROVEN)
    assert seen.complete


def test_it_ends_when_the_last_of_several_generations_is_gone() -> None:
    def crew(at: float) -> list[Worker]:
        there = [fresh(9, at)]
        there += [worker(1, at, 4)] if at < 1.0 else []
        return [*there, worker(2, at, 10)] if at < 2.0 else there

    seen = measured(crew, 10.0)
    assert (seen.workers, seen.connections, seen.left, seen.held) == (2, 14, 0, 0)
    assert seen.took == pytest.approx(2.0, abs=0.11)
    assert seen.complete
    assert "gone after 2.1 s" in str(seen)


def test_a_worker_that_has_not_heard_yet_is_old_by_its_age() -> None:
    def crew(at: float) -> list[Worker]:
        return [fresh(9, at), *([worker(1, at, old=False)] if at < 1.0 else [])]

    seen = measured(crew, 10.0)
    assert seen.workers == 1
    assert seen.connections is None
    assert seen.took == pytest.approx(1.0, abs=0.11)


def test_a_worker_that_is_told_young_is_old_by_its_word() -> None:
    """Started by the change itself, and told to go by somebody's reload after it."""

    def crew(at: float) -> list[Worker]:
        return [Worker(9, True, at - 0.1, 2)] if at < 1.0 else [fresh(10, at)]

    assert measured(crew, 10.0).took == pytest.approx(1.0, abs=0.11)


def test_requests_are_told_from_streams_and_streams_are_cut() -> None:
    def crew(at: float) -> list[Worker]:
        idle = 1000 if at < 1.5 else 0
        return [fresh(9, at), *([worker(1, at, 200 + idle)] if at < 5.1 else [])]

    seen = measured(crew, 60.0, Timeouts(keeps=1.5, cuts=5.0))
    assert seen.connections == 1200
    assert seen.requests == pytest.approx(1.5, abs=0.11)
    assert seen.took == pytest.approx(5.1, abs=0.51)
    assert seen.cut == 200
    assert "requests followed after 1.6 s" in str(seen)
    assert "200 connections (a WebSocket is two) cut by worker_shutdown_timeout" in str(seen)


def test_what_ends_by_itself_is_not_called_cut() -> None:
    def crew(at: float) -> list[Worker]:
        return [fresh(9, at), *([worker(1, at, 200)] if at < 3.0 else [])]

    assert measured(crew, 60.0, Timeouts(1.5, 5.0)).cut == 0


def test_the_wait_is_bounded_and_says_what_is_left() -> None:
    seen = measured(lambda at: [worker(1, at, 3), worker(2, at, 4)], 3.0, Timeouts(1.5, None))
    assert not seen.complete
    assert (seen.took, seen.left, seen.held) == (None, 2, 7)
    assert seen.requests == pytest.approx(PROVEN)
    assert str(seen).endswith(
        "2 old workers still hold 7 connections (a WebSocket is two); worker_shutdown_timeout "
        "is not set, so they may stay for ever"
    )


def test_one_that_is_left_is_told_with_the_timeout_that_ends_it() -> None:
    seen = measured(lambda at: [worker(1, at, 1)], 1.0, Timeouts(0.0, 30.0))
    assert str(seen).endswith(
        "1 old worker still holds 1 connection; worker_shutdown_timeout ends them after 30 s"
    )


def test_requests_are_not_claimed_before_idle_connections_must_be_gone() -> None:
    seen = measured(lambda at: [worker(1, at, 5)], 1.0, Timeouts(keeps=1.5))
    assert seen.requests is None


def test_what_cannot_be_counted_is_not_a_zero() -> None:
    seen = measured(lambda at: [worker(1, at)], 3.0, Timeouts(keeps=1.5))
    assert (seen.connections, seen.held, seen.requests) == (None, None, None)
    assert "an unknown number of connections" in str(seen)


def test_a_host_that_cannot_be_looked_at_is_a_problem_and_no_exception() -> None:
    clock = FakeClock(BEGAN)
    seen = drained(FakeHost(unreachable="the engine is gone"), clock, BEGAN, 2.0, None)
    assert seen.problem == "the engine is gone"
    assert not seen.complete
    assert str(seen) == "time to zero was not measured: the engine is gone"
    assert clock.now() == pytest.approx(BEGAN + 2.0)


def test_a_look_that_fails_now_and_then_is_made_up_for() -> None:
    calls = iter(range(1000))

    def crew(at: float) -> list[Worker]:
        if next(calls) % 2 == 0:
            raise HostError("busy")
        return [worker(1, at, 2)] if at < 1.0 else []

    seen = measured(crew, 10.0)
    assert seen.took == pytest.approx(1.0, abs=0.21)
    assert seen.problem == ""


def test_the_timeouts_are_read_as_nginx_reads_them() -> None:
    files = {
        "/etc/nginx/nginx.conf": "worker_shutdown_timeout '1m30s'; # worker_shutdown_timeout 1s;\n"
        'http { log_format x "keepalive_min_timeout 9s;"; include conf.d/*.conf; }',
        "/etc/nginx/conf.d/a.conf": "keepalive_min_timeout 1500ms;\n"
        "server { keepalive_min_timeout 0; }",
    }
    assert timeouts(files, NEW) == Timeouts(keeps=1.5, cuts=90.0)
    assert timeouts(files, OLD) == Timeouts(keeps=0.0, cuts=90.0)
    assert timeouts({"/n.conf": "events {}"}, OLD) == Timeouts(0.0, None)
    assert timeouts({"/n.conf": "events {}"}, NEW) == Timeouts(OURS, None)
    assert f"keepalive_min_timeout {OURS * 1000:.0f}ms;" in PACKAGED
    assert timeouts({"/n.conf": "worker_shutdown_timeout 0;"}, NEW).cuts is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), ("250ms", 0.25), ("1m 30s", 90.0), ("2h", 7200.0), ("1d", 86400.0)],
)
def test_a_time_is_read(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "5x", "$t", "1.5s"])
def test_other_text_is_no_time(text: str) -> None:
    assert parse_time(text) is None


def test_whoever_waits_gives_signs_of_life_all_the_while() -> None:
    clock, host = FakeClock(BEGAN + PROVEN), FakeHost()
    host.crew = lambda: [worker(1, clock.now() - BEGAN, 3)]
    signs: list[float] = []
    drained(host, clock, BEGAN, 60.0, None, lambda: signs.append(clock.now()))
    between = [later - one for one, later in pairwise(signs)]
    assert signs[-1] - signs[0] == pytest.approx(60.0, abs=0.5)
    assert max(between) <= 1.0
