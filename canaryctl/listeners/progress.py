"""How far the observation of a stage has come."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.sequential.course import Move
from canaryctl.core.state import State
from canaryctl.listeners.asked import waited_for
from canaryctl.listeners.evidence import outlook
from canaryctl.listeners.line import Line, Span, Tone
from canaryctl.quantities import spelled


@dataclass(frozen=True, slots=True)
class Progress:
    """Seconds of one stage's observation.

    Attributes:
        observed: since the weight was proven, without the time that the metrics were silent.
        total: what the stage asks for.
        left: until its time is up; 0 when it is.
        longest: until it ends at the latest.
        next_in: until the gates are evaluated again.
        outlook: when the stage may be decided, in words; empty when nobody can tell.
        held: the rollout waits until stable is within its own limits.
        silent: how long the metrics source has not answered; None while it does.
        paused: who paused it, in words; empty: nobody.
        waiting: what the next stage waits for, in words, while this one is over; empty: nothing.
        hold: who wants it to stay at its end, in words; empty: nobody.
    """

    observed: float
    total: float
    left: float
    longest: float
    next_in: float
    silent: float | None
    outlook: str = ""
    held: bool = False
    paused: str = ""
    waiting: str = ""
    hold: str = ""

    @property
    def extended(self) -> bool:
        """The stage's time is up, and its gates were not all able to say so."""
        return self.left <= 0 < self.longest and not self.waiting

    @property
    def share(self) -> float:
        """0 to 1."""
        if self.waiting:
            return 1.0
        return min(max(self.observed / self.total, 0.0), 1.0)


def progress(state: State, now: float) -> Progress:
    """Tell how far the present stage has come at ``now`` (epoch seconds)."""
    silent = None if state.silent_since is None else max(now - state.silent_since, 0.0)
    clock = min(now, state.paused_at) if state.paused else now - (silent or 0.0)
    observed = max(clock - state.since - state.lost, 0.0)
    weighed = state.records[-1].weighed if state.records else None
    still = weighed is not None and weighed.step.move is Move.HOLD
    if weighed is not None and still:
        observed = weighed.step.observed
    total = state.stage.observe
    return Progress(
        observed=observed,
        total=total,
        left=max(total - observed, 0.0),
        longest=max(total * state.plan.extend_to - observed, 0.0),
        next_in=max(state.next_at - now, 0.0),
        silent=silent,
        outlook=outlook(state, now),
        held=still and weighed is not None and bool(weighed.found.hold),
        paused=state.paused,
        waiting=waited_for(state, now),
        hold=state.hold,
    )


def parts(seen: Progress) -> tuple[str, ...]:
    """Say it in pieces, the most telling first; a narrow display shows as many as fit."""
    if seen.silent is not None:
        return (
            f"waiting for metrics, {_whole(seen.silent)} so far",
            f"{_whole(seen.observed)} of {_whole(seen.total)} observed",
        )
    if seen.waiting:
        return (seen.waiting, f"next evaluation in {_whole(seen.next_in)}")
    if seen.paused:
        return (
            seen.paused,
            f"{_whole(seen.observed)} of {_whole(seen.total)} observed",
            f"next evaluation in {_whole(seen.next_in)}",
        )
    if seen.held:
        return (
            "holding until stable is within its own limits",
            f"{_whole(seen.observed)} of {_whole(seen.total)} observed",
            f"next evaluation in {_whole(seen.next_in)}",
        )
    said = tuple(one for one in (seen.hold and f"then {seen.hold}", seen.outlook) if one)
    if seen.extended:
        return (
            f"extended: {_whole(seen.observed)} of {_whole(seen.total)}",
            *said,
            f"ends in {_whole(seen.longest)} at the latest",
            f"next evaluation in {_whole(seen.next_in)}",
        )
    return (
        f"{_whole(seen.left)} left",
        *said,
        f"{_whole(seen.observed)} of {_whole(seen.total)} observed",
        f"next evaluation in {_whole(seen.next_in)}",
    )


def _whole(seconds: float) -> str:
    """Write seconds without fractions, so that a display does not flicker."""
    return spelled(float(round(seconds)))


def fitting(pieces: tuple[str, ...], width: int) -> str:
    """Join as many pieces as fit, always the first."""
    said = pieces[0]
    for piece in pieces[1:]:
        longer = f"{said} · {piece}"
        if len(longer) > width:
            break
        said = longer
    return said


def bar(seen: Progress, width: int) -> Line:
    """Draw the share that is done, with its percentage."""
    room = max(width - 6, 4)
    halves = int(seen.share * room * 2)
    full, half = divmod(halves, 2)
    done = "━" * full + "╸" * half
    tone = Tone.WARN if _is_still(seen) else Tone.GOOD
    return Line(
        (
            Span(done, tone),
            Span("─" * (room - full - half), Tone.FAINT),
            Span(f" {seen.share * 100:3.0f} %", Tone.FAINT),
        )
    )


def _is_still(seen: Progress) -> bool:
    """Tell whether it is not only time that is waited for."""
    waits = seen.extended or seen.held or seen.silent is not None
    return waits or bool(seen.paused or seen.waiting)
