"""A recorded rollout: what it was judged by, what it saw, and what it made of that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from canaryctl.core.analysis import Judgement
from canaryctl.core.events import Event
from canaryctl.core.gate import Gate
from canaryctl.core.outcome import Cause
from canaryctl.core.plan import Plan
from canaryctl.core.sequential.course import Move
from canaryctl.core.state import Phase
from canaryctl.core.verdict import Ruling


class UnreadableRecording(ValueError):
    """A recording says something that cannot be, or not then; the message says where."""


@dataclass(frozen=True, slots=True)
class Setup:
    """All that a verdict depends on, besides what is seen. No secret is part of it."""

    plan: Plan
    gates: tuple[Gate, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Said:
    """What the recorded rollout made of one event.

    Attributes:
        phase: where it stood afterwards.
        stage: from 0; -1 before the first.
        ruling: what the gates came to; None for an event that is no evaluation.
        reason: the verdict's.
        move: what the evidence asked for; None where there was none.
        cause: why the rollout ends, from the moment it turned back.
        why: the same as a sentence.
        quality: log e-value from errors and latency; None where unknown or not finite.
        traffic: the same from NGINX's counts and restarts.
        accepted: whether what somebody asked was done; None for any other event.
    """

    phase: Phase
    stage: int
    ruling: Ruling | None = None
    reason: str = ""
    move: Move | None = None
    cause: Cause | None = None
    why: str = ""
    quality: float | None = None
    traffic: float | None = None
    accepted: bool | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """One recorded event.

    Attributes:
        line: where it stands: a file's line, or the event's number in the journal, from 1.
        event: what happened. An evaluation may have an observation, findings, or both.
        said: what was made of it; None where that was not recorded.
    """

    line: int
    event: Event
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One rollout, or traffic that could have been one's.

    Attributes:
        name: the rollout's id, or the file's name.
        setup: None where it was not recorded.
        moments: in order.
        about: whatever else is known of it: service, release, owner.
    """

    name: str
    setup: Setup | None
    moments: tuple[Moment, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_verdicts(self) -> bool:
        """Whether anything in it can be compared."""
        return any(moment.said is not None for moment in self.moments)
