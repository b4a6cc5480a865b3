"""What a promotion finds: who has the traffic, what stable runs, which record there is."""

from __future__ import annotations

from dataclasses import dataclass

from canaryctl.core.errors import CanaryctlError, TrafficUnknown
from canaryctl.core.promotion import Next, Phase, Traffic, first
from canaryctl.core.promotion_record import Record
from canaryctl.core.weight import Weight
from canaryctl.deploying.side import Side
from canaryctl.deploying.told_version import told
from canaryctl.ports import InForce
from canaryctl.promoting.ended import NotPromotable
from canaryctl.wiring import Build


@dataclass(frozen=True, slots=True)
class Sight:
    """One look.

    Attributes:
        seen: what NGINX answers.
        record: of a promotion at the gateway; None: there is none, or only one of an earlier
            rollout that had begun nothing.
        traffic: who has it.
        promoted: stable runs the release already.
    """

    seen: InForce
    record: Record | None
    traffic: Traffic
    promoted: bool

    @property
    def first(self) -> Next:
        """What is done first."""
        return first(
            self.record.phase if self.record else None, self.traffic, promoted=self.promoted
        )


def look(build: Build, stable: Side, release: str) -> Sight:
    """Look.

    Raises:
        TrafficUnknown: NGINX does not prove what is in force.
        HostError: the gateway, or the engine, cannot be reached.
        NotPromotable: another version is being promoted here.
    """
    seen = build.router.look()
    if seen.generation is None or seen.weight is None:
        raise TrafficUnknown(seen.problem, next_step="`canaryctl status` tells what is known")
    if seen.generation != seen.on_disk:
        raise TrafficUnknown(
            f"generation {seen.on_disk} is on disk, {seen.generation} is in force",
            next_step="`canaryctl recover` brings the gateway into a proven state",
        )
    record = build.promotion.look()
    if record is not None and _is_stale(record, seen):
        record = None
    if record is not None and record.release != release:
        raise NotPromotable(
            f"{record.release} is being promoted here ({record.phase}, promotion {record.id})",
            next_step=f"finish that first: `canaryctl promote --version {record.release}`",
        )
    return Sight(seen, record, _traffic(seen, record, release), runs(stable, release))


def _is_stale(record: Record, seen: InForce) -> bool:
    """Tell whether another rollout has begun since a promotion was left in its watch.

    Nothing of such a promotion is left to finish, and what was approved is not what is there now.
    """
    by = seen.mark.rollout if seen.mark else ""
    return (
        record.phase is Phase.WATCHING
        and seen.weight != Weight.ZERO
        and bool(by)
        and by not in (record.rollout, record.id)
    )


def runs(stable: Side, release: str) -> bool:
    """Tell whether stable's containers run a release, as far as the project tells.

    Raises:
        HostError: the engine does not answer.
    """
    found = stable.look()
    if {one.service for one in found} < set(stable.services):
        return False
    said = [told(one, release).right for one in found if one.status == "running"]
    # An image that tells nothing: then what the project keeps has to.
    kept = stable.env.value(stable.variable) == release
    return bool(said) and kept and False not in said


def _traffic(seen: InForce, record: Record | None, release: str) -> Traffic:
    assert seen.weight is not None  # noqa: S101  the caller looked
    if seen.weight == Weight.ZERO:
        return Traffic.STABLE
    mark = seen.mark
    if mark is None or mark.release != release or not mark.rollout:
        return Traffic.OTHER
    if seen.weight == Weight.FULL:
        return Traffic.CANARY
    return Traffic.SPLIT if record is not None and mark.rollout == record.id else Traffic.OTHER


def refusal(sight: Sight, release: str) -> NotPromotable:
    """Say why nothing can be promoted, and what to do instead."""
    seen = sight.seen
    mark = seen.mark
    what = f" of {mark.release}" if mark and mark.release else ""
    why = f" ({mark.owner}: {mark.reason})" if mark and mark.owner else ""
    there = f"the canary{what} has {seen.weight} %{why}"
    match sight.first:
        case Next.ROLLED_BACK:
            said = f"{release} was rolled back since its promotion began: {there}"
            return NotPromotable(said, next_step=f"`canaryctl rollout --version {release}`")
        case Next.CHANGED:
            said = f"the weights are not those of the promotion of {release} any more: {there}"
            return NotPromotable(
                said, next_step="`canaryctl status` tells whose they are; `canaryctl rollback`"
            )
    begin = f"`canaryctl rollout --version {release} --deploy`"
    if seen.weight != Weight.ZERO:
        begin = f"`canaryctl rollback` first, then {begin}"
        if mark and mark.release != release and seen.weight == Weight.FULL:
            begin = f"`canaryctl promote --version {mark.release}`, or {begin}"
    return NotPromotable(
        f"{release} is not rolled out: {there}; a promotion begins with all traffic on the canary, "
        "by a rollout that succeeded",
        next_step=begin,
    )


def where(build: Build) -> tuple[Weight | None, str]:
    """Give the canary's weight as NGINX proves it, None where it does not, and that in words."""
    try:
        seen = build.router.look()
    except CanaryctlError as error:
        return None, f"what NGINX does is not known: {error}"
    if seen.weight is None or seen.generation != seen.on_disk:
        return None, seen.problem or f"generation {seen.on_disk} is on disk, not in force"
    return seen.weight, f"generation {seen.generation}"
