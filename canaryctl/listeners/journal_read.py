"""Reading the journal: what was done, by whom, and why it ended as it did."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from canaryctl.core.errors import ConfigError
from canaryctl.core.gate import Status
from canaryctl.core.recording_events import filled
from canaryctl.listeners.journal_file import NAME, STATE_DIR, open_to_read, state_directory
from canaryctl.listeners.journal_rows import (
    finding,
    moment,
    number,
    parsed,
    payload,
    plan,
    whole,
    words,
)
from canaryctl.listeners.line import clean
from canaryctl.listeners.when import iso

if TYPE_CHECKING:
    import sqlite3

_log = logging.getLogger(__name__)

NOT_ENDED = "not ended"
"""The outcome of a rollout that runs, or whose process died before its end was written."""
ACT = "act-"
"""What the id of something done by hand begins with."""

_LOST = {"status": Status.NO_DATA.value, "reason": "not on record: the journal was broken then"}
"""Where a new file begins with what changed, and what it had been is in the broken one."""

T = TypeVar("T")
_COLUMNS = "id, service, gateway, release, started_at, owner, config_hash, plan"
_ACT_COLUMNS = "id, at, kind, service, gateway, release, owner, payload"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history: a rollout, or something done by hand.

    Attributes:
        id: the rollout's id, or ``act-7``.
        kind: ``rollout``, ``weights set`` or ``rollback``.
        service: what it was done to.
        gateway: the gateway's identity.
        release: the canary's; empty where none was named.
        owner: ``user@machine:pid``.
        started_at: epoch seconds.
        ended_at: epoch seconds of the last thing written.
        outcome: succeeded, rolled_back, aborted, unknown, ``not ended``; ``done`` for an act.
        reason: why, in a sentence.
        weights: the percentages that were proven at NGINX, in order.
        config_hash: SHA-256 of the effective configuration; empty for an act.
        plan: the stages and bounds; empty for an act.
    """

    id: str
    kind: str
    service: str
    gateway: str
    release: str
    owner: str
    started_at: float
    ended_at: float
    outcome: str
    reason: str
    weights: tuple[float, ...] = ()
    config_hash: str = ""
    plan: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give what ``--output json`` shows: times in ISO 8601, UTC."""
        return {
            "id": self.id,
            "kind": self.kind,
            "service": self.service,
            "gateway": self.gateway,
            "release": self.release,
            "owner": self.owner,
            "started_at": iso(self.started_at),
            "ended_at": iso(self.ended_at),
            "seconds": round(self.ended_at - self.started_at, 3),
            "outcome": self.outcome,
            "reason": self.reason,
            "weights": list(self.weights),
            "config_hash": self.config_hash,
            "plan": self.plan,
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as it was written down. ``at`` is in epoch seconds."""

    seq: int
    at: float
    kind: str
    payload: Mapping[str, Any]


def history(limit: int = 20, directory: Path | None = None) -> tuple[Entry, ...]:
    """Give the newest entries, the newest first.

    Raises:
        ConfigError: the journal cannot be read.
    """

    def ask(db: sqlite3.Connection) -> tuple[Entry, ...]:
        return _newest(db, "", (), limit)

    return asked(ask, directory) or ()


def last(gateway: str, directory: Path | None = None) -> dict[str, Any] | None:
    """Give the newest entry of one gateway as JSON; None when there is none, or no journal.

    Never raises: who asks for a gateway's state gets it, journal or not.
    """

    def ask(db: sqlite3.Connection) -> tuple[Entry, ...]:
        return _newest(db, "WHERE gateway = ?", (gateway,), 1)

    try:
        found = asked(ask, directory)
    except ConfigError as error:
        _log.warning("%s", error)
        return None
    return found[0].as_json() if found else None


def events(rollout: str, directory: Path | None = None) -> tuple[Recorded, ...]:
    """Give every event of a rollout, in order; nothing for an id that is not there.

    Raises:
        ConfigError: the journal cannot be read.
    """

    def ask(db: sqlite3.Connection) -> tuple[Recorded, ...]:
        rows = db.execute(
            "SELECT seq, at, kind, payload FROM events WHERE rollout = ? ORDER BY seq", (rollout,)
        )
        found = tuple(
            Recorded(whole(seq), moment(at), words([kind])[0], payload(text, kind))
            for seq, at, kind, text in rows
        )
        return tuple(_filled(found))

    return asked(ask, directory) or ()


def _filled(recorded: Iterable[Recorded]) -> Iterator[Recorded]:
    """Give what is not written down because it is as it was before, or as it is by default."""
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    for one in recorded:
        many = (one.payload.get("event") or {}).get("findings") or []
        for index, written in enumerate(many):
            name = written["gate"], written.get("part", "")
            before = shown.get(name) or filled(_LOST)
            many[index] = shown[name] = finding(filled(written, before))
        yield one


