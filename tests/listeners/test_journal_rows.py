"""Rows that somebody else wrote: one message, whatever they hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from canaryctl.core.errors import ConfigError
from canaryctl.listeners.journal_file import NAME
from canaryctl.listeners.journal_read import events, history, last
from canaryctl.listeners.replay_file import from_journal
from tests.recorded import ID, configured, roll

GATEWAY = "docker web"
DEEP = '{"a":' * 2_000 + "1" + "}" * 2_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("made")
    roll(folder, config=configured(observe="20s"))
    with closing(sqlite3.connect(folder / NAME)) as db:
        for table in ("rollouts", "events"):
            for verb in ("update", "delete"):
                db.execute(f"DROP TRIGGER {table}_{verb}")
        db.execute("PRAGMA journal_mode = DELETE")
    return (folder / NAME).read_bytes()


def changed(folder: Path, made: bytes, change: str, *values: object) -> Path:
    (folder / NAME).write_bytes(made)
    with closing(sqlite3.connect(folder / NAME)) as db, db:
        db.execute(change, values)
    return folder


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("UPDATE rollouts SET started_at = ?", "soon"),
        ("UPDATE rollouts SET started_at = ?", 1e300),
        ("UPDATE rollouts SET owner = ?", b"ann"),
        ("UPDATE rollouts SET plan = ?", '{"stages":[{"weight":"1","observe":2}]}'),
        ("UPDATE rollouts SET plan = ?", DEEP),
        ("UPDATE events SET payload = ?", "[]"),
        ("UPDATE events SET payload = ?", DEEP),
        ("UPDATE events SET payload = replace(payload, '\"said\":', ?)", '"sad":'),
        ("UPDATE events SET payload = replace(payload, '\"outcome\":', ?)", '"income":'),
        ("UPDATE events SET at = ?", float("inf")),
        ("UPDATE events SET payload = json_set(payload, '$.setup', ?)", ""),
    ],
)
def test_a_row_that_is_none_is_one_message(
    tmp_path: Path, made: bytes, change: str, value: object
) -> None:
    folder = changed(tmp_path, made, change, value)
    with pytest.raises(ConfigError, match="cannot be read: ") as caught:
        history(directory=folder)
    assert str(caught.value).isprintable()
    assert last(GATEWAY, folder) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"status":"', '"status":"x'),
        ('"gate":', '"gait":'),
        ('"value":', '"value":[],"x":'),
        ('"value":', '"value":1e999,"x":'),
        ('"findings":[', '"findings":[7,'),
        ('"weight":', '"height":'),
    ],
)
def test_a_finding_that_is_none_is_one_message(
    tmp_path: Path, made: bytes, before: str, after: str
) -> None:
    change = "UPDATE events SET payload = replace(payload, ?, ?) WHERE kind = 'judged'"
    folder = changed(tmp_path, made, change, before, after)
    with pytest.raises(ConfigError, match="cannot be read: "):
        events(ID, folder)


def test_a_finding_whose_beginning_is_lost_says_so(tmp_path: Path, made: bytes) -> None:
    """A new file begins with what changed, and what that was before is in the broken one."""
    change = "UPDATE events SET payload = json_set(payload, '$.event.findings', json(?))"
    only = '[{"gate":"p95","value":2}]'
    folder = changed(tmp_path, made, f"{change} WHERE kind = 'judged'", only)
    judged = [one for one in events(ID, folder) if one.kind == "judged"]
    for one in judged:
        (finding,) = one.payload["event"]["findings"]
        assert (finding["status"], finding["value"]) == ("no data", 2)
        assert finding["reason"] == "not on record: the journal was broken then"
    assert judged


def test_a_rollout_without_events_is_not_complete(tmp_path: Path, made: bytes) -> None:
    folder = changed(tmp_path, made, "DELETE FROM events")
    assert [entry.outcome for entry in history(directory=folder)] == ["not ended"]
    with pytest.raises(ConfigError, match="is not complete"):
        from_journal(ID, folder)


def test_a_sound_journal_is_read_as_before(tmp_path: Path, made: bytes) -> None:
    (tmp_path / NAME).write_bytes(made)
    (entry,) = history(directory=tmp_path)
    assert entry.outcome == "succeeded"
    assert entry.weights[-1] == 100
    assert len(events(ID, tmp_path)) == events(ID, tmp_path)[-1].seq > 5
