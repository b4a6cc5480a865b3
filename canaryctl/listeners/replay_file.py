"""Recordings as files, one JSON object a line, and from the journal. See docs/replay.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from canaryctl.core.errors import ConfigError
from canaryctl.core.recording import Moment, Recording, Setup, UnreadableRecording
from canaryctl.core.recording_events import line_json, moment
from canaryctl.core.recording_fields import mapping
from canaryctl.core.recording_setup import SETUP, setup, sources
from canaryctl.core.redaction import SECRETS
from canaryctl.listeners.journal_read import ACT, Entry, Recorded, events, find
from canaryctl.listeners.jsonable import compact
from canaryctl.listeners.line import clean

FORMAT = 1
_HEADER = ("recording", "rollout", *SETUP)
_ABOUT = "docs/replay.md describes such files"

Json = dict[str, Any]


def read(what: str, gates: Setup | None = None, directory: Path | None = None) -> Recording:
    """Read a file where there is one of this name, else the journal's rollout of this id.

    Args:
        what: a file's name, or an id's beginning.
        gates: what a file that names no gates is meant for, so that it may name a gate where
            it means what that gate counts.
        directory: the journal's; left out, the user's state directory.

    Raises:
        ConfigError: there is neither, or it cannot be read.
    """
    path = Path(what)
    if path.suffix or "/" in what or path.is_file():
        return from_file(path, gates)
    return from_journal(what, directory)


def from_journal(name: str, directory: Path | None = None) -> Recording:
    """Read a rollout from the journal.

    Raises:
        ConfigError: it is not there, is no rollout, or is not complete.
    """
    entry, recorded = _journal(name, directory)
    return _recording(entry.id, _numbered(entry, recorded), None)


def export(name: str, target: Path, directory: Path | None = None) -> int:
    """Write a rollout of the journal into a new file, and give its number of lines.

    Raises:
        ConfigError: it cannot be read, or the file cannot be written or is there already.
    """
    entry, recorded = _journal(name, directory)
    lines = [compact(line) for _, line in _numbered(entry, recorded)]
    try:
        # As the journal: for its owner alone, from the first byte on.
        opened = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.writelines(f"{SECRETS.hide(line)}\n" for line in lines)
    except FileExistsError:
        raise ConfigError(f"{target} is there already; name a new file") from None
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    return len(lines)


def from_file(path: Path, gates: Setup | None = None) -> Recording:
    """Read a recording from a file.

    Raises:
        ConfigError: it cannot be read; the message names the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return _recording(str(path), _parsed(path, file), gates)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no recording: not UTF-8", next_step=_ABOUT) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            said = f"{path}: line {number} is not JSON: {error}"
            raise ConfigError(said, next_step=_ABOUT) from error


def _journal(name: str, directory: Path | None) -> tuple[Entry, tuple[Recorded, ...]]:
    entry = find(name, directory)
    if entry.id.startswith(ACT):
        raise ConfigError(f"{entry.id} was done by hand ({entry.kind}): nothing was judged")
    recorded = events(entry.id, directory)
    if not recorded or [one.seq for one in recorded] != list(range(1, len(recorded) + 1)):
        first = recorded[0].seq if recorded else 0
        raise ConfigError(
            f"the record of {entry.id} is not complete: it begins with event {first}",
            next_step="the journal was broken then; the rest may be in a journal.broken-N.db",
        )
    return entry, recorded


def _numbered(entry: Entry, recorded: Iterable[Recorded]) -> Iterator[tuple[int, object]]:
    """Give the lines that a file of this rollout has; an event's number is its own."""
    kept = list(recorded)
    about = {
        key: one
        for key, one in entry.as_json().items()
        if key in ("id", "service", "release", "started_at", "outcome", "reason", "config_hash")
    }
    yield 0, {"recording": FORMAT, "rollout": about, **(kept[0].payload.get("setup") or {})}
    for one in kept:
        yield one.seq, line_json(one.kind, one.payload)


class _Reader:
    """Takes lines in, the header first where there is one."""

    def __init__(self, given: Setup | None) -> None:
        self.setup: Setup | None = None
        self.about: Json = {}
        self.moments: list[Moment] = []
        self._begun = False
        self._names = sources(given.gates) if given else {}

    def take(self, number: int, line: object) -> None:
        header = isinstance(line, dict) and "recording" in line
        if header and self._begun:
            raise UnreadableRecording("a recording has one header, which is its first line")
        self._begun = True
        if not header:
            self.moments.append(_ordered(self.moments, moment(number, line, self._names)))
            return
        found = _checked(line)
        self.about = found.get("rollout", {})
        if any(key in found for key in SETUP):
            self.setup = setup(found)
            self._names = sources(self.setup.gates)


def _recording(name: str, lines: Iterable[tuple[int, object]], given: Setup | None) -> Recording:
    reader = _Reader(given)
    number = 0
    try:
        for number, line in lines:
            reader.take(number, line)
    except (UnreadableRecording, KeyError, RecursionError) as error:
        # It quotes keys of the file, whose characters may be such as no terminal should see.
        why = clean(str(error))
        said = f"{name}: line {number}: {why}" if number else f"{name}: {why}"
        raise ConfigError(said, next_step=_ABOUT) from error
    if not reader.moments:
        raise ConfigError(f"{name} has no evaluation: there is nothing to replay")
    return Recording(name, reader.setup, tuple(reader.moments), reader.about)


def _checked(line: object) -> Json:
    header = mapping(line, "header", _HEADER)
    if header["recording"] != FORMAT:
        said = f"recording: this canaryctl reads format {FORMAT}, not {header['recording']!r}"
        raise UnreadableRecording(said)
    mapping(header.get("rollout", {}), "rollout")
    return header


def _ordered(before: list[Moment], one: Moment) -> Moment:
    # A recorded rollout has the clock's own order, which somebody may have set back.
    if before and one.said is None and one.event.at < before[-1].event.at:
        said = f"at: {one.event.at:f} comes before the line above it, {before[-1].event.at:f}"
        raise UnreadableRecording(said)
    return one
