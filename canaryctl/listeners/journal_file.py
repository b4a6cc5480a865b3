"""The journal's file: where it is, what is in it, and what happens when it is broken.

SQLite in WAL mode, so that readers and other rollouts' writers do not wait for each other.
``synchronous=NORMAL``: what was written survives the death of the process at any moment, and
no write waits for the disk, which a rollback could not afford; a power cut may take the last
moments. Triggers refuse changes and deletions: what was written stays.

Only its owner may read it, and what is secret in the configuration is masked before it is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from canaryctl.core.redaction import SECRETS

if TYPE_CHECKING:
    import sqlite3

STATE_DIR = "CANARYCTL_STATE_DIR"
NAME = "journal.db"
VERSION = 1
BUSY = 0.25
"""Seconds a write waits for another process' write; entries are kept and written later."""
_COMPANIONS = ("", "-wal", "-shm")
# sqlite.org/rescode.html; written out so that asking about an error does not import sqlite3.
_ERROR, _BUSY, _LOCKED, _CORRUPT, _NOTADB = 1, 5, 6, 11, 26
_MOST_BROKEN = 1000

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rollouts (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    gateway TEXT NOT NULL,
    release TEXT NOT NULL,
    started_at REAL NOT NULL,
    owner TEXT NOT NULL,
    config_hash TEXT NOT NULL,
    plan TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    rollout TEXT NOT NULL REFERENCES rollouts (id),
    seq INTEGER NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (rollout, seq)
);
CREATE TABLE IF NOT EXISTS acts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    service TEXT NOT NULL,
    gateway TEXT NOT NULL,
    release TEXT NOT NULL,
    owner TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS rollouts_by_time ON rollouts (started_at);
CREATE INDEX IF NOT EXISTS rollouts_by_gateway ON rollouts (gateway, started_at);
CREATE INDEX IF NOT EXISTS acts_by_gateway ON acts (gateway, at);
"""


class NewerJournalError(Exception):
    """The file was written by a later canaryctl, whose tables are not known here."""


def state_directory(environment: Mapping[str, str] | None = None) -> Path:
    """Give the directory of this user's state: ``$CANARYCTL_STATE_DIR``, else the system's."""
    given = (os.environ if environment is None else environment).get(STATE_DIR)
    if given:
        return Path(given).expanduser()
    from platformdirs import user_state_path  # noqa: PLC0415  only when there is a journal

    return user_state_path("canaryctl")


def open_to_write(directory: Path) -> sqlite3.Connection:
    """Open the journal, and make it where there is none.

    Raises:
        OSError, sqlite3.Error, NewerJournalError: it cannot be written.
    """
    import sqlite3  # noqa: PLC0415  10 ms that --help does not need

    path = directory / NAME
    _make(directory)
    # SQLite gives its companions (-wal, -shm) the mode of the file it finds.
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(opened, 0o600)
    finally:
        os.close(opened)
    for suffix in _COMPANIONS[1:]:
        with suppress(OSError):  # left by an older canaryctl, or not there
            Path(f"{path}{suffix}").chmod(0o600)
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def hidden(values: Sequence[object]) -> tuple[object, ...]:
    """Give a row's values without secrets; JSON keeps its keys."""
    return tuple(SECRETS.hide(one) if isinstance(one, str) else one for one in values)


def _make(directory: Path) -> None:
    """Make a directory and those it is in, each for its owner alone, whatever the umask is.

    A directory that exists is somebody's choice and keeps its mode.
    """
    if directory.is_dir():
        return
    if directory.parent != directory:
        _make(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise NewerJournalError(
            f"it has version {version}, and this canaryctl knows versions up to {VERSION}"
        )
    if version < VERSION:
        triggers = "".join(
            f"CREATE TRIGGER IF NOT EXISTS {table}_{verb.lower()} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;\n"
            for table in ("rollouts", "events", "acts")
            for verb in ("UPDATE", "DELETE")
        )
        connection.executescript(f"{_SCHEMA}{triggers}PRAGMA user_version = {VERSION};\nCOMMIT;")


def open_to_read(directory: Path) -> sqlite3.Connection | None:
    """Open the journal read-only; None when there is none yet.

    Raises:
        OSError, sqlite3.Error: it cannot be read.
    """
    import sqlite3  # noqa: PLC0415  10 ms that --help does not need

    path = directory / NAME
    if not path.exists():
        return None
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)


def inode(directory: Path) -> int | None:
    """Tell which file the journal is; None when there is none."""
    try:
        return (directory / NAME).stat().st_ino
    except OSError:
        return None


def move_aside(directory: Path, broken: int | None) -> Path | None:
    """Move a broken journal out of the way, to be looked at later.

    Args:
        directory: where it is.
        broken: its inode when it was found broken. Another process may have moved it since;
            what stands there now is then left alone.

    Returns:
        Where it is now; None when nothing was moved.
    """
    if broken is None or inode(directory) != broken:
        return None
    for number in range(1, _MOST_BROKEN):
        target = directory / f"journal.broken-{number}.db"
        if target.exists():
            continue
        for suffix in _COMPANIONS:
            source = directory / f"{NAME}{suffix}"
            if source.exists():
                source.rename(f"{target}{suffix}")
        return target
    return None


def is_busy(error: Exception) -> bool:
    """Tell whether only another process' write was in the way."""
    return _code(error) in (_BUSY, _LOCKED)


def is_broken(error: Exception) -> bool:
    """Tell whether the file itself is damaged, or no journal at all."""
    if _code(error) == _ERROR and "no such table" in str(error):
        return True
    return _code(error) in (_CORRUPT, _NOTADB)


def _code(error: Exception) -> int:
    # The low byte is the primary code; the rest tells variants of it apart.
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
