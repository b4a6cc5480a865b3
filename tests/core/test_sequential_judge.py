"""The judge on hand-made evaluations: what convicts, what never may, and what it costs."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from math import isclose

import pytest

from canaryctl.core.sequential.batch import Attempts, Counts, Evaluation, Seen
from canaryctl.core.sequential.course import Course, Move, Policy
from canaryctl.core.sequential.judge import Assessment, Judge
from canaryctl.core.sequential.terms import for_errors, for_latency

LIMIT = 0.005


def judge() -> Judge:
    return Judge([for_errors("errors", LIMIT)])


def evaluation(
    at: float,
    canary: tuple[float, float] | None,
    stable: tuple[float, float] | None = (950, 1),
    *,
    weight: float = 0.05,
    attempts: Attempts | None = None,
    up: bool | None = None,
    restarts: int = 0,
) -> Evaluation:
    def counts(of: tuple[float, float] | None) -> Counts | None:
        return None if of is None else Counts(of[0], of[1], of[1])

    return Evaluation(
        at,
        weight,
        0.0,
        {"errors": Seen(counts(canary), counts(stable))},
        attempts=attempts,
        up=up,
        restarts=restarts,
    )


def until_back(judging: Judge, evaluations: Iterator[Evaluation]) -> tuple[int, Assessment]:
    for number, seen in enumerate(evaluations, 1):
        found = judging.take(seen)
        if found.back:
            return number, found
    pytest.fail("never thrown back")


def test_half_of_the_requests_failing_is_known_at_the_third_evaluation_at_the_latest() -> None:
    number, found = until_back(judge(), (evaluation(5.0 * i, (10, 5)) for i in range(1, 100)))
    assert number <= 3
    assert found.reason == "errors"


def test_half_failing_is_known_after_a_long_quiet_stage() -> None:
    judging = judge()
    for i in range(1, 170):
        assert not judging.take(evaluation(5.0 * i, (50, 0))).back
    late = (evaluation(5.0 * i, (50, 25)) for i in range(170, 200))
    number, _ = until_back(judging, late)
    assert number <= 3


def test_both_sides_failing_holds_and_never_blames() -> None:
    judging = judge()
    for i in range(1, 60):
        judging.take(evaluation(5.0 * i, (50, 0)))
    found = None
    for i in range(60, 120):
        found = judging.take(evaluation(5.0 * i, (50, 10), (950, 190)))
        assert not found.back
    assert found is not None
    assert found.hold == ("errors",)
    for i in range(120, 200):
        found = judging.take(evaluation(5.0 * i, (50, 0)))
    assert found.hold == ()
    assert found.clear


def test_an_incident_whose_stable_sample_comes_one_look_late_does_not_blame() -> None:
    judging = judge()
    for i in range(1, 60):
        judging.take(evaluation(5.0 * i, (250, 0), (750, 1), weight=0.25))
    assert not judging.take(evaluation(300, (250, 50), (750, 1), weight=0.25)).back
    for i in range(61, 90):
        assert not judging.take(evaluation(5.0 * i, (250, 50), (750, 150), weight=0.25)).back


def test_missing_data_is_never_evidence() -> None:
    judging = judge()
    for i in range(1, 20):
        judging.take(evaluation(5.0 * i, (50, 0)))
    before = judging.take(evaluation(100, (50, 0)))
    for i in range(21, 2000):
        found = judging.take(evaluation(5.0 * i, None, None))
        assert not found.back
        assert found.quality <= before.quality + 1e-9
        assert found.traffic <= max(before.traffic, 0.0) + 1e-9


def test_a_batch_waits_for_stables_of_the_same_time() -> None:
    judging = judge()
    for i in range(1, 60):
        judging.take(evaluation(5.0 * i, (250, 0), (750, 1), weight=0.25))
    waiting = judging.take(evaluation(300, (250, 100), None, weight=0.25))
    assert waiting.quality < 0
    assert not judging.take(evaluation(305, (250, 100), (1500, 600), weight=0.25)).back


@pytest.mark.parametrize("lasts", [1, 2])
def test_a_restart_is_forgiven(lasts: int) -> None:
    judging = judge()
    for i in range(1, 400):
        gone = 200 <= i < 200 + lasts
        attempts = Attempts(250, 250 if gone else 0, 1000 if gone else 750, 0)
        found = judging.take(evaluation(5.0 * i, (0 if gone else 250, 0), attempts=attempts))
        assert not found.back


def test_a_dead_canary_behind_failover_is_known_at_the_third_evaluation() -> None:
    judging = judge()
    for i in range(1, 100):
        judging.take(evaluation(5.0 * i, (10, 0), attempts=Attempts(10, 0, 990, 0)))
    dead = (evaluation(5.0 * i, None, attempts=Attempts(10, 10, 1000, 0)) for i in range(100, 200))
    number, found = until_back(judging, dead)
    assert number <= 3
    assert found.reason == "attempts at the canary fail"


def test_a_canary_without_traffic_is_found_but_not_one_without_samples() -> None:
    unseen = judge()
    for i in range(1, 200):
        assert not unseen.take(evaluation(5.0 * i, None, (1000, 1))).back
    nginx = Attempts(0, 0, 1000, 0)
    for attempts, least, most in ((nginx, 12, 20), (None, 24, 32)):
        told = (evaluation(5.0 * i, (0, 0), (1000, 1), attempts=attempts) for i in range(1, 200))
        number, found = until_back(judge(), told)
        assert least <= number <= most
        assert found.reason == "the canary gets no traffic"


def test_samples_that_come_at_different_times_are_no_missing_traffic() -> None:
    """The canary's counts come in every minute's last look only, stable's in every look."""
    judging = judge()
    for i in range(1, 400):
        canary = (600.0, 1.0) if i % 12 == 0 else None
        assert not judging.take(evaluation(5.0 * i, canary, (950, 1))).back


