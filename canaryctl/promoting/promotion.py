"""One run of `promote`: it looks where the promotion stands, and goes on from there.

Each phase is on record at the gateway before it begins. Whatever is killed, whenever: the record,
the weights and the containers tell the next run, on this machine or another, what is left to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from canaryctl.config.promotion import PromotionModel
from canaryctl.core.errors import HostError, TrafficUnknown
from canaryctl.core.outcome import Cause
from canaryctl.core.promotion import Came, Next, Phase, after
from canaryctl.core.promotion_record import Record
from canaryctl.core.weight import Weight
from canaryctl.deploying.bring_up import BringUp
from canaryctl.deploying.failed import DeployFailed
from canaryctl.deploying.health import Health
from canaryctl.deploying.teller import Steps
from canaryctl.drivers.compose_containers import Container
from canaryctl.drivers.tenure import GatewayTenure
from canaryctl.ports import Mark
from canaryctl.promoting.clearing import Clearing
from canaryctl.promoting.deployment_log import DeploymentLog
from canaryctl.promoting.ended import Ended, FreshStableFailed, Outcome
from canaryctl.promoting.questions import Questions
from canaryctl.promoting.settling import Settling
from canaryctl.promoting.sight import Sight, look, where
from canaryctl.wiring import Build

_EVERY = 0.5
"""Seconds between two looks at NGINX's workers."""
_DOES = {
    Phase.WATCHING: "watching the canary",
    Phase.REPLACING: "replacing stable",
    Phase.RETURNING: "returning traffic to stable",
    Phase.CLEARING: "removing the canary",
}
_BEGINS = {
    Next.WATCH: Phase.WATCHING,
    Next.REPLACE: Phase.REPLACING,
    Next.TO_CANARY: Phase.REPLACING,
    Next.RETURN: Phase.RETURNING,
    Next.CLEAR: Phase.CLEARING,
}


