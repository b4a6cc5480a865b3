"""The journal: every event of every rollout, kept for whoever asks later.

A listener is told of an event together with the command that is about to be carried out, so
what is meant is on record before it is done. Whatever is wrong with the journal, the rollout
goes on: it is said once, in the log.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from canaryctl.core.commands import Command
from canaryctl.core.events import Controlled, Event, Judged, Started
from canaryctl.core.gate import Finding
from canaryctl.core.recording import Setup
from canaryctl.core.recording_events import changes, event_json, filled, finding_json
from canaryctl.core.recording_setup import plan_json, setup_json
from canaryctl.core.state import State
from canaryctl.core.verdict import Verdict
from canaryctl.listeners.journal_read import events, history, last
from canaryctl.listeners.journal_writer import Writer
from canaryctl.listeners.jsonable import compact, jsonable, kind_of, percent
from canaryctl.listeners.words import sentences
from canaryctl.ports import Clock, Mark, Proof

__all__ = ["About", "Journal", "Subject", "events", "history", "last"]

_log = logging.getLogger(__name__)

_ROLLOUT = "INSERT OR IGNORE INTO rollouts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?)"
_ACT = (
    "INSERT INTO acts (at, kind, service, gateway, release, owner, payload)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


class Configured(Protocol):
    """The part of the configuration that the journal names."""

    @property
    def service(self) -> str:
        """What is rolled out."""
        ...

    def model_dump_json(self) -> str:
        """The configuration as text, its secrets masked; only its hash is kept."""
        ...


class Subject(Protocol):
    """What is being changed: a configuration brought to life."""

    @property
    def config(self) -> Configured:
        """The configuration in use."""
        ...

    @property
    def gateway(self) -> str:
        """The gateway's identity, the same from one run to the next."""
        ...

    @property
    def clock(self) -> Clock:
        """Tells the time of an act."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What a rollout's entries have in common.

    Attributes:
        rollout: its id.
        service: what is rolled out.
        gateway: the gateway's identity.
        release: the canary's, such as v0.2.0.
        owner: ``user@machine:pid``.
        config_hash: SHA-256 of the effective configuration, in hexadecimal.
    """

    rollout: str
    service: str
    gateway: str
    release: str
    owner: str
    config_hash: str


