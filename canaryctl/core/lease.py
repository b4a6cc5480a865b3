"""Who holds a gateway, and until when: a small file beside NGINX's own.

Whoever can reach that NGINX sees it, from any machine. It is stamped by the gateway's machine
with that machine's own moment, so no other clock matters, and a clock that jumps means nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from canaryctl.core.moment import Moment, parse_moment

_LONGEST = 100_000
"""Characters; a longer file is not a lease."""
_MOST_LENGTH = 86_400.0
"""Seconds; nobody waits a day for a dead rollout."""


class OnAbandon(StrEnum):
    """What a guard does once nobody leads a rollout any more."""

    ROLLBACK = "rollback"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Lease:
    """One rollout's hold on a gateway.

    Attributes:
        rollout: its id.
        owner: ``user@machine:pid`` of who leads it.
        release: the version being rolled out.
        length: seconds for which it counts from its stamp on.
        beat: how often it was renewed.
        doing: what the rollout does, in words.
        stage: the stage shifted to or observed, from 0; -1 before the first.
        weight: the canary's, in per cent, as last proven.
        on_abandon: what a guard does when it has run out.
        promoting: it is a promotion's; another run of it goes on.
    """

    rollout: str
    owner: str
    release: str
    length: float
    beat: int = 0
    doing: str = ""
    stage: int = -1
    weight: str = "0"
    on_abandon: OnAbandon = OnAbandon.ROLLBACK
    promoting: bool = False

    def text(self) -> str:
        """Give the line that stands in the file, in front of the stamp.

        A rollout's is what it was before there were promotions: an older guard reads it.
        """
        said = asdict(self)
        if not self.promoting:
            del said["promoting"]
        return json.dumps(said, ensure_ascii=True) + "\n"


@dataclass(frozen=True, slots=True)
class Stamped:
    """A lease as it was found.

    Attributes:
        lease: what it says.
        at: when it was written, as the gateway's machine tells.
    """

    lease: Lease
    at: Moment

    def left(self, now: Moment) -> float:
        """Give the seconds until it runs out; 0 or less: it has. A restart ends every lease."""
        age = now.since(self.at)
        return 0.0 if age is None else self.lease.length - age


def parse_lease(text: str | None) -> Stamped | None:
    """Read a lease back; None when there is none, or it is not one."""
    if text is None or len(text) > _LONGEST:
        return None
    line, _, stamp = text.partition("\n")
    at = parse_moment(stamp)
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if at is None or not isinstance(said, dict):
        return None
    try:
        lease = Lease(**{**said, "on_abandon": OnAbandon(str(said.get("on_abandon")))})
    except (TypeError, ValueError):
        return None
    return Stamped(lease, at) if all(map(_sound, *_typed(lease))) else None


def _typed(lease: Lease) -> tuple[list[Any], list[str]]:
    named = [(getattr(lease, one.name), str(one.type)) for one in fields(lease)]
    return [value for value, _ in named], [kind for _, kind in named]


def _sound(value: object, kind: str) -> bool:
    match kind:
        case "str":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "float":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return 0 < value <= _MOST_LENGTH
    return True