def test_without_nginx_counts_three_refused_scrapes_tell_and_missed_ones_do_not() -> None:
    judging = judge()
    for i in range(1, 40):
        assert not judging.take(evaluation(5.0 * i, None, up=None)).back
    assert not judging.take(evaluation(200, None, up=False)).back
    assert not judging.take(evaluation(205, None, up=False)).back
    found = judging.take(evaluation(210, None, up=False))
    assert found.back
    assert found.reason == "the canary refuses to be scraped"


def test_up_is_not_asked_where_nginx_counts() -> None:
    judging = judge()
    answered = Attempts(50, 0, 950, 0)
    for i in range(1, 60):
        assert not judging.take(evaluation(5.0 * i, None, up=False, attempts=answered)).back


def test_restarts_in_a_row_are_found_and_a_few_in_an_hour_are_not() -> None:
    few = judge()
    for i in range(1, 720):
        assert not few.take(evaluation(5.0 * i, (50, 0), restarts=int(i % 200 == 100))).back
    looping = (evaluation(5.0 * i, (50, 0), restarts=int(i % 12 == 0)) for i in range(1, 720))
    number, found = until_back(judge(), looping)
    assert number < 90
    assert found.reason == "restarts"


def test_latency_is_not_judged_while_warming_up_nor_after_a_restart() -> None:
    terms = for_latency("p95", 0.95)
    judging = Judge([terms])
    for i in range(1, 300):
        cold = 5 * i < 60 or 600 < 5 * i < 660
        ours = Counts(250, 200 if cold else 12, 200 if cold else 5)
        found = judging.take(
            Evaluation(
                5.0 * i,
                0.25,
                0.0,
                {"p95": Seen(ours, Counts(750, 37, 15))},
                restarts=int(i == 120),
            )
        )
        assert not found.back


def test_history_makes_a_bursty_service_patient() -> None:
    def against(known: bool) -> float:
        judging = judge()
        if known:
            minutes = [
                Counts(12_000, 240 if m % 9 == 4 else 12, 240 if m % 9 == 4 else 12)
                for m in range(45)
            ]
            judging.learn("errors", minutes)
        most = 0.0
        for i in range(1, 60):
            burst = 20 <= i < 32
            found = judging.take(evaluation(5.0 * i, (50, 1 if burst else 0)))
            most = max(most, found.quality)
        return most

    assert against(known=True) < against(known=False)


def test_a_stage_says_what_it_could_have_seen() -> None:
    judging = judge()
    for i in range(1, 180):
        found = judging.take(evaluation(5.0 * i, (10, 0), (190, int(i % 5 == 0))))
    seen = judging.could_have_seen()["errors"]
    assert seen is not None
    assert 0.004 < seen < 0.02
    assert found.gates[0].support > found.gates[0].against
    few = judge()
    few.take(evaluation(5.0, (1, 0)))
    assert few.could_have_seen()["errors"] is None


def test_learning_for_an_unknown_gate_is_refused() -> None:
    with pytest.raises(KeyError, match="latency"):
        judge().learn("latency", [])