class Journal:
    """A listener that writes everything down. None of its methods raises."""

    def __init__(
        self, about: About, directory: Path | None = None, setup: Setup | None = None
    ) -> None:
        """Begin a rollout's entries.

        Args:
            about: what they have in common.
            directory: where the journal is; left out, the user's state directory.
            setup: by what is judged; without it the rollout cannot be replayed as it was.
        """
        self._about = about
        self._setup = setup
        self._shown: dict[str, dict[str, Any]] = {}
        self._file_number = 0
        self._seq = 0
        self._began: float | None = None
        self._before: State | None = None
        self._file = Writer(directory)

    @classmethod
    def opened(
        cls,
        subject: Subject,
        mark: Mark,
        directory: Path | None = None,
        setup: Setup | None = None,
    ) -> Journal:
        """Give the journal of one rollout. Nothing is opened before the first event."""
        about = About(
            rollout=mark.rollout,
            service=subject.config.service,
            gateway=subject.gateway,
            release=mark.release,
            owner=mark.owner,
            config_hash=_hash(subject.config),
        )
        return cls(about, directory, setup)

    @staticmethod
    def record_act(
        subject: Subject, kind: str, mark: Mark, proof: Proof, directory: Path | None = None
    ) -> None:
        """Write down what somebody did by hand.

        Args:
            subject: where it was done.
            kind: what was done: ``weights set`` or ``rollback``.
            mark: who, why, and for which release.
            proof: what came of it.
            directory: where the journal is; left out, the user's state directory.
        """
        Journal.record_deed(subject, kind, mark, jsonable(proof), directory)

    @staticmethod
    def record_deed(
        subject: Subject,
        kind: str,
        mark: Mark,
        facts: Mapping[str, Any],
        directory: Path | None = None,
    ) -> None:
        """Write down what was done around a rollout, such as a deployment.

        Args:
            subject: where it was done.
            kind: what was done.
            mark: who, what came of it, and for which release.
            facts: more of it; nothing secret, and a ``weight`` only where it was proven.
            directory: where the journal is; left out, the user's state directory.
        """
        file = Writer(directory)
        try:
            row = (
                subject.clock.now(),
                kind,
                subject.config.service,
                subject.gateway,
                mark.release,
                mark.owner,
                compact({"reason": mark.reason, **facts}),
            )
            file.write([(_ACT, row)])
        except Exception:  # noqa: BLE001  it is done and proven, on record or not
            _log.warning("%r is not in the journal", kind, exc_info=True)
        finally:
            file.close()

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Write an event down, with what it led to and what is about to be done."""
        try:
            said = _said(event, state, command, self._before)
            self._began = event.at if self._began is None else self._began
            self._before = state
            self._seq += 1
            written = event_json(event, self._finding) or jsonable(event)
            payload = compact(_payload(event, state, command, said, written) | self._by_what(event))
            row = (self._about.rollout, self._seq, event.at, kind_of(event), payload)
            # The rollout's own line comes with each event: a new file may have begun meanwhile.
            self._file.write([(_ROLLOUT, self._line(state, self._began)), (_EVENT, row)])
        except Exception:  # noqa: BLE001  a listener never changes an outcome
            self._file.give_up("an event could not be written down", exc_info=True)
        if command is None:
            self.close()

    def _by_what(self, event: Event) -> dict[str, Any]:
        """Give the plan, gates and judgement beside the first event."""
        if self._setup is None or not isinstance(event, Started):
            return {}
        return {"setup": setup_json(self._setup)}

    def _finding(self, one: Finding) -> dict[str, Any]:
        """Write a finding: what is not as it was at the evaluation before."""
        if self._file.number != self._file_number:
            self._file_number = self._file.number
            self._shown.clear()
        written = finding_json(one)
        now, before = filled(written), self._shown.get(one.name)
        self._shown[one.name] = now
        return written if before is None else changes(now, before)

    def _line(self, state: State, began: float) -> tuple[object, ...]:
        about = self._about
        return (
            about.rollout,
            about.service,
            about.gateway,
            about.release,
            began,
            about.owner,
            about.config_hash,
            compact(plan_json(state.plan)),
        )

    def ticked(self, state: State, now: float) -> None:
        """Nothing: only events are kept."""

    def close(self) -> None:
        """Close the file. Calling it twice is fine."""
        self._file.close()


def _said(event: Event, state: State, command: Command | None, before: State | None) -> list[str]:
    """Give the sentences that the terminal shows as well."""
    try:
        return [line.text for line in sentences(event, state, command, before)]
    except Exception:  # noqa: BLE001  the facts are kept even when nothing can be said about them
        _log.debug("no words for %s", kind_of(event), exc_info=True)
        return []


def _hash(config: Configured) -> str:
    try:
        text = config.model_dump_json()
    except Exception:  # noqa: BLE001  a hash is for comparing, not worth a rollout
        _log.debug("no hash of the configuration", exc_info=True)
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


def _payload(
    event: Event, state: State, command: Command | None, said: Sequence[str], written: object
) -> dict[str, Any]:
    ending = state.ending
    return {
        "event": written,
        "said": said,
        "phase": state.phase,
        "stage": state.index,
        "weight": None if state.weight is None else percent(state.weight),
        "generation": state.generation,
        "verdict": _verdict(state.records[-1].verdict) if isinstance(event, Judged) else None,
        "answer": jsonable(state.answer) if isinstance(event, Controlled) else None,
        "command": None if command is None else {"kind": kind_of(command), **jsonable(command)},
        "ending": None
        if ending is None
        else {**jsonable(ending), "outcome": ending.outcome, "exit_code": ending.exit_code},
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    """Write a verdict; the finding that decides stands among the findings."""
    if verdict is None:
        return None
    deciding = None if verdict.deciding is None else verdict.deciding.name
    return {
        "ruling": verdict.ruling,
        "reason": verdict.reason,
        "streaks": verdict.streaks,
        "deciding": deciding,
    }
