"""A configuration in simulated traffic: what is drawn, what is read, what is not simulated."""

from __future__ import annotations

import pickle
from dataclasses import replace
from random import Random

import pytest

from canaryctl.config import loads
from canaryctl.core.gate import Judging
from canaryctl.core.sequential.batch import Attempts
from canaryctl.simulate.chosen import SHORT, by_name, chosen, every, fitted, short
from canaryctl.simulate.configured import Configured, Gathered
from canaryctl.simulate.run import End
from canaryctl.simulate.served import Served, ServedTraffic
from canaryctl.simulate.service import Latencies, Measured, Service, service_of
from canaryctl.simulate.table import at_most
from canaryctl.simulate.traffic import Tick

BASE = """\
service: shop
versions:
  stable: {address: "127.0.0.1:8000"}
  canary: {address: "127.0.0.1:8001"}
gateway: {driver: local, config: /etc/nginx/conf.d/canaryctl-upstream.conf, attempts: /a.log}
"""
ERRORS = """
  - {name: error rate, kind: ratio, bad: 'http_requests_total{status=~"5.."}',
     total: http_requests_total, max: 1%}
"""
GOOD = """
  - {name: availability, kind: ratio, bad: 'http_requests_total{status!~"5.."}',
     total: http_requests_total, min: 99%}
"""
LATENCY = "\n  - {name: p99, kind: latency, metric: seconds, quantile: 0.99, max: 200ms}"
MODES = """
  - {name: p95, kind: latency, metric: seconds, by: mode, max: {fast: 100ms, slow: 400ms}}
"""


def service(
    gates: str, more: str = "", measured: Measured | None = None, errors: float | None = None
) -> Service:
    config = loads(f"{BASE}{more}\ngates:{gates}")
    return service_of(
        config.core_gates(),
        config.core_plan(),
        config.judgement(),
        errors=errors,
        measured=measured,
    )


def seeded() -> Random:
    return Random(1)  # noqa: S311  a simulation


def drawn(given: Service, family: str, ticks: int = 400, rps: float = 100) -> Served:
    traffic = ServedTraffic(given, fitted(by_name(family), given), rps, seeded())
    total = Served()
    for index in range(1, ticks + 1):
        side = traffic.tick(index * 5.0, index * 5.0, 0.5).canary
        assert side is not None
        total.add(side)
    return total


def test_the_base_rate_is_a_fifth_of_the_strictest_limit() -> None:
    found = service(ERRORS + GOOD)
    assert found.limit == pytest.approx(0.01)
    assert found.errors == pytest.approx(0.002)
    total = drawn(found, "steady")
    assert total.errors / total.total == pytest.approx(0.002, rel=0.15)


def test_near_the_limit_and_over_it_follow_the_limit() -> None:
    found = service(ERRORS)
    near = fitted(by_name("near the limit (0.45 %)"), found)
    assert near.name == "near the limit (0.9 %)"
    assert near.errors == pytest.approx(0.009)
    strict = service(ERRORS.replace("max: 1%", "max: 0.05%"))
    assert fitted(by_name("near the limit (0.45 %)"), strict).name == "near the limit (0.045 %)"
    assert fitted(by_name("both at 0.6 %"), found).errors == pytest.approx(0.012)
    assert fitted(by_name("no errors at all"), found).errors == 0


def test_a_defect_keeps_its_own_rate_and_stable_gets_the_base_rate() -> None:
    found = service(ERRORS, errors=0.003)
    family = fitted(by_name("errors 5 %"), found)
    assert family.bad == 0.05
    total = drawn(found, "errors 5 %")
    assert total.errors / total.total == pytest.approx(0.05, rel=0.1)
    traffic = ServedTraffic(found, family, 100, seeded())
    stable = Served()
    for index in range(1, 400):
        side = traffic.tick(index * 5.0, index * 5.0, 0.5).stable
        assert side is not None
        stable.add(side)
    assert stable.errors / stable.total == pytest.approx(0.003, rel=0.15)


def test_a_defect_below_the_base_rate_is_none() -> None:
    assert fitted(by_name("errors 1 %"), service(ERRORS, errors=0.02)).bad is None


def test_modes_share_the_traffic_and_each_is_as_slow_as_its_limit_allows() -> None:
    found = service(ERRORS + MODES)
    assert [(one.part, one.share) for one in found.streams] == [("fast", 0.5), ("slow", 0.5)]
    total = drawn(found, "steady")
    for stream, buckets, limit in zip(
        found.streams, total.buckets(found.streams), (0.1, 0.4), strict=True
    ):
        count = max(buckets.values())
        assert count == pytest.approx(total.total / 2, rel=0.05)
        assert stream.p95 == pytest.approx(limit / 1.4)
        assert 1 - buckets[min(buckets)] / count == pytest.approx(0.05, rel=0.1)
        assert 1 - buckets[limit] / count == pytest.approx(stream.slower(limit, 1.0), rel=0.2)


def test_another_quantile_has_its_own_place_below_its_limit() -> None:
    found = service(LATENCY)
    (stream,) = found.streams
    own, limit = stream.bounds
    assert limit == 0.2
    assert own == pytest.approx(0.2 / 1.4)
    assert stream.slower(own, 1.0) == pytest.approx(0.01, rel=0.01)