@pytest.mark.parametrize("risk", [0.0, 1.0, -1.0])
def test_a_risk_is_a_chance(risk: float) -> None:
    with pytest.raises(ValueError, match="risk"):
        Judge([], risk=risk)


def test_less_risk_needs_more_evidence() -> None:
    careful = Judge([for_errors("errors", LIMIT)], risk=0.001)
    assert careful.quality_needed > judge().quality_needed
    late, _ = until_back(careful, (evaluation(5.0 * i, (50, 1)) for i in range(1, 200)))
    soon, _ = until_back(judge(), (evaluation(5.0 * i, (50, 1)) for i in range(1, 200)))
    assert soon < late


def course(judging: Judge, **policy: float | bool) -> Course:
    made = Course(judging, Policy(**policy))  # type: ignore[arg-type]
    made.enter(0.0, 900.0, 0.25)
    return made


def steps(judging: Judge, going: Course, bad: float, *, start: int = 1) -> list[Move]:
    moves = []
    owed = 0.0
    for i in range(start, 1000):
        owed += 50 * bad
        failed = int(owed)
        owed -= failed
        seen = evaluation(5.0 * i, (50, failed), (950, round(950 * bad)))
        moves.append(going.step(5.0 * i, judging.take(seen), data=True).move)
        if moves[-1] in {Move.ADVANCE, Move.BACK, Move.INCONCLUSIVE}:
            return moves
    return moves


def test_a_healthy_stage_ends_on_time() -> None:
    judging = judge()
    moves = steps(judging, course(judging), 0.001)
    assert moves[-1] is Move.ADVANCE
    assert len(moves) == 180


def test_a_healthy_stage_may_end_early_by_evidence() -> None:
    judging = judge()
    moves = steps(judging, course(judging, early=True), 0.001)
    assert moves[-1] is Move.ADVANCE
    assert 6 <= len(moves) < 30


def test_both_sides_over_the_limit_end_without_blame() -> None:
    judging = judge()
    moves = steps(judging, course(judging, hold_for=600.0), 0.01)
    assert moves[-1] is Move.INCONCLUSIVE
    assert Move.HOLD in moves
    assert Move.BACK not in moves


def test_over_the_limit_without_enough_evidence_extends_to_the_bound() -> None:
    # Four times stable's errors, over the limit, and too few requests to be sure.
    judging = Judge([for_errors("errors", LIMIT)])
    going = course(judging)
    last = None
    for i in range(1, 1000):
        failed = int(i % 30 == 0)
        seen = evaluation(5.0 * i, (2, failed), (38, int(i % 6 == 0)))
        last = going.step(5.0 * i, judging.take(seen), data=True)
        if last.move in {Move.ADVANCE, Move.BACK, Move.INCONCLUSIVE}:
            break
    assert last is not None
    assert last.move is Move.INCONCLUSIVE
    assert isclose(last.observed, 2700.0)
    assert "errors" in last.reason


def test_time_without_data_is_not_observed() -> None:
    judging = judge()
    going = course(judging)
    for i in range(1, 100):
        going.step(5.0 * i, judging.take(evaluation(5.0 * i, (50, 0))), data=True)
    for i in range(100, 400):
        silent = going.step(5.0 * i, judging.take(evaluation(5.0 * i, None, None)), data=False)
        assert silent.move is Move.WAIT
    again = going.step(2000.0, judging.take(evaluation(2000.0, (50, 0))), data=True)
    assert again.move is Move.WAIT
    assert again.observed < 510


def test_the_same_evaluations_give_the_same_assessments() -> None:
    def run() -> list[Assessment]:
        judging = judge()
        return [
            judging.take(evaluation(5.0 * i, (50, int(i % 7 == 0)), (950, i % 3)))
            for i in range(1, 200)
        ]

    assert run() == run()


def test_memory_does_not_grow_with_the_rollout() -> None:
    judging = judge()

    def size(start: int, end: int) -> int:
        for i in range(start, end):
            attempts = Attempts(50, i % 2, 950, 0)
            judging.take(evaluation(5.0 * i, (50, int(i % 90 == 0)), attempts=attempts))
        return len(pickle.dumps(judging))

    early = size(1, 500)
    assert size(500, 6000) < early * 1.05


def test_bad_ones_of_stable_without_a_request_say_nothing() -> None:
    # Two counters of one source need not begin in the same scrape.
    judging = judge()
    for i in range(1, 30):
        judging.take(evaluation(5.0 * i, (50, 1), (0, 40)))
