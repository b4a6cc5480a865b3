"""The parts of a promotion: its log, what people are answered, whether stable serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from canaryctl.core.control import Answer, Desk, Request, Verb
from canaryctl.core.errors import HostError
from canaryctl.core.promotion import Phase
from canaryctl.core.sequential.batch import Attempts
from canaryctl.core.streaks import Streak, Streaks
from canaryctl.promoting.deployment_log import COLUMNS, DeploymentLog
from canaryctl.promoting.questions import Questions
from canaryctl.promoting.settling import FOLLOWED_AFTER, LONGEST, Settling
from tests.core.test_promotion import RECORD
from tests.fake_world import FakeClock


@pytest.mark.parametrize("name", ["deployments.tsv", "log/deployments.md"])
def test_a_promotion_is_one_line_however_often_it_is_added(tmp_path: Path, name: str) -> None:
    log = DeploymentLog(tmp_path / name)
    assert log.add(RECORD, "shop", 0.0)
    assert not log.add(replace(RECORD, owner="other@there"), "shop", 99.0)
    assert log.add(replace(RECORD, id="p2", approvals={}), "shop", 60.0)
    lines = (tmp_path / name).read_text().splitlines()
    table = name.endswith(".md")
    assert len(lines) == 3 + table
    cells = [[c.strip() for c in one.strip("|").replace("|", "\t").split("\t")] for one in lines]
    assert cells[0] == list(COLUMNS)
    assert cells[1 + table] == [
        *("1970-01-01 00:00:00", "shop", "v0.1.0", "v0.2.0", "me@here", "r1", "p1"),
        "product: you",
    ]
    assert cells[2 + table][-1] == "-"


def test_a_log_of_somebody_elses_stays(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv"
    path.write_bytes(b"by hand: \xff, no line end")
    DeploymentLog(path).add(RECORD, "shop", 0.0)
    first, second = path.read_bytes().splitlines()
    assert first == b"by hand: \xff, no line end"
    assert second.count(b"\t") == len(COLUMNS) - 1


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="deployment log"):
        DeploymentLog(tmp_path).add(RECORD, "shop", 0.0)


@dataclass
class OneDesk:
    """A desk with one request; it may be out of reach."""

    desk: Desk
    broken: bool = False

    def read(self) -> Desk:
        if self.broken:
            raise HostError("gone")
        return self.desk

    def answer(self, answer: Answer) -> None:
        self.desk = self.desk.answered(answer)


@pytest.mark.parametrize("phase", list(Phase))
def test_what_is_asked_late_is_refused_with_the_reason(phase: Phase) -> None:
    requests = (
        Request("1", "p1", Verb.ABORT, "me@here"),
        Request("2", "another", Verb.ABORT, "me@here"),
    )
    desk = OneDesk(Desk(requests))
    Questions(desk, "p1", FakeClock()).look(phase)
    assert not desk.desk.answers["1"].accepted
    assert "abort is refused" in desk.desk.answers["1"].said
    assert desk.desk.requests == requests[1:]


def test_a_desk_out_of_reach_changes_nothing() -> None:
    Questions(OneDesk(Desk(), broken=True), "p1", FakeClock()).look(Phase.RETURNING)


@dataclass
class Counts:
    """Gives one reading after the other, then the last one for ever."""

    readings: Iterator[Attempts | None]
    last: Attempts | None = None
    watched: Iterator[Streaks] = field(default_factory=lambda: iter(()))

    def read(self) -> Attempts | None:
        self.last = next(self.readings, self.last)
        return self.last

    def watch(self) -> Streaks:
        return next(self.watched, Streaks())


def nothing() -> str:
    return ""


def served(stable: int, failed: int = 0) -> Attempts:
    return Attempts(5, 0, stable, failed)


def settled(
    *readings: Attempts | None,
    well: Callable[[], str] = nothing,
    counted: bool = True,
    watched: Iterable[Streaks] = (),
) -> tuple[str, float]:
    clock = FakeClock()
    began = clock.now()
    counts = (
        Counts(iter([None, *readings]), watched=chain([Streaks()], watched)) if readings else None
    )
    wrong = Settling(well, counts, clock).wrong(2.0, lambda: None, counted=counted)
    return wrong, clock.now() - began


def test_a_stable_that_serves_has_settled() -> None:
    assert settled(served(3)) == ("", 2.0)


def test_a_failed_attempt_begins_the_time_anew() -> None:
    assert settled(served(0, 0), served(4, 4), served(3)) == ("", 2.5)


def test_failures_that_do_not_end_are_stables_own() -> None:
    wrong, seconds = settled(served(4, 4))
    assert "NGINX failed" in wrong
    assert seconds == 2.0 + LONGEST


def test_without_traffic_nginx_gets_the_time_to_follow_the_address() -> None:
    assert settled(served(0)) == ("", FOLLOWED_AFTER)
    assert settled() == ("", FOLLOWED_AFTER)
    assert settled(served(9, 9), counted=False) == ("", 2.0)


def test_a_stable_that_is_ill_is_said_after_three_looks() -> None:
    wrong, seconds = settled(served(3), well=lambda: "it answers 503")
    assert wrong == "it answers 503"
    assert seconds == 4.0


def test_one_bad_look_is_none() -> None:
    looks = iter(["it is slow"])
    assert settled(served(3), well=lambda: next(looks, ""))[0] == ""


def both(stable: int, failed: int, canary: int, bad: int) -> Streaks:
    """What half a second of the log says."""
    return Streaks(good=canary - bad, bad=bad, whole=Streak(bad, stable, failed))


def test_a_stable_that_answers_5xx_more_often_than_the_canary_is_found_at_once() -> None:
    wrong, seconds = settled(served(50), watched=repeat(both(50, 20, 50, 0)))
    assert wrong == ("it answered 20 of 50 requests with 5xx, the canary 0 of 50 in the same time")
    assert seconds == 0.0
    slowly, later = settled(served(50), watched=repeat(both(50, 4, 50, 0)))
    assert "with 5xx" in slowly
    assert later == 2.0


def test_a_stable_that_answers_5xx_as_often_as_the_canary_has_settled() -> None:
    assert settled(served(50), watched=repeat(both(50, 5, 50, 5))) == ("", 2.0)
    assert settled(served(50), watched=repeat(both(50, 1, 50, 0))) == ("", 2.0)
    # What NGINX could not deliver is judged by whether it ends, not by this.
    refused = both(50, 20, 50, 0)
    assert settled(served(50, 20), served(50), watched=[refused])[0] == ""