def find(name: str, directory: Path | None = None) -> Entry:
    """Give the entry with this id, or whose id alone begins so.

    Raises:
        ConfigError: none, several, or the journal cannot be read.
    """

    def ask(db: sqlite3.Connection) -> tuple[Entry, ...]:
        if name.startswith(ACT):
            number = name.removeprefix(ACT)
            where = f"SELECT {_ACT_COLUMNS} FROM acts WHERE id = ?"  # noqa: S608  constants
            return tuple(_act(row) for row in db.execute(where, (number,)))
        where = f"SELECT {_COLUMNS} FROM rollouts WHERE substr(id, 1, ?) = ? ORDER BY id"  # noqa: S608
        rows = db.execute(where, (len(name), name)).fetchall()
        exact = [row for row in rows if row[0] == name]
        return tuple(_rollout(db, row) for row in exact or rows)

    found = asked(ask, directory) or ()
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigError(
            f"the journal has no {name!r}", next_step="`canaryctl history` lists what it has"
        )
    ids = ", ".join(entry.id for entry in found[:5])
    raise ConfigError(f"{len(found)} rollouts begin with {name!r}: {ids}")


def _newest(
    db: sqlite3.Connection, where: str, values: tuple[object, ...], limit: int
) -> tuple[Entry, ...]:
    rollouts = f"SELECT {_COLUMNS} FROM rollouts {where} ORDER BY started_at DESC, id DESC LIMIT ?"  # noqa: S608
    acts = f"SELECT {_ACT_COLUMNS} FROM acts {where} ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608
    found = [_rollout(db, row) for row in db.execute(rollouts, (*values, limit)).fetchall()]
    found += [_act(row) for row in db.execute(acts, (*values, limit))]
    return tuple(sorted(found, key=lambda entry: entry.started_at, reverse=True)[:limit])


def _rollout(db: sqlite3.Connection, row: tuple[Any, ...]) -> Entry:
    *named, started_at, owner, config_hash, written = row
    name, service, gateway, release, owner, config_hash = words([*named, owner, config_hash])
    ended = db.execute(
        "SELECT at, payload FROM events WHERE rollout = ? ORDER BY seq DESC LIMIT 1", (name,)
    ).fetchone()
    moved = db.execute(
        "SELECT payload FROM events WHERE rollout = ? AND kind IN ('weight_proven', 'overtaken')"
        " ORDER BY seq",
        (name,),
    )
    weights = [number(payload(text)["event"]["weight"]) for (text,) in moved]
    at, last_of_it = (ended[0], payload(ended[1])) if ended else (started_at, {})
    over = last_of_it.get("ending") if last_of_it.get("phase") == "ended" else None
    return Entry(
        id=name,
        kind="rollout",
        service=service,
        gateway=gateway,
        release=release,
        owner=owner,
        started_at=moment(started_at),
        ended_at=moment(at),
        outcome=over["outcome"] if over else NOT_ENDED,
        reason=f"{over['cause']}: {over['reason']}" if over else _standing(last_of_it),
        weights=tuple(weight for weight in weights if weight is not None),
        config_hash=config_hash,
        plan=plan(written),
    )


def _standing(payload: Mapping[str, Any]) -> str:
    phase, weight = payload.get("phase", "begun"), payload.get("weight")
    at = "no weight was proven" if weight is None else f"{weight} % was proven last"
    return f"it runs, or its process was ended: {phase}, {at}"


def _act(row: tuple[Any, ...]) -> Entry:
    numbered, at, *named, text = row
    kind, service, gateway, release, owner = words(named)
    done = parsed(text)
    (reason,) = words([done.get("reason")])
    weight = number(done.get("weight"))
    return Entry(
        id=f"{ACT}{numbered}",
        kind=kind,
        service=service,
        gateway=gateway,
        release=release,
        owner=owner,
        started_at=moment(at),
        ended_at=moment(at),
        outcome="done",
        reason=reason,
        weights=() if weight is None else (weight,),
    )


def asked(ask: Callable[[sqlite3.Connection], T], directory: Path | None) -> T | None:
    """Answer a question about the journal; None when there is none yet."""
    place = state_directory() if directory is None else directory
    with _readable(place):
        connection = open_to_read(place)
        if connection is None:
            return None
        with closing(connection):
            return ask(connection)


@contextmanager
def _readable(place: Path) -> Iterator[None]:
    import sqlite3  # noqa: PLC0415  10 ms that --help does not need

    try:
        yield
    except (OSError, sqlite3.Error, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"the journal {place / NAME} cannot be read: {clean(str(error))}",
            next_step=(
                "the next rollout puts a broken journal aside and begins a new one; "
                f"${STATE_DIR} names another directory"
            ),
        ) from error
