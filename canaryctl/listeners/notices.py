"""What of a rollout is worth a message to people who do not look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from canaryctl.core.breaker import Circuit
from canaryctl.core.commands import Command
from canaryctl.core.control import Verb
from canaryctl.core.events import (
    BreakerMoved,
    Controlled,
    Drifted,
    Event,
    GatewaySilent,
    Judged,
    MetricsSilent,
    WeightProven,
)
from canaryctl.core.gate import Severity, Status
from canaryctl.core.notice import Notice, Occasion
from canaryctl.core.outcome import Outcome
from canaryctl.core.plan import Ask, Pause
from canaryctl.core.state import Phase, State
from canaryctl.listeners.asked import asked_line, begun, begun_lines, done
from canaryctl.listeners.incidents import incident_line
from canaryctl.listeners.notice_text import (
    OUTCOMES,
    Facts,
    body,
    ended,
    number,
    numbers,
    stage,
    title,
    weights,
)
from canaryctl.listeners.plan_words import planned
from canaryctl.listeners.story import Story
from canaryctl.listeners.words import Banner

_ENDS = {
    Outcome.SUCCEEDED: Occasion.SUCCEEDED,
    Outcome.ROLLED_BACK: Occasion.ROLLED_BACK,
    Outcome.ABORTED: Occasion.ABORTED,
    Outcome.UNKNOWN: Occasion.UNPROVEN,
}
_Found = Iterator[tuple[Occasion, str, Facts]]


@dataclass(slots=True)
class NoticeListener:
    """Makes notices, and hands them on. What it is given returns at once.

    Attributes:
        banner: what is rolled out.
        rollout: its id.
        owner: who leads it.
        tell: has a notice sent.
        finish: waits for what is not delivered yet, at the end.
    """

    banner: Banner
    rollout: str
    owner: str
    tell: Callable[[Notice], None]
    finish: Callable[[], None]
    _story: Story = field(default_factory=Story, init=False)

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Tell people, if it is worth it."""
        self._story.hear(event, state, command)
        for occasion, said, facts in self._found(event, state):
            about = (
                *facts,
                ("by", self.owner),
                ("gateway", self.banner.gateway),
                ("rollout", self.rollout),
            )
            self.tell(Notice(occasion, title(self.banner, said), body(about)))

    def ticked(self, state: State, now: float) -> None:
        """Time alone is no news."""

    def close(self) -> None:
        """Wait until people were told."""
        self.finish()

    def _found(self, event: Event, state: State) -> _Found:
        before, story = self._story.before, self._story
        if state.phase is Phase.ENDED and state.ending is not None:
            outcome = state.ending.outcome
            said = f"{OUTCOMES[outcome]} ({state.ending.cause})"
            yield _ENDS[outcome], said, ended(state, story, self.banner)
            return
        match event:
            case WeightProven() if before is not None and before.phase is Phase.TAKING:
                yield Occasion.STARTED, "the rollout begins", [("plan", planned(state.plan))]
            case WeightProven() if before is not None and before.phase is Phase.SHIFTING:
                facts = [*_passed(before), ("weights", weights(state, story))]
                yield Occasion.STAGE, f"{stage(state)} begins", facts
            case Controlled() if done(state) and event.verb in (Verb.PAUSE, Verb.HOLD):
                yield Occasion.PAUSED, f"{event.verb} at {stage(state)}", self._by(event, state)
            case _:
                yield from self._trouble(event, state, before)
        if before is not None and begun(state, before) and _for_somebody(state):
            said = begun_lines(state, before)[0].text
            facts = [("waits", said), *numbers(state), ("weights", weights(state, story))]
            yield Occasion.WAITING, "it waits for somebody", facts

    def _by(self, event: Controlled, state: State) -> Facts:
        return [("asked", asked_line(event, state).text), ("weights", weights(state, self._story))]

    def _trouble(self, event: Event, state: State, before: State | None) -> _Found:
        now = ("weights", weights(state, self._story))
        match event:
            case MetricsSilent() if before is None or before.silent_since is None:
                said = "the metrics source does not answer"
                bound = f"back to 0 % after {state.plan.lost_after:g} s without an answer"
                yield Occasion.TROUBLE, said, [("reason", event.reason), ("then", bound), now]
            case GatewaySilent() if before is None or before.gateway_silent_since is None:
                said = "NGINX's control listener does not answer"
                bound = f"back to 0 % after {state.plan.gateway_lost_after:g} s without an answer"
                yield Occasion.TROUBLE, said, [("reason", event.reason), ("then", bound), now]
            case Drifted() if state.phase is Phase.REASSERTING:
                reason = ("reason", incident_line(event, state).text)
                yield Occasion.TROUBLE, "drift; the weights are set again", [reason]
            case BreakerMoved() if event.breaker.circuit is Circuit.OPEN:
                reason = ("reason", incident_line(event, state).text)
                yield Occasion.TROUBLE, "circuit breaker open", [reason]
            case Judged() if new := _new_warnings(event, before):
                yield Occasion.TROUBLE, f"warning: {', '.join(new)}", [*_quoted(event, new), now]


def _passed(before: State) -> Facts:
    """Quote what the stage before passed with."""
    return numbers(before) if before.records and before.records[-1].passed else ()


def _for_somebody(state: State) -> bool:
    what = state.waiting.what if state.waiting else None
    timed = isinstance(what, Pause) and what.seconds is not None
    return what is not None and not timed and not isinstance(what, Ask)


def _new_warnings(event: Judged, before: State | None) -> list[str]:
    """Name the gates that only warn, and began to fail."""
    past = before.records[-1].findings if before is not None and before.records else ()
    known = {one.name for one in past if one.status is Status.FAIL}
    warned = [one.name for one in event.findings if _warns(one.severity, one.status)]
    return [name for name in warned if name not in known]


def _warns(severity: Severity, status: Status) -> bool:
    return severity is Severity.WARN and status is Status.FAIL


def _quoted(event: Judged, names: list[str]) -> Facts:
    return [("numbers", number(one)) for one in event.findings if one.name in names]