@dataclass(slots=True)
class Promotion:
    """One run.

    Attributes:
        build: the gateway.
        release: what is promoted.
        model: how.
        stable: what stable has to pass.
        canary: the same of the canary; only looked at, never started.
        steps: who is told.
        tenure: the hold on the gateway.
        run: this run's id.
        owner: ``user@machine:pid``.
        watch: watches the canary on; None: it is well and approved, else how that ended.
        stopped: gives who asked to stop, None while nobody has.
        allowed: asks the hooks before stable is touched; empty: it may be, else why not.
        record: what is known of the promotion.
    """

    build: Build
    release: str
    model: PromotionModel
    stable: BringUp
    canary: BringUp
    steps: Steps
    tenure: GatewayTenure
    run: str
    owner: str
    watch: Callable[[Promotion], Ended | None]
    stopped: Callable[[], str | None]
    allowed: Callable[[Callable[[], object]], str] = lambda _tick: ""
    record: Record | None = None
    _phase: Phase = field(default=Phase.WATCHING, init=False)
    _changed: bool = field(default=False, init=False)
    _asked: Questions = field(init=False)

    def __post_init__(self) -> None:
        """Open the desk."""
        self._asked = Questions(self.build.desk, self.run, self.build.clock)

    def sight(self) -> Sight:
        """Look where it stands; errors as in ``sight.look``."""
        return look(self.build, self.stable.side, self.release)

    def __call__(self, sight: Sight) -> Ended:
        """Go on from there to the end. The gateway is held.

        Args:
            sight: what was seen since it is held.

        Raises:
            CanaryctlError: it could not be done; the phase is on record.
        """
        self.record = sight.record or self._begun(sight)
        phase: Phase | None = _BEGINS[sight.first]
        if sight.first is Next.TO_CANARY:
            self._to_canary("stable was found unproven")
        if phase is Phase.WATCHING:
            ended = self._watched()
            if ended is not None:
                return ended
            phase = self._came(Phase.WATCHING, Came.APPROVED)
        if phase is Phase.REPLACING:
            self._replace()
            phase = self._came(Phase.REPLACING, Came.PROVEN)
        elif phase is Phase.RETURNING:
            self._still_proven()
        if phase is Phase.RETURNING:
            self._return()
            phase = self._came(Phase.RETURNING, Came.RETURNED)
        self._phase = Phase.CLEARING
        self._clear()
        self._came(Phase.CLEARING, Came.CLEARED)
        return Ended(Outcome.PROMOTED, f"stable runs {self.release} and has all traffic", 0)

    def tick(self) -> None:
        """Give a sign of life, and answer what is asked."""
        self.tenure.sign(f"promotion: {_DOES[self._phase]}")
        self._asked.look(self._phase)

    def _until_stopped(self) -> str | None:
        self.tick()
        return self.stopped()

    def _begun(self, sight: Sight) -> Record:
        mark = sight.seen.mark
        record = Record(
            id=self.run,
            rollout=mark.rollout if mark else "",
            release=self.release,
            before=self.stable.side.env.value(self.stable.side.variable) or "",
            owner=self.owner.rpartition(":")[0],
            began=self.build.clock.now(),
        )
        self.build.promotion.write(record)
        return record

    def _came(self, phase: Phase, came: Came) -> Phase | None:
        """Put on record what follows, before it is begun."""
        assert self.record is not None  # noqa: S101  __call__ set it
        following = after(phase, came)
        if following is None:
            self.build.promotion.clear()
            return None
        self.record = replace(self.record, phase=following)
        self.build.promotion.write(self.record)
        self._phase = following
        return following

    def _watched(self) -> Ended | None:
        """Watch on, be approved, and ask the hook; None: stable may be touched."""
        ended = self.watch(self)
        if ended is not None:
            # However it came to that: a promotion without traffic on the canary is over, and with
            # it what was approved.
            if ended.outcome is Outcome.ROLLED_BACK or where(self.build)[0] == Weight.ZERO:
                self.build.promotion.clear()
            return ended
        if by := self.stopped():
            return self._interrupted(by)
        why = self.allowed(self.tick)
        # Asked before the answer is looked at: a hook that was ended has refused nothing.
        if by := self.stopped():
            return self._interrupted(by)
        if why:
            self._set(Weight.ZERO, f"promotion refused by a hook: {why}")
            self.build.promotion.clear()
            return Ended(Outcome.ROLLED_BACK, f"a hook refused the promotion: {why}", 1)
        return None

    def _interrupted(self, by: str) -> Ended:
        """End as a watch that was interrupted does."""
        return Ended(
            Outcome.ABORTED,
            f"{Cause.INTERRUPTED}: {by}; {Weight.FULL} % stay; stable was not touched",
            130,
            (f"`canaryctl promote --version {self.release}` begins the watch anew",),
        )

    def _replace(self) -> None:
        """Have stable run the release, proven; all traffic is on the canary meanwhile."""
        self._phase = Phase.REPLACING
        like = self._canary_containers()
        self._let_old_workers_end()
        self.stable(self.release, self._until_stopped, like)

    def _let_old_workers_end(self) -> None:
        """Wait for NGINX's workers that were told to stop: one of them may still ask stable.

        Those that are left after ``gateway.drain_within`` hold streams, which end with stable.
        """
        clock = self.build.clock
        until = clock.now() + self.build.config.gateway.drain_within
        with contextlib.suppress(HostError):
            while any(one.old for one in self.build.host.workers()) and clock.now() < until:
                self.tick()
                if self.stopped():
                    return
                clock.sleep(_EVERY)

    def _still_proven(self) -> None:
        """Make sure, after an interruption, that stable is what was proven before it."""
        self._phase = Phase.RETURNING
        try:
            self.stable.proven(self.release, self.tick, self._canary_containers())
        except DeployFailed as error:
            self._back_to_canary(str(error))

    def _canary_containers(self) -> tuple[Container, ...]:
        side = self.canary.side
        return tuple(one for one in side.serving(side.look()) if one.status == "running")

    def _return(self) -> None:
        """Move the traffic back, step by step; the canary takes over again where stable fails."""
        self._phase = Phase.RETURNING
        now = self.build.router.look().weight
        for weight in self.model.weights():
            if now is not None and weight > now:
                continue  # an earlier run was further
            self.build.router.forget()
            self._set(weight, f"promotion: stable runs {self.release}")
            with self.steps.step("stable", f"is it well with {_rest(weight)} %?") as step:
                wrong = self._settling().wrong(
                    self.model.settle, self.tick, counted=weight > Weight.ZERO
                )
                if not wrong:
                    step.said = f"it serves {_rest(weight)} % well"
            if wrong:
                self._back_to_canary(f"stable does not serve {_rest(weight)} % well: {wrong}")

    def _settling(self) -> Settling:
        health = Health(self.stable.side, self.stable.requests.probe, self.build.clock)
        return Settling(health.well, self.build.attempts, self.build.clock)

    def _back_to_canary(self, why: str) -> None:
        """Give the canary all traffic again, and end.

        Raises:
            FreshStableFailed: it has it, proven.
            TrafficUnknown: that could not be proven.
        """
        # On record first: from now on nobody may send traffic to stable.
        self._came(Phase.RETURNING, Came.FAILED)
        self._to_canary(why)
        raise FreshStableFailed(
            f"{why}; the canary has all traffic again",
            next_step=f"mend stable, then `canaryctl promote --version {self.release}` goes on",
        )

    def _to_canary(self, why: str) -> None:
        side = self.canary.side
        if not self._canary_containers():
            raise TrafficUnknown(
                f"{why}, and no container of {', '.join(side.services)} runs that could take over",
                next_step=f"look at both: {' '.join(side.compose.project.argv('ps'))}",
            )
        self._set(Weight.FULL, f"promotion: {why}")

    def _set(self, weight: Weight, reason: str) -> None:
        """Bring a weight into force, proven."""
        assert self.record is not None  # noqa: S101  __call__ set it
        mark = Mark(self.release, self.record.id, self.owner, reason)
        said = f"stable {_rest(weight)} % / canary {weight} %"
        with self.steps.step("weights", said) as step:
            proof = self.build.router.set(weight, mark, None)
            self._changed = True
            step.said = f"{said}, proven at NGINX: generation {proof.generation}"

    def _clear(self) -> None:
        assert self.record is not None  # noqa: S101  __call__ set it
        side = self.canary.side if self.model.remove_canary else None
        log = DeploymentLog(self.build.base / self.model.log)
        clearing = Clearing(self.build, side, log, self.steps, self.tick, changed=self._changed)
        clearing(self.record)


def _rest(weight: Weight) -> Weight:
    return Weight(Weight.FULL.hundredths - weight.hundredths)
