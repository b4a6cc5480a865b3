"""What a hook is told of a rollout."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.hooks import HookFacts, HookMoment
from canaryctl.core.outcome import Cause
from canaryctl.core.state import State
from canaryctl.core.weight import FULL_HUNDREDTHS, Weight


@dataclass(frozen=True, slots=True)
class HookAbout:
    """Whose rollout it is.

    Attributes:
        service: as ``canary.yaml`` calls it.
        version: that is rolled out.
        rollout: its id.
        owner: ``user@machine:pid``.
    """

    service: str
    version: str
    rollout: str = ""
    owner: str = ""

    def plain(self, moment: HookMoment) -> HookFacts:
        """Give what is known before a rollout has stages, or where none runs."""
        return HookFacts(moment, self.service, self.version, self.rollout, self.owner)

    def of_stage(self, moment: HookMoment, state: State, index: int) -> HookFacts:
        """Give what is known of a stage.

        Args:
            moment: before or after it.
            state: of the rollout.
            index: of the stage, from 0.
        """
        stages = state.plan.stages
        return HookFacts(
            moment,
            self.service,
            self.version,
            self.rollout,
            self.owner,
            stage=index + 1,
            stages=len(stages),
            weight=_percent(stages[index].weight),
        )

    def asked(self, moment: HookMoment, state: State) -> HookFacts:
        """Give what hooks are told that are gates; the stage that they stand before, or end."""
        index = state.index + (moment is HookMoment.BEFORE_STAGE)
        return self.of_stage(moment, state, index)

    def of_end(self, moment: HookMoment, state: State, weight: Weight | None) -> HookFacts:
        """Give what is known at the end.

        Args:
            moment: which.
            state: an ended one.
            weight: what NGINX is known to have in force; None: unknown.
        """
        ending = state.ending
        return HookFacts(
            moment,
            self.service,
            self.version,
            self.rollout,
            self.owner,
            stage=state.index + 1 if state.index >= 0 else None,
            stages=len(state.plan.stages),
            weight=None if weight is None else _percent(weight),
            outcome=ending.outcome.value if ending else "",
            cause=(ending.cause if ending else Cause.CRASHED).value,
            reason=ending.reason if ending else "",
        )


def _percent(weight: Weight) -> float:
    return weight.hundredths * 100 / FULL_HUNDREDTHS
