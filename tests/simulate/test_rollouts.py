"""Small seeded versions of the promises; the full tables are in docs/verdicts.md."""

from __future__ import annotations

import json

import pytest

from canaryctl.simulate.__main__ import chosen, main
from canaryctl.simulate.evidence import Evidence
from canaryctl.simulate.harmful import HARMFUL
from canaryctl.simulate.healthy import HEALTHY, SPECIAL
from canaryctl.simulate.peers import Documents, Flagger, Kayenta
from canaryctl.simulate.run import End, Result, run
from canaryctl.simulate.starting import Starting
from canaryctl.simulate.table import Row, at_most, simulate, summed, wald

FAMILIES = {family.name: family for family in (*HEALTHY, *SPECIAL, *HARMFUL)}


def row(name: str, rps: float, runs: int = 8, seed: int = 11) -> Row:
    family = FAMILIES[name]
    return summed(family, rps, simulate(family, rps, runs, seed=seed))


@pytest.mark.parametrize(
    "name",
    [
        "steady",
        "near the limit (0.45 %)",
        "cold start",
        "restarts, cold",
        "one bad minute of 1 %",
        "drift over the day",
        "traffic collapses",
        "scrapes missed",
        "metrics silent",
        "weight late",
        "sticky, heavy users",
        "no NGINX counts, restarts",
    ],
)
def test_a_healthy_canary_is_not_thrown_back(name: str) -> None:
    for rps in (2, 200):
        found = row(name, rps, runs=4)
        assert found.back == 0
        assert found.promoted >= 0.75


@pytest.mark.parametrize(("name", "bad"), [("errors 1 %", 0.01), ("errors 5 %", 0.05)])
@pytest.mark.parametrize("rps", [20, 200])
def test_errors_are_found_at_a_cost_near_the_least_possible(
    name: str, bad: float, rps: float
) -> None:
    found = row(name, rps, runs=40)
    assert found.back == 1
    # 2.5 is promised over many runs; forty of them scatter by a tenth.
    assert found.hurt <= 2.5 * 1.2 * wald(bad, 0.001)


@pytest.mark.parametrize("name", ["half from stage 1", "half from stage 3", "half from stage 4"])
def test_half_failing_is_back_within_three_evaluations(name: str) -> None:
    found = row(name, 200)
    assert found.back == 1
    assert found.looks is not None
    assert found.looks <= 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("60 % refused, failover", "attempts at the canary fail"),
        ("dies", "refuses to be scraped"),
        ("no traffic", "the canary gets no traffic"),
        ("restarts in a loop", ""),
    ],
)
def test_what_application_metrics_hide_is_found_from_nginx_counts(name: str, reason: str) -> None:
    for rps in (20, 200):
        found = row(name, rps)
        assert found.back == 1
        assert all(reason in one for one in found.reasons)


def test_a_shared_incident_holds_and_does_not_blame() -> None:
    for rps in (2, 200):
        found = row("shared incident", rps, runs=6)
        assert found.back == 0
        assert found.held == 1
        assert found.promoted == 1


def test_both_over_the_limit_end_without_blame() -> None:
    found = row("both at 0.6 %", 200, runs=6)
    assert found.back == 0
    assert found.inconclusive == 1


def test_evidence_may_end_stages_early() -> None:
    family = FAMILIES["steady"]
    results = simulate(family, 200, 6, lambda: Evidence(early=True), seed=5)
    found = summed(family, 200, results)
    assert found.promoted == 1
    assert found.full_at is not None
    assert found.full_at <= 420


def test_little_traffic_rarely_promotes_one_percent_errors() -> None:
    assert row("errors 1 %", 2, runs=30, seed=13).promoted <= 0.2


def test_the_same_seed_gives_the_same_rollouts() -> None:
    def twice() -> list[Result]:
        return simulate(FAMILIES["comes and goes"], 20, 2, seed="again")

    assert twice() == twice()


def test_the_rule_it_started_from_shows_its_weaknesses() -> None:
    thrown = [
        run(FAMILIES["weight late"], 200, Starting(), seed).end is End.BACK for seed in range(6)
    ]
    assert sum(thrown) >= 3
    assert run(FAMILIES["errors 50 %"], 200, Starting(), 1).end is End.BACK


def test_the_peers_decide_as_documented() -> None:
    assert run(FAMILIES["errors 50 %"], 200, Flagger(5), 1).lasted == 360
    assert run(FAMILIES["errors 50 %"], 200, Documents(), 1).lasted == 900
    found = run(FAMILIES["p95 × 2"], 200, Kayenta(), 1)
    assert (found.end, found.lasted) == (End.BACK, 900)


def test_bounds_of_fractions() -> None:
    assert at_most(0, 300) == pytest.approx(0.00994, abs=1e-4)
    assert at_most(3, 100) == pytest.approx(0.0757, abs=1e-3)
    assert at_most(5, 5) == 1.0


def test_families_are_chosen_by_group_or_by_name() -> None:
    assert len(list(chosen(["healthy"]))) == len(HEALTHY)
    assert [one.name for one in chosen(["0.45", "0.45"])] == ["near the limit (0.45 %)"]


def test_the_command_writes_a_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["errors 50 %", "--runs", "2", "--rps", "200"])
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith("| family | rps |")
    assert table[2].startswith("| errors 50 % | 200 | 2 | 100.0 % |")
    main(["errors 50 %", "--runs", "2", "--rps", "200", "--json", "--rule", "flagger"])
    assert json.loads(capsys.readouterr().out)["back"] == 1.0
