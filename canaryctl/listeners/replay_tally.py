"""What a replay came to, counted tick by tick."""

from __future__ import annotations

from dataclasses import dataclass, field

from canaryctl.core.events import Judged
from canaryctl.core.recording import Recording, Said
from canaryctl.core.replay import Tick
from canaryctl.core.replay_play import Stopped


@dataclass(slots=True)
class Tally:
    """What a replay came to, tick by tick.

    Attributes:
        recording: what is replayed.
        compared: evaluations with a recorded verdict that were judged again.
        first: the first tick that differs.
        gap: the greatest distance of the evidence (log e-values) from what was recorded.
        began: epoch seconds of the first tick.
        last: the newest tick.
        stopped: why there is no verdict at the end.
    """

    recording: Recording
    compared: int = 0
    gap: float = 0.0
    first: Tick | None = None
    began: float | None = None
    last: Tick | None = None
    stopped: Stopped | None = None
    notes: list[str] = field(default_factory=list)

    def take(self, one: Tick | Stopped) -> None:
        """Count one in."""
        if isinstance(one, Stopped):
            self.stopped = one
            return
        self.last = one
        self.began = one.at if self.began is None else self.began
        if one.said is not None and isinstance(one.event, Judged):
            self.compared += 1
        if one.differs and self.first is None:
            self.first = one
        if self.first is None:
            self.gap = max(self.gap, one.gap)

    @property
    def recorded(self) -> int:
        """Evaluations whose verdict was recorded."""
        many = self.recording.moments
        return sum(isinstance(one.event, Judged) and one.said is not None for one in many)

    @property
    def same(self) -> int:
        """Evaluations with the recorded verdict, up to the first difference."""
        judged = self.first is not None and isinstance(self.first.event, Judged)
        return self.compared - 1 if judged else self.compared

    def elapsed(self, at: float) -> str:
        """Write a time as seconds since the beginning: ``+905.2 s``."""
        return f"+{at - (at if self.began is None else self.began):.1f} s"


def recorded_end(recording: Recording) -> tuple[float, Said] | None:
    """Give when the recorded rollout knew its end, and what that was."""
    return next(
        (
            (one.event.at, one.said)
            for one in recording.moments
            if one.said is not None and one.said.cause is not None
        ),
        None,
    )
