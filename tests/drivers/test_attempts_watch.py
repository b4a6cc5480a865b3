"""Streaks of failures from the log of attempts, read by two who share one position."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canaryctl.core.breaker import Breaker, BreakerPolicy, Circuit, seen
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.streaks import Streak, Streaks
from canaryctl.drivers.attempt_lines import UncountableError, counted, streaks
from canaryctl.drivers.attempts import NginxAttempts
from canaryctl.drivers.local_host import LocalHost
from canaryctl.ports import MOST_TAILED
from tests.fakes import FakeHost

LOG = "/var/log/nginx/canaryctl-attempts.log"
C, S, CS, C5, S5 = "1 c 200\n", "10 s 200\n", "1 cs 502, 200\n", "1 c 500\n", "1 s 503\n"


def circuit(*readings: Streaks) -> Circuit:
    breaker = Breaker()
    for one in readings:
        breaker = seen(BreakerPolicy(), breaker, one, 0.0)
    return breaker.circuit


# --- lines --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "good", "bad", "stable", "stable_failed"),
    [
        ("1 c 200", 1, 0, 0, 0),
        ("1 c 404", 1, 0, 0, 0),
        ("1 c 101", 1, 0, 0, 0),
        ("1 c 502", 0, 1, 0, 0),
        ("1 c 504", 0, 1, 0, 0),
        ("1 c 500", 0, 1, 0, 0),
        ("1 c 503", 0, 1, 0, 0),
        ("1 cs 502, 200", 0, 1, 1, 0),
        ("1 cs 504, 500", 0, 1, 1, 1),
        ("10 s 200", 0, 0, 10, 0),
        ("10 s 500", 0, 0, 10, 10),
        ("1 sc 502, 200", 1, 0, 1, 1),
        # A request is one, however many servers were tried for it.
        ("1 ccc 502, 502, 502", 0, 1, 0, 0),
        ("1 cc 502, 200", 1, 0, 0, 0),
        ("1 sss 502, 502, 200", 0, 0, 1, 0),
        # The client went away: nobody knows.
        ("1 c -", 0, 0, 0, 0),
        ("1 cs 502, -", 0, 1, 0, 0),
        ("1 - 502", 0, 0, 0, 0),
        ("1 cc- 502, 502, 502", 0, 1, 0, 0),
        ("1 cs 502, 200 : 200", 0, 1, 1, 0),
    ],
)
def test_what_a_line_is_in_a_streak(
    line: str, good: int, bad: int, stable: int, stable_failed: int
) -> None:
    found = streaks(f"{line}\n".encode())
    assert (found.good, found.bad) == (good, bad)
    assert found.whole == Streak(bad, stable, stable_failed)
    assert not found.gap


def test_a_foreign_line_makes_the_whole_uncountable() -> None:
    with pytest.raises(UncountableError, match="is no line of the log"):
        streaks(f"{C}GET /\n".encode())


@given(st.lists(st.sampled_from([C, S, CS, C5, S5]), max_size=30))
def test_the_log_is_read_in_its_order(lines: list[str]) -> None:
    whole = "".join("g" if x == C else "b" if x in {CS, C5} else "" for x in lines)
    found = streaks("".join(lines).encode())
    assert found.worst.failed == max(map(len, whole.split("g")))
    assert found.tail.failed == len(whole.split("g")[-1])
    assert found.head.failed == len(whole.split("g")[0])


# --- two who read ---------------------------------------------------------------------------


def fake(text: str = "") -> tuple[FakeHost, NginxAttempts]:
    host = FakeHost(files={LOG: text})
    return host, NginxAttempts(host, LOG)


def test_at_first_nothing_is_known() -> None:
    _, attempts = fake(C5 * 9)
    assert attempts.watch() == Streaks.GAP
    assert attempts.watch() == Streaks()
    assert attempts.read() is None
    assert attempts.read() == Attempts(0, 0, 0, 0)


@given(st.lists(st.sampled_from([C, S, CS, C5, S5, "read", "watch"]), max_size=40))
def test_each_gets_everything_once_however_they_take_turns(acts: list[str]) -> None:
    host, attempts = fake(S)
    attempts.read()
    attempts.watch()
    read, watched, text = [0.0] * 4, Streaks(), ""
    for act in (*acts, "read", "watch"):
        if act == "read":
            found = attempts.read()
            assert found is not None
            parts = (found.canary, found.canary_failed, found.stable, found.stable_failed)
            read = [a + b for a, b in zip(read, parts, strict=True)]
        elif act == "watch":
            watched += attempts.watch()
        else:
            text += act
            host.files[LOG] = S + text
    assert Attempts(*read) == counted(text.encode())
    assert watched == streaks(text.encode())


def test_while_the_host_does_not_answer_nothing_is_lost() -> None:
    host, attempts = fake(S)
    first = attempts.watch()
    host.files[LOG] += C5 * 3
    two = attempts.watch()
    host.unreachable = "no engine"
    host.files[LOG] += C5 * 2
    none = attempts.watch()
    assert none == Streaks()
    assert attempts.read() is None
    host.unreachable = ""
    assert circuit(first, two, none) is Circuit.CLOSED
    assert circuit(first, two, none, attempts.watch()) is Circuit.OPEN


def test_what_the_judge_has_read_is_kept_for_the_breaker_and_its_gap_too() -> None:
    host, attempts = fake(S)
    attempts.read()
    attempts.watch()
    host.files[LOG] += C5 * 3
    attempts.read()
    host.files[LOG] += "GET /\n"
    assert attempts.read() is None
    host.files[LOG] += C5 * 4
    found = attempts.watch()
    assert (found.bad, found.worst.failed, found.gap) == (7, 4, True)


def test_a_gap_that_the_breaker_found_is_one_for_the_judge() -> None:
    host, attempts = fake(S)
    attempts.read()
    host.files[LOG] += C * 3
    attempts.watch()
    host.files[LOG] = C
    attempts.watch()
    host.files[LOG] += C * 2
    attempts.watch()
    assert attempts.read() is None
    host.files[LOG] += C
    assert attempts.read() == Attempts(1, 0, 0, 0)


@pytest.mark.parametrize("between", ["GET /\n", "10 ? 200\n", S * (MOST_TAILED // len(S) + 2)])
def test_what_cannot_be_counted_is_a_gap(between: str, caplog: pytest.LogCaptureFixture) -> None:
    host, attempts = fake(S)
    readings = [attempts.watch()]
    for text in (C5 * 4, between, C5 * 4):
        host.files[LOG] += text
        readings.append(attempts.watch())
    assert readings[2].gap
    assert circuit(*readings) is Circuit.CLOSED
    assert caplog.text.count("attempts are not counted") == 1


# --- on a real file system ------------------------------------------------------------------


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.mark.parametrize("way", ["renamed", "truncated", "deleted", "nothing"])
def test_failures_on_both_sides_of_a_rotation_are_not_in_a_row(
    tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log = tmp_path / "attempts.log"
    log.write_text(C * 20)
    attempts = NginxAttempts(LocalHost(), str(log))
    readings = [attempts.watch()]
    append(log, C5 * 4)
    readings.append(attempts.watch())
    match way:
        case "renamed":
            log.rename(log.with_suffix(".1"))
        case "truncated":
            os.truncate(log, 0)
        case "deleted":
            log.unlink()
            readings.append(attempts.watch())
    append(log, C5 * 4)
    readings += [attempts.watch(), attempts.watch()]
    assert circuit(*readings) is (Circuit.OPEN if way == "nothing" else Circuit.CLOSED)
    # Nor is it blind afterwards.
    append(log, C5 * 5)
    assert circuit(*readings, attempts.watch()) is Circuit.OPEN
    assert bool(caplog.text) == (way != "nothing")
