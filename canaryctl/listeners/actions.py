"""A rollout as a job of GitHub Actions shows it: annotations, and the job's summary."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from canaryctl.core.commands import Command
from canaryctl.core.events import Event, Judged, TrafficUnproven
from canaryctl.core.gate import Severity, Status
from canaryctl.core.outcome import Cause, Ending, Outcome
from canaryctl.core.redaction import SECRETS
from canaryctl.core.state import State
from canaryctl.listeners.outlet import Outlet
from canaryctl.listeners.words import Banner, shares
from canaryctl.listeners.workflow_command import Level, annotation

_log = logging.getLogger(__name__)

LARGEST = 1_000_000
"""Bytes of a summary; of more than 1 MiB the forge shows nothing."""
_ASKED_FOR = (Cause.INTERRUPTED, Cause.SUPERSEDED, Cause.ABORTED)
_MOST = 5
"""Warnings on the way; a step shows ten."""


@dataclass(slots=True)
class ActionsListener:
    """Annotates what matters, and writes the job's summary at the end. Never raises.

    Attributes:
        banner: what is rolled out.
        stream: the log, where annotations go; JSON's own stream is none.
        summary: the file that the runner shows; None: there is none.
        written: gives the summary once the rollout has ended.
    """

    banner: Banner
    stream: TextIO
    summary: Path | None
    written: Callable[[], str]
    _out: Outlet = field(init=False)
    _warned: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._out = Outlet(self.stream)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Say what a reader of the pull request or the run has to see."""
        try:
            self._heard(event, state, command)
        except Exception:  # noqa: BLE001  a listener never changes an outcome
            _log.warning("no annotation or summary for this job", exc_info=True)

    def ticked(self, state: State, now: float) -> None:
        """Time alone is not worth an annotation."""

    def close(self) -> None:
        """Nothing is held open."""

    def _heard(self, event: Event, state: State, command: Command | None) -> None:
        if isinstance(event, TrafficUnproven):
            said = f"{shares(event.weight)}: {event.reason}"
            self._warn("weights not proven", said, "unproven")
        if isinstance(event, Judged):
            for one in event.findings:
                if one.status is Status.FAIL and one.severity is Severity.WARN:
                    self._warn(f"{one.name} warns", f"{one.name}: {one.reason}", one.name)
        if command is None and state.ending is not None:
            self._ended(state.ending)

    def _warn(self, what: str, said: str, key: str) -> None:
        if key in self._warned or len(self._warned) >= _MOST:
            return
        self._warned.add(key)
        self._say(Level.WARNING, what, said)

    def _ended(self, ending: Ending) -> None:
        outcome = ending.outcome.value.replace("_", " ")
        said = f"{ending.cause}: {ending.reason} (exit code {ending.exit_code})"
        self._say(_level(ending), outcome, said)
        if self.summary is not None:
            write_summary(self.summary, self._text(outcome, said))

    def _text(self, outcome: str, said: str) -> str:
        """Give the report; where there is no journal, what is known without one."""
        try:
            return self.written()
        except Exception:  # noqa: BLE001  a full disk has no journal, and the job still has an end
            _log.debug("no report", exc_info=True)
            name = f"{self.banner.service} {self.banner.release}"
            # Indented by four: code, in which nothing acts.
            return f"## Rollout\n\n    {name}: {outcome}\n    {said}\n"

    def _say(self, level: Level, what: str, said: str) -> None:
        title = f"Rollout of {self.banner.service} {self.banner.release}: {what}"
        self._out.write(annotation(level, title, said))


def write_summary(file: Path, text: str) -> None:
    """Add Markdown to the summary of this job.

    Raises:
        OSError: it cannot be written.
    """
    data = SECRETS.hide(text).encode("utf-8", "backslashreplace")
    if len(data) > LARGEST:
        data = b"The report is too large for a job's summary: `canaryctl report` writes it.\n"
    with file.open("ab") as summary:
        summary.write(data.rstrip(b"\n") + b"\n\n")


def _level(ending: Ending) -> Level:
    if ending.outcome is Outcome.SUCCEEDED:
        return Level.NOTICE
    return Level.WARNING if ending.cause in _ASKED_FOR else Level.ERROR
