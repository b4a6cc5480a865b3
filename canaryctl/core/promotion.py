"""Promotion as two small tables without I/O: where it stands, and what is done next.

The canary has all traffic. Behind it stable is replaced by the same version, proven, and given the
traffic back; then the canary goes. Nothing of it is remembered by a process: where a promotion
stands is read from a record at the gateway and from the world, by whoever runs it next.

::

    watching ──approved──▶ replacing ──proven──▶ returning ──returned──▶ clearing ──cleared──▶ over
                               ▲                     │
                               └───────failed────────┘
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """Where a promotion stands.

    WATCHING: stable still is the version of before. REPLACING: stable may be down, or be anything:
    no traffic may go to it. RETURNING: stable is the new version, proven; traffic goes back to it.
    CLEARING: stable has all traffic; the canary goes, and the log gets its line.
    """

    WATCHING = "watching"
    REPLACING = "replacing"
    RETURNING = "returning"
    CLEARING = "clearing"

    @property
    def stable_can_serve(self) -> bool:
        """Whether traffic may be sent to stable."""
        return self is not Phase.REPLACING


class Came(StrEnum):
    """What a phase came to."""

    APPROVED = "approved"
    PROVEN = "proven"
    FAILED = "failed"
    RETURNED = "returned"
    CLEARED = "cleared"


ON: dict[tuple[Phase, Came], Phase | None] = {
    (Phase.WATCHING, Came.APPROVED): Phase.REPLACING,
    (Phase.REPLACING, Came.PROVEN): Phase.RETURNING,
    (Phase.RETURNING, Came.FAILED): Phase.REPLACING,
    (Phase.RETURNING, Came.RETURNED): Phase.CLEARING,
    (Phase.CLEARING, Came.CLEARED): None,
}
"""Every pair that can happen; None: it is over."""


class IllegalStep(Exception):
    """A phase cannot come to that: a defect of canaryctl, not of the world."""


def after(phase: Phase, came: Came) -> Phase | None:
    """Give the phase that follows; None: the promotion is over.

    Raises:
        IllegalStep: the phase cannot come to that.
    """
    if (phase, came) not in ON:
        raise IllegalStep(f"{phase} cannot come to {came}")
    return ON[phase, came]


class Traffic(StrEnum):
    """Who has the traffic, as NGINX answers.

    CANARY: the canary has all of it, at the release that is promoted. SPLIT: it has a part, and
    this promotion says so. STABLE: the canary has none. OTHER: anything else, such as another
    release's rollout, or weights set by hand.
    """

    CANARY = "canary"
    SPLIT = "split"
    STABLE = "stable"
    OTHER = "other"


class Next(StrEnum):
    """What a run of `promote` does first.

    WATCH, REPLACE, RETURN, CLEAR: it goes on in that phase. TO_CANARY: traffic goes to the canary
    before stable is touched. NOTHING: it is promoted already. The others refuse.
    """

    WATCH = "watch"
    REPLACE = "replace"
    TO_CANARY = "to canary"
    RETURN = "return"
    CLEAR = "clear"
    NOTHING = "nothing"
    NOT_ROLLED_OUT = "not rolled out"
    ROLLED_BACK = "rolled back"
    CHANGED = "changed"

    @property
    def goes_on(self) -> bool:
        """Whether there is something to do."""
        return self in (Next.WATCH, Next.REPLACE, Next.TO_CANARY, Next.RETURN, Next.CLEAR)


_FIRST: dict[tuple[Phase | None, Traffic], Next] = {
    (None, Traffic.CANARY): Next.WATCH,
    (None, Traffic.SPLIT): Next.NOT_ROLLED_OUT,
    (None, Traffic.STABLE): Next.NOT_ROLLED_OUT,
    (None, Traffic.OTHER): Next.NOT_ROLLED_OUT,
    (Phase.WATCHING, Traffic.CANARY): Next.WATCH,
    (Phase.WATCHING, Traffic.SPLIT): Next.CHANGED,
    (Phase.WATCHING, Traffic.STABLE): Next.ROLLED_BACK,
    (Phase.WATCHING, Traffic.OTHER): Next.CHANGED,
    (Phase.REPLACING, Traffic.CANARY): Next.REPLACE,
    (Phase.REPLACING, Traffic.SPLIT): Next.TO_CANARY,
    (Phase.REPLACING, Traffic.STABLE): Next.TO_CANARY,
    (Phase.REPLACING, Traffic.OTHER): Next.CHANGED,
    (Phase.RETURNING, Traffic.CANARY): Next.RETURN,
    (Phase.RETURNING, Traffic.SPLIT): Next.RETURN,
    (Phase.RETURNING, Traffic.STABLE): Next.RETURN,
    (Phase.RETURNING, Traffic.OTHER): Next.CHANGED,
    (Phase.CLEARING, Traffic.CANARY): Next.CHANGED,
    (Phase.CLEARING, Traffic.SPLIT): Next.CHANGED,
    (Phase.CLEARING, Traffic.STABLE): Next.CLEAR,
    (Phase.CLEARING, Traffic.OTHER): Next.CHANGED,
}


def first(phase: Phase | None, traffic: Traffic, *, promoted: bool) -> Next:
    """Tell what a run does first.

    Args:
        phase: of the record at the gateway; None: there is none.
        traffic: who has it.
        promoted: stable's containers run the release already, as far as can be told.
    """
    if phase is None and traffic is Traffic.STABLE and promoted:
        return Next.NOTHING
    return _FIRST[phase, traffic]
