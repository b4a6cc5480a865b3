"""The journal: a broken file, or rows of somebody else's making, are one clear message."""

# ruff: noqa: PT017  an error is one of two good ends, and held to what it promises

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from random import Random

from canaryctl.cli.history import headed, table, told
from canaryctl.core.errors import ConfigError
from canaryctl.listeners.journal_file import NAME
from canaryctl.listeners.journal_read import Entry, events, find, history, last
from canaryctl.listeners.replay_file import from_journal
from tests.fuzz import dice as a
from tests.fuzz.target import Target, showable
from tests.recorded import ID, configured, roll

_GATEWAY = "docker web"
_COLUMNS = (
    *(("rollouts", c) for c in ("service", "gateway", "release", "started_at", "owner", "plan")),
    *(("acts", c) for c in ("at", "kind", "service", "release", "owner", "payload")),
    *(("events", c) for c in ("at", "kind", "payload", "payload", "payload", "seq")),
)


@cache
def folder() -> Path:
    """A folder of this process, with a journal in it that is as it should be."""
    made = Path(tempfile.mkdtemp(prefix="canaryctl-fuzz-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def sound() -> bytes:
    """A journal with one short rollout and one act, in one file, free to be changed."""
    made = folder() / "made"
    roll(made, config=configured(observe="20s"))
    with closing(sqlite3.connect(made / NAME)) as db:
        for table_ in ("rollouts", "events", "acts"):
            for verb in ("update", "delete"):
                db.execute(f"DROP TRIGGER {table_}_{verb}")
        payload = json.dumps({"reason": "by hand", "weight": 5})
        act = (1.0, "weights set", "shop", _GATEWAY, "v1", "ann@box:1", payload)
        db.execute("INSERT INTO acts VALUES (1, ?, ?, ?, ?, ?, ?, ?)", act)
        db.commit()
        db.execute("PRAGMA journal_mode = DELETE")
    return (made / NAME).read_bytes()


def broken(dice: Random) -> None:
    """A file with wrong bytes in it."""
    bytes_ = bytearray(sound())
    for _ in range(dice.choice((1, 3, 30))):
        bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
    cut = len(bytes_) if dice.random() < 0.8 else dice.randrange(len(bytes_))
    (folder() / NAME).write_bytes(bytes_[:cut])
    _read(folder())


def rows(dice: Random) -> None:
    """A sound file with wrong rows in it."""
    path = folder() / NAME
    path.write_bytes(sound())
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for _ in range(dice.choice((1, 1, 3))):
            name, column = dice.choice(_COLUMNS)
            (count,) = db.execute(f"SELECT count(*) FROM {name}").fetchone()  # noqa: S608
            at = dice.randrange(count)
            here = f"SELECT rowid, {column} FROM {name} LIMIT 1 OFFSET {at}"  # noqa: S608
            row, old = db.execute(here).fetchone()
            change = f"UPDATE {name} SET {column} = ? WHERE rowid = ?"  # noqa: S608
            try:
                db.execute(change, (_value(dice, old), row))
            except (sqlite3.Error, OverflowError, UnicodeEncodeError):
                continue
    _read(folder())


def _value(dice: Random, old: object) -> object:
    if isinstance(old, str) and old.startswith("{") and dice.random() < 0.9:
        with suppress(ValueError):  # it may have been changed before
            return a.as_json(dice, a.mutated_json(dice, json.loads(old), 1))
    chosen = a.value(dice, 0)
    return chosen if dice.random() < 0.8 else a.text(dice).encode(errors="replace")


def _read(place: Path) -> None:
    """Read all there is, and say it as the terminal and a machine would be told."""
    entries: tuple[Entry, ...] = ()
    try:
        entries = history(directory=place)
        for line in table(entries):
            assert showable(line), line
        for one in entries:
            json.dumps(one.as_json())
    except ConfigError as error:
        assert showable(str(error))
    last(_GATEWAY, place)
    for name in (ID, "act-1"):
        try:
            entry = find(name, place)
            for line in headed(entry):
                assert showable(line), line
            for event in events(entry.id, place):
                json.dumps(event.payload)
                for line in told(event, entry):
                    assert showable(line), line
        except ConfigError as error:
            assert showable(str(error))
    try:
        from_journal(ID, place)
    except ConfigError as error:
        assert showable(str(error))


TARGETS = (
    Target("journal broken", broken, share=0.15),
    Target("journal rows", rows, share=0.3),
)
