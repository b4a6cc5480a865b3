"""The journal against real SQLite files: what is kept, and what a broken one does not stop."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from canaryctl.core.analysis import Judgement
from canaryctl.core.errors import ConfigError
from canaryctl.core.events import (
    Check,
    Event,
    Interrupted,
    Judged,
    MetricsSilent,
    Overtaken,
    PreflightEnded,
    Started,
    WeightProven,
)
from canaryctl.core.gate import Finding, Rule, Status, Unit, ZeroGate
from canaryctl.core.plan import Plan, Stage
from canaryctl.core.recording import Setup
from canaryctl.core.recording_setup import setup
from canaryctl.core.rollout import advance
from canaryctl.core.selector import parse_selector
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.journal import About, Journal, events, history, last
from canaryctl.listeners.journal_deployed import DEPLOYED, deployed
from canaryctl.listeners.journal_file import NAME, state_directory
from canaryctl.listeners.journal_read import NOT_ENDED, find
from canaryctl.ports import Mark, Proof

PLAN = Plan((Stage(Weight(50), 10.0), Stage(Weight.FULL, 10.0)), interval=10.0)
FAILED = Finding(
    gate="error rate",
    status=Status.FAIL,
    reason="0.7 % is above its limit (≤ 0.5 %)",
    value=0.007,
    limit=0.005,
    samples=1000.0,
    unit=Unit.PERCENT,
    stable=0.001,
    queries=('http_requests_total{status=~"5.."}[10s]', "http_requests_total[10s]"),
)
PASSED = Finding(gate="p95", part="fast", status=Status.PASS, reason="fine", value=1.5, limit=2.5)
STRANGE = Finding(
    gate="loss", status=Status.ERROR, reason="it is NaN", value=float("nan"), limit=float("inf")
)
ROLLED_BACK: tuple[Event, ...] = (
    Started(1000.0),
    PreflightEnded(1000.5, (Check("gateway", True, "answers"),)),
    WeightProven(1001.0, Weight.ZERO, "1-a", 0.08),
    WeightProven(1002.0, Weight(50), "2-b", 0.07),
    Judged(1012.0, (FAILED, PASSED, STRANGE)),
    WeightProven(1013.0, Weight.ZERO, "3-c", 0.09),
)


def about(rollout: str = "20250101-000000-aaaa", gateway: str = "docker web") -> About:
    return About(rollout, "shop", gateway, "v0.2.0", "ann@box:42", "c0ffee")


def walk(journal: Journal, happened: Sequence[Event]) -> State:
    state = State(PLAN)
    for event in happened:
        state, command = advance(state, event)
        journal.heard(event, state, command)
        journal.ticked(state, event.at)
    return state


def test_an_ended_rollout_is_one_line_of_the_history(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)

    (entry,) = history(directory=tmp_path)

    assert (entry.id, entry.service, entry.gateway) == (
        "20250101-000000-aaaa",
        "shop",
        "docker web",
    )
    assert (entry.kind, entry.release, entry.owner) == ("rollout", "v0.2.0", "ann@box:42")
    assert (entry.started_at, entry.ended_at) == (1000.0, 1013.0)
    assert entry.outcome == "rolled_back"
    assert entry.reason.startswith("gate failed: error rate: 0.7 % is above its limit")
    assert entry.weights == (0, 0.5, 0)
    assert entry.config_hash == "c0ffee"
    assert entry.plan is not None
    assert entry.plan["stages"] == [
        {"weight": 0.5, "observe": 10.0},
        {"weight": 100, "observe": 10.0},
    ]


def test_every_field_of_every_finding_is_kept(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)

    recorded = events(about().rollout, tmp_path)

    assert [one.seq for one in recorded] == [1, 2, 3, 4, 5, 6]
    assert [one.kind for one in recorded] == [
        "started",
        "preflight_ended",
        "weight_proven",
        "weight_proven",
        "judged",
        "weight_proven",
    ]
    judged = recorded[4].payload
    assert judged["event"]["findings"][0] == {
        "gate": "error rate",
        "status": "fail",
        "reason": "0.7 % is above its limit (≤ 0.5 %)",
        "part": "",
        "value": 0.007,
        "comparator": "≤",
        "limit": 0.005,
        "samples": 1000.0,
        "unit": "%",
        "severity": "rollback",
        "on_no_data": "hold",
        "consecutive": 1,
        "stable": 0.001,
        "queries": ['http_requests_total{status=~"5.."}[10s]', "http_requests_total[10s]"],
        "judge": "threshold",
        "scale": None,
    }
    assert judged["event"]["findings"][1]["part"] == "fast"
    assert judged["verdict"]["ruling"] == "back"
    assert judged["weight"] == 0.5


def test_what_stays_as_it_was_is_written_once_and_read_each_time(tmp_path: Path) -> None:
    again = replace(FAILED, status=Status.PASS, reason="0.1 % now", value=0.001)
    near = replace(FAILED, reason="0.6 %", consecutive=3)
    happened = (
        *ROLLED_BACK[:4],
        Judged(1005.0, (near, PASSED)),
        Judged(1008.0, (replace(near, reason="0.9 %"), PASSED)),
        Judged(1012.0, (again, PASSED)),
    )
    journal = Journal(about(), tmp_path)
    walk(journal, happened)
    journal.close()

    first, second, third = (one.payload["event"] for one in events(about().rollout, tmp_path)[4:])

    assert first["findings"][0] | {"reason": "0.9 %"} == second["findings"][0]
    assert first["findings"][1] == second["findings"][1] == third["findings"][1]
    assert third["findings"][0]["consecutive"] == 1
    assert third["findings"][0]["queries"] == list(FAILED.queries)
    db = sqlite3.connect(tmp_path / NAME)
    sizes = [size for (size,) in db.execute("SELECT length(payload) FROM events ORDER BY seq")]
    db.close()
    assert sizes[5] < sizes[4] - 200


def test_a_new_file_has_whole_findings_again(tmp_path: Path) -> None:
    near = replace(FAILED, reason="0.6 %", consecutive=9)
    journal = Journal(about(), tmp_path)
    state = State(PLAN)
    for event in (*ROLLED_BACK[:4], *(Judged(1003.0 + n, (near,)) for n in range(4))):
        if event.at == 1005.0:
            journal.close()
            for companion in tmp_path.glob(f"{NAME}-*"):
                companion.unlink()
            garbage(tmp_path)
        state, command = advance(state, event)
        journal.heard(event, state, command)
    journal.close()

    last = events(about().rollout, tmp_path)[-1].payload["event"]["findings"][0]

    assert last["limit"] == FAILED.limit
    assert last["consecutive"] == 9


def test_plan_gates_and_judgement_stand_beside_the_first_event(tmp_path: Path) -> None:
    gate = ZeroGate(Rule("schema"), parse_selector("schema_total"))
    by = Setup(PLAN, (gate,), Judgement(risk=0.02))
    walk(Journal(about(), tmp_path, by), ROLLED_BACK)

    first, *others = events(about().rollout, tmp_path)

    assert setup(first.payload["setup"]) == by
    assert not [one for one in others if "setup" in one.payload]


def test_numbers_that_json_does_not_know_are_null(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)

    strange = events(about().rollout, tmp_path)[4].payload["event"]["findings"][2]

    assert strange["value"] is None
    assert strange["limit"] is None
    assert strange["reason"] == "it is NaN"


def test_what_is_announced_is_on_record_before_it_is_done(tmp_path: Path) -> None:
    journal = Journal(about(), tmp_path)
    walk(journal, ROLLED_BACK[:3])

    # The process is still in the middle of it: another connection reads what was written.
    newest = events(about().rollout, tmp_path)[-1]

    assert newest.payload["command"] == {
        "kind": "set_weight",
        "weight": 0.5,
        "reason": "stage 1 of 2",
        "force": False,
        "pause": 0.0,
    }
    (entry,) = history(directory=tmp_path)
    assert entry.outcome == NOT_ENDED
    assert "shifting, 0 % was proven last" in entry.reason
    journal.close()


def test_the_sentences_of_the_terminal_are_kept(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)

    said = [line for one in events(about().rollout, tmp_path) for line in one.payload["said"]]

    assert any("generation 2-b" in line for line in said)
    assert any("Verdict: rollback: error rate: 0.7 %" in line for line in said)


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (Interrupted(1005.0, "SIGTERM"), "aborted"),
        (MetricsSilent(1005.0, "refused"), NOT_ENDED),
        (Overtaken(1005.0, Weight.ZERO, "bob set 0 %"), "aborted"),
        (Overtaken(1005.0, None, "a file that is not ours"), "aborted"),
    ],
)
def test_every_other_end_can_be_read(tmp_path: Path, event: Event, outcome: str) -> None:
    happened = [*ROLLED_BACK[:4], event]
    if outcome == "aborted" and getattr(event, "weight", None) is None:
        happened.append(WeightProven(1006.0, Weight.ZERO, "4-d", 0.1))
    walked = Journal(about(), tmp_path)
    walk(walked, happened)

    (entry,) = history(directory=tmp_path)

    assert entry.outcome == outcome
    assert entry.weights[-1] == (0 if outcome == "aborted" else 0.5)
    walked.close()


@dataclass
class Settings:
    service: str = "shop"

    def model_dump_json(self) -> str:
        return '{"service":"shop"}'


@dataclass
class At:
    time: float = 2000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Subject:
    """What the verbs hand over."""

    config: Settings
    clock: At
    gateway: str = "docker web"


def subject() -> Subject:
    return Subject(Settings(), At())


def test_what_is_done_by_hand_stands_among_the_rollouts(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)
    mark = Mark("v0.2.0", "", "bob@box:7", "rollback: too slow")
    Journal.record_act(subject(), "rollback", mark, Proof("9-f", Weight.ZERO, 0.1, 5), tmp_path)

    act, rollout = history(directory=tmp_path)

    assert (act.id, act.kind, act.outcome, act.owner) == ("act-1", "rollback", "done", "bob@box:7")
    assert (act.started_at, act.weights, act.reason) == (2000.0, (0,), "rollback: too slow")
    assert rollout.kind == "rollout"
    assert find("act-1", tmp_path) == act
    assert last("docker web", tmp_path) == act.as_json()


def test_it_knows_which_canary_was_brought_up_for_which_rollout(tmp_path: Path) -> None:
    assert deployed("docker web", directory=tmp_path) is None
    for rollout, kind in (("r1", DEPLOYED), ("r2", DEPLOYED), ("r3", "deploy failed")):
        mark = Mark("v0.2.0", rollout, "ann@box:42", "healthy")
        Journal.record_deed(subject(), kind, mark, {"rollout": rollout}, tmp_path)
    gateway = subject().gateway
    newest = deployed(gateway, directory=tmp_path)
    assert newest is not None
    assert (newest.rollout, newest.release) == ("r2", "v0.2.0")
    assert newest.at == subject().clock.now()
    earlier = deployed(gateway, "r1", tmp_path)
    assert earlier is not None
    assert earlier.rollout == "r1"
    assert deployed(gateway, "r3", tmp_path) is None  # it did not come up
    assert deployed("docker other", "r1", tmp_path) is None


def test_the_subject_names_the_rollout_and_hashes_its_configuration(tmp_path: Path) -> None:
    mark = Mark("v3", "20250101-000000-bbbb", "ann@box:1")
    walk(Journal.opened(subject(), mark, tmp_path), ROLLED_BACK)

    (entry,) = history(directory=tmp_path)

    assert (entry.id, entry.release) == ("20250101-000000-bbbb", "v3")
    assert len(entry.config_hash) == 64


def test_last_looks_at_one_gateway_only(tmp_path: Path) -> None:
    walk(Journal(about("20250101-000000-aaaa", "docker one"), tmp_path), ROLLED_BACK)
    walk(Journal(about("20250102-000000-bbbb", "docker two"), tmp_path), ROLLED_BACK[:3])

    found = last("docker one", tmp_path)

    assert found is not None
    assert found["id"] == "20250101-000000-aaaa"
    assert found["started_at"].startswith("1970-01-01T00:16:40")
    assert last("docker three", tmp_path) is None


def test_the_limit_keeps_the_newest(tmp_path: Path) -> None:
    for number in range(5):
        shifted = [type(e)(*[e.at + number * 100, *list(_rest(e))]) for e in ROLLED_BACK]
        walk(Journal(about(f"r{number}"), tmp_path), shifted)

    assert [entry.id for entry in history(2, tmp_path)] == ["r4", "r3"]


def _rest(event: Event) -> list[Any]:
    return [getattr(event, name) for name in event.__dataclass_fields__ if name != "at"]


def test_an_id_may_be_shortened_as_long_as_it_is_the_only_one(tmp_path: Path) -> None:
    for name in ("20250101-aa", "20250101-ab", "20250101-a"):
        walk(Journal(about(name), tmp_path), ROLLED_BACK)

    assert find("20250101-ab", tmp_path).id == "20250101-ab"
    assert find("20250101-a", tmp_path).id == "20250101-a"
    with pytest.raises(ConfigError, match="3 rollouts begin with '2025'"):
        find("2025", tmp_path)
    for unknown in ("nothing", "act-1", "act-x", "%", ""):
        with pytest.raises(ConfigError):
            find(unknown, tmp_path)


def test_without_a_journal_there_is_no_history(tmp_path: Path) -> None:
    assert history(directory=tmp_path / "none") == ()
    assert events("x", tmp_path / "none") == ()
    assert last("x", tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_entries_are_neither_changed_nor_deleted(tmp_path: Path) -> None:
    walk(Journal(about(), tmp_path), ROLLED_BACK)
    Journal.record_act(
        subject(),
        "rollback",
        Mark(),
        Proof("9-f", Weight.ZERO, 0.1, 5),
        tmp_path,
    )
    db = sqlite3.connect(tmp_path / NAME)
    for statement in (
        "DELETE FROM rollouts",
        "DELETE FROM events",
        "DELETE FROM acts",
        "UPDATE rollouts SET owner = 'x'",
        "UPDATE events SET kind = 'x'",
        "UPDATE acts SET owner = 'x'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    db.close()


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        place = tmp_path / "state" / "canaryctl"
        journal = Journal(about(), place)
        walk(journal, ROLLED_BACK[:3])
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in place.iterdir()}
        journal.close()
    finally:
        os.umask(before)

    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert modes == {NAME: 0o600, f"{NAME}-wal": 0o600, f"{NAME}-shm": 0o600}


def test_a_directory_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    walk(Journal(about(), tmp_path), ROLLED_BACK)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_the_environment_names_the_directory(tmp_path: Path) -> None:
    assert state_directory({"CANARYCTL_STATE_DIR": str(tmp_path)}) == tmp_path
    assert state_directory({}).name == "canaryctl"


def garbage(place: Path) -> None:
    (place / NAME).write_bytes(b"this is not a database, but it is long enough " * 100)


def truncated(place: Path) -> None:
    walk(Journal(about("old"), place), ROLLED_BACK)
    whole = (place / NAME).read_bytes()
    (place / NAME).write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))


@pytest.mark.parametrize("damage", [garbage, truncated])
def test_a_broken_file_is_moved_aside_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Any
) -> None:
    damage(tmp_path)
    broken = (tmp_path / NAME).read_bytes()

    with caplog.at_level(logging.WARNING):
        state = walk(Journal(about(), tmp_path), ROLLED_BACK)

    assert state.ending is not None
    assert (tmp_path / "journal.broken-1.db").read_bytes() == broken
    assert [entry.id for entry in history(directory=tmp_path)] == [about().rollout]
    assert len(events(about().rollout, tmp_path)) == len(ROLLED_BACK)
    assert [r.message for r in caplog.records if "begins anew" in r.message] != []


def test_a_file_that_breaks_in_the_middle_loses_only_what_was_before(tmp_path: Path) -> None:
    journal = Journal(about(), tmp_path)
    state = State(PLAN)
    for number, event in enumerate(ROLLED_BACK):
        if number == 3:
            journal.close()
            for companion in tmp_path.glob(f"{NAME}-*"):
                companion.unlink()
            garbage(tmp_path)
        state, command = advance(state, event)
        journal.heard(event, state, command)

    (entry,) = history(directory=tmp_path)
    assert entry.outcome == "rolled_back"
    assert [one.seq for one in events(about().rollout, tmp_path)] == [4, 5, 6]


def test_a_broken_journal_is_one_clear_message_to_a_reader(tmp_path: Path) -> None:
    garbage(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        history(directory=tmp_path)
    assert last("docker web", tmp_path) is None


def file_in_the_way(place: Path) -> Path:
    (place / "file").write_text("not a directory")
    return place / "file" / "canaryctl"


def directory_in_the_way(place: Path) -> Path:
    (place / NAME).mkdir()
    return place


def from_the_future(place: Path) -> Path:
    db = sqlite3.connect(place / NAME)
    db.execute("PRAGMA user_version = 99")
    db.close()
    return place


@pytest.mark.parametrize("obstacle", [file_in_the_way, directory_in_the_way, from_the_future])
def test_a_journal_that_cannot_be_written_is_said_once_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, obstacle: Any
) -> None:
    place = obstacle(tmp_path)

    with caplog.at_level(logging.WARNING):
        state = walk(Journal(about(), place), ROLLED_BACK)
        act = [r for r in caplog.records if "goes on without it" in r.message]

    assert state.ending is not None
    assert state.ending.outcome == "rolled_back"
    assert len(act) == 1
    Journal.record_act(subject(), "rollback", Mark(), Proof("1-a", Weight.ZERO, 0.1, 1), place)


def test_a_full_disk_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(about(), tmp_path)
    walk(journal, ROLLED_BACK[:3])
    connection = journal._file._connection
    assert connection is not None
    # SQLite's own way to a full disk: not one page more than there are.
    connection.execute("PRAGMA max_page_count = 1")
    long = Interrupted(1003.0, "x" * 100_000)

    with caplog.at_level(logging.WARNING):
        state, command = advance(State(PLAN), Started(1.0))
        journal.heard(long, state, command)
        journal.heard(long, state, command)

    assert [r.message for r in caplog.records if "goes on without it" in r.message] != []
    assert len(caplog.records) == 1
    assert len(events(about().rollout, tmp_path)) == 3


def test_entries_wait_for_another_writer_and_none_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(about(), tmp_path)
    walk(journal, ROLLED_BACK[:1])
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    state, command = advance(State(PLAN), ROLLED_BACK[0])

    with caplog.at_level(logging.WARNING):
        for event in ROLLED_BACK[1:3]:
            state, command = advance(state, event)
            journal.heard(event, state, command)
    assert len(events(about().rollout, tmp_path)) == 1
    other.execute("COMMIT")
    other.close()
    for event in ROLLED_BACK[3:]:
        state, command = advance(state, event)
        journal.heard(event, state, command)

    assert [one.seq for one in events(about().rollout, tmp_path)] == [1, 2, 3, 4, 5, 6]
    assert len(caplog.records) == 1


def test_two_rollouts_write_into_one_journal_at_once(tmp_path: Path) -> None:
    first, second = Journal(about("one"), tmp_path), Journal(about("two"), tmp_path)
    states = {"one": State(PLAN), "two": State(PLAN)}
    for event in ROLLED_BACK:
        for name, journal in (("one", first), ("two", second)):
            states[name], command = advance(states[name], event)
            journal.heard(event, states[name], command)

    assert {e.id for e in history(directory=tmp_path)} == {"one", "two"}
    assert len(events("one", tmp_path)) == len(events("two", tmp_path)) == len(ROLLED_BACK)


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "sys.path[:0] = sys.argv[2:]\n"
        "import test_journal as t\n"
        "t.walk(t.Journal(t.about(), Path(sys.argv[1])), t.ROLLED_BACK[:5])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent), str(root)],
        check=False,
        timeout=60,
    )

    assert ended.returncode == -9
    assert len(events(about().rollout, tmp_path)) == 5
    (entry,) = history(directory=tmp_path)
    assert entry.outcome == NOT_ENDED
    assert "returning, 0.5 % was proven last" in entry.reason


def test_processes_that_make_the_journal_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "sys.path[:0] = sys.argv[3:]\n"
        "import test_journal as t\n"
        "t.walk(t.Journal(t.about(sys.argv[2]), Path(sys.argv[1])), t.ROLLED_BACK)\n"
    )
    paths = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]
    place = tmp_path / "state"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(place), f"r{number}", *paths])
        for number in range(6)
    ]
    assert [process.wait(timeout=60) for process in started] == [0] * 6

    assert {entry.id for entry in history(directory=place)} == {f"r{n}" for n in range(6)}
    assert {len(events(f"r{n}", place)) for n in range(6)} == {len(ROLLED_BACK)}
    assert list(place.glob("journal.broken-*")) == []


def test_the_journal_costs_nothing_until_it_is_used() -> None:
    code = "import sys, canaryctl.listeners.journal; print('sqlite3' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=root,
    )
    assert ended.stdout.strip() == "False"
