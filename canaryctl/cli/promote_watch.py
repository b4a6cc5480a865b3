"""The watch before a promotion: one stage at 100 %, judged like any other, then the approvals."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from canaryctl.cli.context import Output
from canaryctl.core.control import Verb
from canaryctl.core.errors import CanaryctlError
from canaryctl.core.events import Controlled, Event
from canaryctl.core.outcome import Cause
from canaryctl.core.outcome import Outcome as Ending
from canaryctl.core.plan import Approval
from canaryctl.core.weight import Weight
from canaryctl.promoting.ended import Ended, Outcome

if TYPE_CHECKING:
    from canaryctl.cli.promote_beside import PromoteBeside
    from canaryctl.config.model import Config
    from canaryctl.core.commands import Command
    from canaryctl.core.state import State
    from canaryctl.ports import Listener, Mark
    from canaryctl.promoting.promotion import Promotion

_LEFT = (Cause.INTERRUPTED, Cause.NOT_APPROVED, Cause.PREFLIGHT, Cause.CONFIGURATION, Cause.HELD)
"""What leaves the canary its traffic."""


@dataclass(frozen=True, slots=True)
class Watching:
    """Runs it.

    Attributes:
        mark: what is written beside the weights.
        output: how it is shown.
        command: how canaryctl was called, up to the verb.
        beside: hooks and notices.
    """

    mark: Mark
    output: Output
    command: str
    beside: PromoteBeside

    def __call__(self, promotion: Promotion) -> Ended | None:
        """Watch; None: it is well and approved. See ``Promotion.watch``."""
        from canaryctl.cli.held import closing
        from canaryctl.cli.runner_of import runner_of
        from canaryctl.core.recording import Setup
        from canaryctl.listeners.journal import Journal

        build = promotion.build
        config = _watched(build.config, promotion)
        given = promotion.record.approvals if promotion.record else {}
        missing = tuple(one for one in promotion.model.approvals if one not in given)
        plan = config.core_plan()
        (stage,) = plan.stages
        # Hooks of a stage are a rollout's.
        stage = replace(stage, before=(), after=(Approval(missing),) if missing else ())
        plan = replace(plan, adopt=True, stages=(stage,))
        bound = plan.longest + config.plan.hold_for
        plan = replace(plan, deadline=bound + promotion.model.approve_within)
        listeners: list[Listener] = [
            Journal.opened(
                build, self.mark, setup=Setup(plan, config.core_gates(), config.judgement())
            ),
            *self._shown(promotion),
            Approvals(promotion),
        ]
        runner = runner_of(
            build,
            config,
            self.mark,
            plan,
            tenure=promotion.tenure,
            stopped=promotion.stopped,
            listeners=listeners,
        )
        with closing(listeners):
            return ended(runner.run(), promotion.release)

    def _shown(self, promotion: Promotion) -> Iterable[Listener]:
        from canaryctl.listeners.ndjson import NdjsonListener
        from canaryctl.listeners.plain import PlainListener
        from canaryctl.listeners.words import Banner

        build = promotion.build
        where = f"{build.host.describe()}, {build.config.gateway.config}"
        banner = Banner(
            build.config.service, promotion.release, where, build.source, command=self.command
        )
        if self.output is Output.JSON:
            yield NdjsonListener(banner, sys.stdout, part=True)
            yield PlainListener(banner, sys.stderr, part=True)
        else:
            yield PlainListener(banner, sys.stdout, part=True)
        yield self.beside.watched(banner)


@dataclass(slots=True)
class Approvals:
    """Puts each approval on record at the gateway, so that no run of it asks twice."""

    promotion: Promotion

    def heard(self, event: Event, state: State, command: Command | None) -> None:
        """Write an approval down."""
        del command
        given = state.answer is not None and state.answer.accepted
        record = self.promotion.record
        if not isinstance(event, Controlled) or event.verb is not Verb.APPROVE or not given:
            return
        if record is None:
            return
        record = replace(record, approvals={**record.approvals, event.role: event.by})
        self.promotion.record = record
        with contextlib.suppress(CanaryctlError):  # it is written again with the next phase
            self.promotion.build.promotion.write(record)

    def ticked(self, state: State, now: float) -> None:
        """Time alone approves nothing."""


def _watched(config: Config, promotion: Promotion) -> Config:
    """Give the configuration with the watch as its only stage."""
    model = promotion.model
    warm_up = config.plan.warm_up
    if warm_up is not None and warm_up >= model.watch:
        warm_up = None
    plan = config.plan.model_copy(
        update={
            "stages": (Weight.FULL,),
            "observe": model.watch,
            "interval": model.interval or config.plan.interval,
            "warm_up": warm_up,
        }
    )
    return config.model_copy(update={"plan": plan})


def ended(state: State, release: str) -> Ended | None:
    """Say how a watch ended; None: well."""
    ending = state.ending
    assert ending is not None  # noqa: S101  a runner that returned has ended
    said = f"{ending.cause}: {ending.reason}"
    again = f"`canaryctl promote --version {release}` begins the watch anew"
    match ending.outcome:
        case Ending.SUCCEEDED:
            return None
        case Ending.UNKNOWN:
            return Ended(
                Outcome.UNKNOWN, said, 3, ("look now: `canaryctl status`, `canaryctl rollback`",)
            )
        case Ending.ROLLED_BACK:
            fix = (f"mend the canary, then `canaryctl rollout --version {release}`",)
            return Ended(Outcome.ROLLED_BACK, said, ending.exit_code, fix)
    if ending.cause is Cause.INTERRUPTED:
        return Ended(Outcome.ABORTED, f"{said}; stable was not touched", 130, (again,))
    if ending.cause in _LEFT:
        kept = f"{said}; stable was not touched, the canary keeps its traffic"
        return Ended(Outcome.FAILED, kept, ending.exit_code, (again,))
    return Ended(Outcome.ABORTED, said, ending.exit_code, ("see why: `canaryctl status`",))