def test_what_was_measured_is_what_is_simulated() -> None:
    fast = Latencies(0.8, 0.05, 0.3, (0.025, 0.05, 0.1))
    found = service(
        ERRORS + MODES, measured=Measured(50, 0.0004, {"seconds by mode": {"fast": fast}})
    )
    (stream,) = found.streams
    assert (stream.part, stream.share, stream.p95, stream.sigma) == ("fast", 0.8, 0.05, 0.3)
    assert stream.bounds == (0.025, 0.05, 0.1)
    assert found.errors == 0.0004
    total = drawn(found, "steady")
    (buckets,) = total.buckets(found.streams)
    assert max(buckets.values()) == pytest.approx(0.8 * total.total, rel=0.05)


def test_what_cannot_be_simulated_is_said() -> None:
    found = service(
        ERRORS
        + "\n  - {name: schema, kind: zero, metric: failures_total}"
        + "\n  - {name: offers, kind: ratio, bad: a_total, total: b_total, min: 20%}"
        + "\n  - {name: hint, kind: ratio, bad: a_total, total: b_total, max: 1%, severity: warn}",
        "plan: {interval: 2s}",
    )
    assert [gate.rule.name for gate in found.gates] == ["error rate", "canary up"]
    assert found.notes == (
        "schema: not simulated, its values are not counts of requests",
        "offers: not simulated, a limit on rare events is expected",
        "hint: not simulated, it only warns",
        "samples come every 5 s, so that is how often gates are evaluated",
    )


def test_a_service_can_be_sent_to_another_process() -> None:
    found = service(ERRORS + MODES)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301  our own bytes


def test_good_ones_are_counted_where_there_is_a_lower_limit() -> None:
    found = service(GOOD)
    assert found.gates[0].rule.judge is Judging.EVIDENCE
    result = Configured(found, fitted(by_name("errors 10 %"), found), 200, "key").run()
    assert (result.end, result.reason) == (End.BACK, "availability")
    assert result.lasted < 600


def test_a_literal_gate_goes_back_after_so_many_looks_in_a_row() -> None:
    found = service(
        ERRORS.replace("max: 1%", "max: 1%, judge: threshold, min_samples: 10, consecutive: 3")
    )
    result = Configured(found, fitted(by_name("errors 50 %"), found), 200, "key").run()
    assert (result.end, result.reason, result.lasted) == (End.BACK, "error rate: fail", 30)


def test_a_dead_canary_is_found_without_nginx_counts() -> None:
    for more in ("", "judge: threshold"):
        found = replace(service(ERRORS, more, errors=0.0), attempts=False)
        result = Configured(found, fitted(by_name("dies"), found), 200, "key").run()
        assert result.end is End.BACK
        assert result.harmed_at is not None
        assert result.lasted - result.harmed_at <= 30


def test_a_shared_incident_is_held_with_every_gate() -> None:
    found = service(ERRORS + MODES)
    result = Configured(found, fitted(by_name("shared incident"), found), 200, "key").run()
    assert result.end is End.PROMOTED
    assert result.held > 0


def test_history_keeps_a_rollout_reproducible() -> None:
    found = replace(service(ERRORS + MODES), history=1200.0)
    family = fitted(by_name("errors 2 %"), found)
    first, again = (Configured(found, family, 20, "key").run() for _ in range(2))
    assert first == again
    assert first != Configured(found, family, 20, "another").run()


def test_ticks_between_two_looks_are_added_up() -> None:
    seen = Gathered()
    for canary, up in ((Served(3, 1), True), (None, None), (Served(4, 0), False)):
        seen.add(Tick(5, 5, 0.1, canary, None, Attempts(5, 1, 9, 0), up, 1))
    assert seen.canary is not None
    assert (seen.canary.total, seen.canary.errors, seen.stable) == (7, 1, None)
    assert seen.attempts == Attempts(15, 3, 27, 0)
    assert (seen.up, seen.restarts) == (False, 3)


def test_families_are_found_by_group_and_by_name() -> None:
    assert len(short()) == len(SHORT)
    assert len(chosen(["healthy", "harmful"])) == len(every())
    assert [one.name for one in chosen(["dies", "DIES"])] == ["dies"]
    assert [one.name for one in chosen(["no traffic"])] == ["no traffic"]
    assert len(chosen(["no traffi"])) == 2
    assert [one.name for one in short()][-1] == "no traffic"
    with pytest.raises(ValueError, match="no family of traffic is called 'rain'"):
        chosen(["rain"])


def test_bounds_hold_for_many_hits_of_many_runs() -> None:
    assert at_most(199, 200) == pytest.approx(0.99974, abs=1e-5)
    assert at_most(600, 1200) == pytest.approx(0.5242, abs=1e-4)
    assert at_most(0, 10_000) == pytest.approx(0.0002995, abs=1e-6)


def test_nobody_is_there_to_approve_so_waits_are_left_out() -> None:
    waits = "plan: {observe: 5m, stages: [{pause: {}}, 10, {approve: [qa]}, {pause: 1h}, 100]}"
    plain = "plan: {observe: 5m, stages: [10, 100]}"
    found = []
    for more in (waits, plain):
        given = service(ERRORS, more)
        found.append(Configured(given, fitted(by_name("steady"), given), 20.0, "waits").run())
    assert found[0] == found[1]
    assert (found[0].end, found[0].lasted) == (End.PROMOTED, 600.0)


def test_the_deadline_is_a_reason_of_its_own() -> None:
    given = service(ERRORS, "plan: {observe: 5m, stages: [10, 100], deadline: 6m}")
    found = Configured(given, fitted(by_name("steady"), given), 20.0, "late").run()
    assert (found.end, found.reason) == (End.INCONCLUSIVE, "plan.deadline")
