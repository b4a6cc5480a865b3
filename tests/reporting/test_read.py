"""What a report knows: read from journals that rollouts have really written."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest

from canaryctl.core.control import Verb
from canaryctl.core.errors import ConfigError
from canaryctl.core.series import Version
from canaryctl.listeners.journal_file import NAME
from canaryctl.reporting import words
from canaryctl.reporting.markdown import markdown
from canaryctl.reporting.page import Made, page
from canaryctl.reporting.read import report_of
from tests.recorded import BEGIN, ID, Service, roll

MADE = Made("canaryctl test", 0.0)


def broken(version: Version, at: float) -> float:
    return 0.05 if version is Version.CANARY and at > BEGIN + 150 else 0.001


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("good")
    roll(place, asked=[(20, Verb.PAUSE, ""), (40, Verb.CONTINUE, ""), (50, Verb.APPROVE, "ops")])
    return place


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bad")
    roll(place, Service(errors=broken))
    return place


def changed(source: Path, target: Path, *statements: str) -> Path:
    """Copy a journal without its triggers, and do something to it."""
    target.mkdir(exist_ok=True)
    before = sqlite3.connect(source / NAME)
    after = sqlite3.connect(target / NAME)
    before.backup(after)
    triggers = after.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for statement in (*(f"DROP TRIGGER {name}" for (name,) in triggers), *statements):
        after.execute(statement)
    after.commit()
    before.close()
    after.close()
    return target


def both(place: Path) -> str:
    """Write both forms: what is on record can be written."""
    found = report_of(ID, place)
    return page(found, MADE) + markdown(found)


def test_a_rollout_that_succeeded(good: Path) -> None:
    found = report_of(None, good)

    assert (found.id, found.outcome, found.exit_code) == (ID, "succeeded", 0)
    assert (found.weight, found.stage, found.deciding, found.lacks) == (100.0, 4, None, ())
    assert [(one.number, one.weight, one.result) for one in found.stages] == [
        (1, 1.0, "passed"),
        (2, 5.0, "passed"),
        (3, 25.0, "passed"),
        (4, 100.0, "passed"),
    ]
    assert [one.weight for one in found.steps] == [0.0, 1.0, 5.0, 25.0, 100.0]
    assert found.judged == "every 5 s, by evidence, with a risk of 1 %"
    assert [(one.verb, one.who, one.accepted) for one in found.asked] == [
        ("pause", "bob@desk", True),
        ("continue", "bob@desk", True),
        ("approve", "bob@desk", False),
    ]
    assert [(one.name, one.passed) for one in found.checks] == [("all", True)]
    closest = words.closest(found)
    assert closest is not None
    assert closest.comparator == "≤"
    assert ("Limit", words.limit(closest)) in words.figures(closest)
    evaluations = sum(one.evaluations for one in found.stages)
    assert {len(one.points) for one in found.gates} == {evaluations}


def test_a_rollout_that_was_thrown_back(bad: Path) -> None:
    found = report_of("2025", bad)

    assert (found.outcome, found.exit_code, found.weight) == ("rolled_back", 1, 0.0)
    assert found.deciding is not None
    assert found.deciding.name == "error rate"
    assert found.deciding.last.value is not None
    assert found.deciding.last.limit == 0.005
    assert found.deciding.last.value > 0.005
    assert words.figures(found.deciding)
    assert [one.result for one in found.stages] == ["passed", "gate failed", *["not reached"] * 2]
    last = next(one for one in found.decisions if one.tone == "bad")
    assert last.found.startswith("error rate: ")
    assert last.queries == ('http_requests_total{status=~"5.."}', "http_requests_total")
    assert (last.stage, last.weight) == (2, 5.0)
    assert found.zero[0].startswith("0 % was proven 0.2 s after")
    assert "Time to zero" in found.zero[1]


def test_evaluations_that_say_the_same_are_counted(good: Path) -> None:
    found = report_of(None, good)
    verdicts = [one for one in found.decisions if one.what == "verdict"]
    assert sum(one.times for one in verdicts) == sum(one.evaluations for one in found.stages)
    assert len(verdicts) < 20


def test_what_was_asked_for_by_hand_is_no_rollout(good: Path, tmp_path: Path) -> None:
    act = "INSERT INTO acts VALUES (1, 9e9, 'rollback', 's', 'g', '', 'o', '{\"reason\": \"\"}')"
    place = changed(good, tmp_path / "acts", act)
    assert report_of(None, place).id == ID
    with pytest.raises(ConfigError, match="done by hand"):
        report_of("act-1", place)


def test_no_rollout_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no rollout is on record"):
        report_of(None, tmp_path)
    with pytest.raises(ConfigError, match="the journal has no 'x'"):
        report_of("x", tmp_path)


@pytest.mark.parametrize(
    ("statement", "lack"),
    [
        ("DELETE FROM events", "No event of this rollout is on record"),
        ("DELETE FROM events WHERE seq < 9", "The record begins with event 9"),
        ("DELETE FROM events WHERE seq = 9", "Events are missing at 1 place"),
        ("DELETE FROM events WHERE seq > 20", "had not ended"),
        ("DELETE FROM events WHERE seq > 2", "No gate was evaluated"),
        ("UPDATE rollouts SET config_hash = ''", "configuration's hash is not on record"),
        (
            "UPDATE events SET payload = json_remove(payload, '$.setup') WHERE seq = 1",
            "By which rules the gates were judged is not on record",
        ),
    ],
)
def test_what_the_record_lacks_is_said(
    bad: Path, tmp_path: Path, statement: str, lack: str
) -> None:
    place = changed(bad, tmp_path / "cut", statement)
    found = report_of(ID, place)
    assert any(lack in one for one in found.lacks)
    assert lack.replace("'", "&#39;") in both(place)


def test_any_cut_of_a_record_can_be_written(bad: Path, tmp_path: Path) -> None:
    last = report_of(ID, bad).decisions
    assert last
    for number, statement in enumerate(
        f"DELETE FROM events WHERE seq {cut}"  # noqa: S608  constants
        for seq in (1, 2, 3, 5, 30)
        for cut in (f"< {seq}", f"> {seq}")
    ):
        assert both(changed(bad, tmp_path / str(number), statement))


@pytest.mark.parametrize(
    "payload",
    [
        {"event": {"findings": [{"gate": "x", "status": "pass", "reason": "", "scale": [1]}]}},
        {"event": {"findings": [{"gate": "x", "status": "pass", "reason": "", "stable": "a"}]}},
        {"event": {"checks": [1, {"name": 7}], "weight": "much", "drained": 3}},
        {"event": {}, "command": "none", "verdict": {"ruling": 7, "deciding": 8}},
        {"event": {}, "setup": {"plan": 3, "judgement": [], "gates": {}}},
    ],
)
def test_a_record_of_anybody_is_read_or_refused(
    bad: Path, tmp_path: Path, payload: dict[str, object]
) -> None:
    whole = {"said": [], "phase": "observing", "stage": 0, "weight": 1, **payload}
    for kind in ("judged", "preflight_ended", "weight_proven", "drain_ended", "controlled"):
        place = changed(bad, tmp_path / kind)
        with sqlite3.connect(place / NAME) as journal:
            journal.execute(
                "UPDATE events SET kind = ?, payload = ? WHERE seq = 6", (kind, json.dumps(whole))
            )
        journal.close()
        with contextlib.suppress(ConfigError):  # one message; anything else is a failure
            assert both(place)
