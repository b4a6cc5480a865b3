"""A rollout as metric families of Prometheus: ``canaryctl_rollout_…`` and ``canaryctl_gate_…``.

Values are in SI units and plain numbers: a weight is a fraction, a latency in seconds. A thing
that is not known has no sample, rather than a zero.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from canaryctl.core.gate import Finding, Status
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.state import Phase, State
from canaryctl.listeners.export_seen import Seen
from canaryctl.ports import Mark

RUNNING = "running"
_NOT_OURS = (Cause.NOT_PROVEN, Cause.SUPERSEDED, Cause.HELD)
"""After these ends the weight in force is somebody else's, or not known."""
_GATE = ("service", "gate", "part")


def families(service: str, mark: Mark, seen: Seen) -> Iterator[Metric]:
    """Give every family of a rollout, as it was after the last event."""
    state = seen.state
    if state is None:
        return
    yield from _status(service, mark, state, seen.at)
    yield from _traffic(service, state)
    yield from _gates(service, state)
    yield from _counted(service, seen, state)
    yield from _time_to_zero(service, state)


def _status(service: str, mark: Mark, state: State, at: float) -> Iterator[Metric]:
    ending = state.ending if state.phase is Phase.ENDED else None
    info = InfoMetricFamily(
        "canaryctl_rollout", "The rollout, and the generation it proved last.", labels=["service"]
    )
    told = {"rollout": mark.rollout, "release": mark.release, "generation": state.generation}
    info.add_metric([service], told)
    yield info
    now = ending.outcome.value if ending else RUNNING
    known = (RUNNING, *(outcome.value for outcome in Outcome))
    yield _set("canaryctl_rollout_status", "1 at how it stands or ended.", service, known, now)
    phases = tuple(phase.value for phase in Phase)
    said = "1 at the phase it is in."
    yield _set("canaryctl_rollout_phase", said, service, phases, state.phase.value)
    yield _began(service, state)
    end = GaugeMetricFamily(
        "canaryctl_rollout_end_timestamp_seconds",
        "When it ended, epoch; how, and why.",
        labels=["service", "outcome", "cause"],
    )
    if ending is not None:
        end.add_metric([service, ending.outcome.value, ending.cause.value], at)
    yield end
    stage = _gauge("canaryctl_rollout_stage", "The stage, from 1; 0 before the first.")
    stage.add_metric([service], state.index + 1)
    yield stage
    stages = _gauge("canaryctl_rollout_stages", "How many stages it has.")
    stages.add_metric([service], len(state.plan.stages))
    yield stages


def _began(service: str, state: State) -> Metric:
    family = GaugeMetricFamily(
        "canaryctl_rollout_stage_start_timestamp_seconds",
        "When the weight of a stage was proven, epoch.",
        labels=["service", "stage", "weight"],
    )
    for number, record in enumerate(state.records, start=1):
        if number > state.first:  # those before were the rollout's that is resumed
            family.add_metric([service, str(number), str(record.stage.weight)], record.proven_at)
    return family


def _traffic(service: str, state: State) -> Iterator[Metric]:
    weight = GaugeMetricFamily(
        "canaryctl_rollout_weight_ratio",
        "Share of traffic as this rollout proved it last, 0 to 1.",
        labels=["service", "version"],
    )
    ours = state.ending is None or state.ending.cause not in _NOT_OURS
    if state.weight is not None and ours:
        weight.add_metric([service, "canary"], state.weight.fraction)
        weight.add_metric([service, "stable"], 1 - state.weight.fraction)
    yield weight


def _gates(service: str, state: State) -> Iterator[Metric]:
    value = _family("canaryctl_gate_value", "What a gate saw, in SI units.", "version")
    limit = _family("canaryctl_gate_limit", "What it is held against, in the same unit.")
    samples = _family("canaryctl_gate_samples", "Requests or observations behind the value.")
    status = _family("canaryctl_gate_status", "1 at what the gate found.", "status")
    evidence = _family(
        "canaryctl_gate_evidence_ratio",
        "How far the evidence is towards a decision, 0 to 1.",
        "towards",
    )
    for one in state.records[-1].findings if state.records else ():
        at = [service, one.gate, one.part]
        for version, number in (("canary", one.value), ("stable", one.stable)):
            if number is not None:
                value.add_metric([*at, version], number)
        if one.limit is not None:
            limit.add_metric(at, one.limit)
        if one.samples is not None:
            samples.add_metric(at, one.samples)
        for each in Status:
            status.add_metric([*at, each.value.replace(" ", "_")], float(each is one.status))
        _evidence(evidence, at, one)
    yield from (value, limit, samples, status, evidence)


def _evidence(family: GaugeMetricFamily, at: list[str], one: Finding) -> None:
    if one.scale is not None:
        family.add_metric([*at, "rollback"], one.scale.against)
        family.add_metric([*at, "within_limit"], one.scale.support)


def _counted(service: str, seen: Seen, state: State) -> Iterator[Metric]:
    failures = CounterMetricFamily(
        "canaryctl_proof_failures",
        "Changes of the weight that NGINX refused, or that could not be proven.",
        labels=["service", "kind"],
    )
    failures.add_metric([service, "refused"], seen.refused)
    failures.add_metric([service, "unproven"], seen.unproven)
    yield failures
    proofs = HistogramMetricFamily(
        "canaryctl_proof_seconds",
        "Seconds from the first act of a change to its proof at NGINX.",
        labels=["service"],
    )
    proofs.add_metric([service], seen.proofs.buckets(), seen.proofs.total)
    yield proofs
    looks = CounterMetricFamily(
        "canaryctl_evaluations", "How often the gates were looked at.", labels=["service"]
    )
    looks.add_metric([service], seen.evaluations)
    yield looks
    # 0 while it runs and 1 at its end: increase() over all of them counts rollouts.
    ended = CounterMetricFamily(
        "canaryctl_rollouts", "Rollouts that ended, by outcome.", labels=["service", "outcome"]
    )
    for outcome in Outcome:
        ending = state.ending if state.phase is Phase.ENDED else None
        ended.add_metric(
            [service, outcome.value], float(bool(ending and ending.outcome is outcome))
        )
    yield ended
    last = _gauge("canaryctl_last_event_timestamp_seconds", "When something happened last, epoch.")
    last.add_metric([service], seen.at)
    yield last
    up = _gauge("canaryctl_metrics_source_up", "0 while the source does not answer.")
    up.add_metric([service], float(state.silent_since is None))
    yield up


def _time_to_zero(service: str, state: State) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "canaryctl_time_to_zero_seconds",
        "Seconds from the beginning of going back to the last request by the old weights, and "
        "to the end of the last worker that knew them.",
        labels=["service", "until"],
    )
    drained = state.drained
    if drained is not None and drained.requests is not None:
        family.add_metric([service, "last_request"], drained.requests)
    if drained is not None and drained.took is not None:
        family.add_metric([service, "last_worker"], drained.took)
    yield family


def _set(name: str, said: str, service: str, known: tuple[str, ...], now: str) -> Metric:
    """Give a family with a sample for each thing it may be: 1 for what it is, 0 for the others."""
    label = name.rpartition("_")[2]
    family = GaugeMetricFamily(name, said, labels=["service", label])
    for one in known:
        family.add_metric([service, one], float(one == now))
    return family


def _gauge(name: str, said: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, labels=["service"])


def _family(name: str, said: str, *more: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, labels=[*_GATE, *more])
