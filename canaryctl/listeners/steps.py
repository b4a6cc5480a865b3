"""What the person who reads the end of a rollout does next."""

from __future__ import annotations

from canaryctl.core.outcome import Cause
from canaryctl.core.plan import Ask
from canaryctl.core.state import State
from canaryctl.core.weight import Weight
from canaryctl.listeners.words import Banner, shares

_STEPS: dict[Cause, tuple[str, ...]] = {
    Cause.PASSED: (
        "keep watching for 30 to 60 min: {call} analyze",
        "promote: {call} promote --version {release}",
        "or by hand: make it the stable version, then {call} weights set 0",
        "should it go wrong before that: {call} rollback",
    ),
    Cause.GATE_FAILED: (
        "look at the gate {gate}",
        "read the canary's logs, and NGINX's canary access log at the time of the stage",
        "fix the canary, then {again}",
    ),
    Cause.BREAKER: (
        "the canary failed requests one after the other; NGINX's log of attempts has them",
        "read the canary's logs at the time when the circuit breaker opened",
        "fix the canary, then {again}",
    ),
    Cause.NO_DATA: (
        "look at the gate {gate}",
        "see that the canary gets requests enough and exposes that metric",
        "a longer observation or a larger first stage gives a gate more to judge",
        "then {again}",
    ),
    Cause.INCONCLUSIVE: (
        "nothing was proven against the canary: see the reason, and whether stable is well",
        "more traffic, a longer observation or a larger first stage tells more: {call} simulate",
        "then {again}",
    ),
    Cause.METRICS_LOST: (
        "see why the metrics source does not answer: {source}",
        "nothing was found against the canary: once it answers, {again}",
    ),
    Cause.WEIGHT_REFUSED: (
        "mend what NGINX refused; its words are in the reason",
        "try it without touching traffic: {call} rollout --version {release} --dry-run",
        "then {again}",
    ),
    Cause.GATEWAY_LOST: (
        "see whether NGINX runs and its control listener answers: {gateway}",
        "see what is in force: {call} status",
        "then {again}",
    ),
    Cause.CRASHED: (
        "report this as a defect of canaryctl, with what {call} history shows",
        "see what is in force: {call} status",
    ),
    Cause.ABORTED: ("see who asked for it, and why: {call} history", "when it may go on, {again}"),
    Cause.DEADLINE: (
        "nothing was found against the canary: see what was waited for: {call} history",
        "should it need longer than that, raise plan.deadline",
        "then {again}",
    ),
    Cause.NOT_APPROVED: (
        "nothing was changed, the canary keeps its traffic; who was waited for: {call} history",
        "then promote again: {call} promote --version {release}",
    ),
    Cause.DRIFT: (
        "see who or what changed it; the reason says what: {gateway}",
        "see what is in force: {call} status",
        "then {again}",
    ),
    Cause.HELD: (
        "see which rollout it is, and where it stands: {call} status",
        "once that one has ended, {again}",
    ),
    Cause.INTERRUPTED: ("when it may go on, {again}",),
    Cause.SUPERSEDED: (
        "see who set the weights, and why: {call} status",
        "once that is settled, {again}",
    ),
    Cause.CONFIGURATION: (
        "{failed}",
        "see what is read from the file: {call} config show",
        "then {again}",
    ),
    Cause.PREFLIGHT: ("{failed}", "then {again}"),
    Cause.NOT_PROVEN: (
        "look now: {doubt}, and no gate judges it",
        "see what NGINX answers and what its file says: {call} status",
        "bring 0 % into force and prove it: {call} rollback",
        "if that fails too, NGINX's error log and `nginx -t` say why: {gateway}",
    ),
}

_HOOK = (
    "see what the hook found; it can be run by hand, and what it said last is in the reason",
    "fix the canary, or the hook, then {again}",
)
"""Where a hook was the gate that failed: see docs/hooks.md."""


def next_steps(state: State, banner: Banner, weight: Weight | None) -> tuple[str, ...]:
    """Give a sentence for each step, in order.

    Args:
        state: an ended one.
        banner: for the names in the commands.
        weight: what NGINX is known to have in force, None when that is unknown.
    """
    cause = state.ending.cause if state.ending else Cause.NOT_PROVEN
    deploy = " --deploy" if banner.deployed else ""
    filled = {
        "call": banner.command,
        "again": f"roll out again: {banner.command} rollout --version {banner.release}{deploy}",
        "release": banner.release,
        "gateway": banner.gateway,
        "source": banner.source,
        "gate": _gate(state),
        "failed": _failed(state),
        "doubt": _doubt(state, weight),
    }
    steps = _HOOK if _by_hook(state) else _STEPS[cause]
    return tuple(step.format_map(filled) for step in steps)


def _by_hook(state: State) -> bool:
    asked = state.waiting is not None and isinstance(state.waiting.what, Ask)
    ending = state.ending
    failed = ending is not None and ending.cause is Cause.GATE_FAILED
    return asked and failed and ending is not None and ending.reason.startswith("hook ")


def _gate(state: State) -> str:
    verdict = state.records[-1].verdict if state.records else None
    if verdict is None or verdict.deciding is None:
        return "named in the reason"
    asked = "; ".join(verdict.deciding.queries)
    return f"{verdict.deciding.name}: {asked}" if asked else verdict.deciding.name


def _failed(state: State) -> str:
    failed = [check.name for check in state.checks if check.passed is False]
    return f"mend {', '.join(failed)}" if failed else "mend what the reason names"


def _doubt(state: State, weight: Weight | None) -> str:
    if weight is not None:
        return f"somebody else set {shares(weight)}"
    if state.weight is not None:
        # Between the weight proven last and the one that was being set, anything may be in force.
        return f"the weights proven last are {shares(state.weight)}, and may be in force no more"
    return "how much traffic the canary gets is not known"
