"""What is known of a promotion: a small file at the gateway, so that any machine can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from canaryctl.core.promotion import Phase

_LONGEST = 100_000
"""Characters; a longer file is no record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One promotion.

    Attributes:
        id: its own, and part of its line in the deployment log.
        rollout: the rollout that brought the canary to 100 %.
        release: what is promoted, such as v0.2.0.
        before: stable's release before; empty: not known.
        owner: ``user@machine`` of who began it.
        began: when, epoch seconds by that machine's clock.
        phase: where it stands.
        approvals: who has approved, by role.
    """

    id: str
    rollout: str
    release: str
    before: str
    owner: str
    began: float
    phase: Phase = Phase.WATCHING
    approvals: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Give the file's text."""
        return json.dumps({**asdict(self), "approvals": dict(self.approvals)}) + "\n"


def parse_record(text: str | None) -> Record | None:
    """Read a record back; None when there is none, or it is not one."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    try:
        found = Record(**{**said, "phase": Phase(str(said.get("phase")))})
    except (TypeError, ValueError):
        return None
    return found if _sound(found) else None


def _sound(found: Record) -> bool:
    words = (found.id, found.rollout, found.release, found.before, found.owner)
    if not all(isinstance(one, str) for one in words) or not found.id or not found.release:
        return False
    if isinstance(found.began, bool) or not isinstance(found.began, int | float):
        return False
    given = found.approvals
    return isinstance(given, dict) and all(
        isinstance(one, str) for pair in given.items() for one in pair
    )
