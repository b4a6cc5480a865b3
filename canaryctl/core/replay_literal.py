"""What each gate shows when it is read literally, from what a recording has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from canaryctl.core.accounts import by_evidence, source_of
from canaryctl.core.events import Judged
from canaryctl.core.gate import (
    Finding,
    Gate,
    GaugeGate,
    Judging,
    LatencyGate,
    PromqlGate,
    RatioGate,
    Status,
    Unit,
    UpGate,
    ZeroGate,
)
from canaryctl.core.limits import Limit, compared, found, held
from canaryctl.core.measure import measure
from canaryctl.core.measure_counts import LEAST_SAMPLES
from canaryctl.core.recording import Recording
from canaryctl.core.replay_sums import Sums

_OLD = "newest sample is"
"""What a finding says whose value is out of date: no other limit makes it newer."""


class Literal:
    """Reads the gates of one rollout, evaluation by evaluation."""

    def __init__(self, gates: Sequence[Gate], recording: Recording) -> None:
        self._gates = gates
        then = recording.setup.gates if recording.setup else ()
        self._names = {gate.rule.name: _recorded_as(gate, then) for gate in gates}
        self._unchanged = {gate.rule.name for gate in gates if gate in then}
        self._sums = Sums()

    def read(self, event: Judged) -> tuple[Finding, ...]:
        """Give the findings of one evaluation."""
        if event.observation is not None:
            self._sums.take(event.observation)
        return tuple(one for gate in self._gates for one in self._read(gate, event))

    def _read(self, gate: Gate, event: Judged) -> Iterable[Finding]:
        recorded = [one for one in event.findings if one.gate in self._names[gate.rule.name]]
        # What the judge said of a finding is no literal reading any more; its counts are.
        plain = [one for one in recorded if one.judge is Judging.THRESHOLD and one.reason]
        if plain and len(plain) == len(recorded) and gate.rule.name in self._unchanged:
            return plain
        seen = event.observation
        if isinstance(gate, RatioGate | LatencyGate) and seen is not None:
            source = source_of(gate)
            if source in seen.ratios or source in seen.histograms:
                return self._counted(gate, event)
        if recorded:
            return _held_again(gate, recorded)
        said = "not recorded at this evaluation"
        return (found(gate.rule, Status.NO_DATA, said, unit=unit_of(gate)),)

    def _counted(self, gate: RatioGate | LatencyGate, event: Judged) -> Iterator[Finding]:
        seen = event.observation
        assert seen is not None  # noqa: S101  the caller looked
        age = self._sums.age(gate, seen.at)
        for one in measure((gate,), self._sums.look((gate,), seen)):
            if age is not None and age > seen.stale:
                said = f"the canary's newest sample is {age:.0f} s old"
                yield replace(one, status=Status.NO_DATA, reason=said)
            else:
                yield one


def recorded_gates(
    gates: Sequence[Gate], recording: Recording
) -> tuple[tuple[Gate, ...], tuple[str, ...]]:
    """Tell which gates a recording can speak of, and name the others."""
    then = recording.setup.gates if recording.setup else ()
    judged = [one.event for one in recording.moments if isinstance(one.event, Judged)]
    shown = {finding.gate for event in judged for finding in event.findings}
    seen = [event.observation for event in judged if event.observation is not None]
    sources = {source for one in seen for source in (*one.ratios, *one.histograms)}
    scraped = any(one.up is not None for one in seen)

    def known(gate: Gate) -> bool:
        if isinstance(gate, RatioGate | LatencyGate) and source_of(gate) in sources:
            return True
        if by_evidence(gate):
            return False
        if isinstance(gate, UpGate) and gate.rule.judge is Judging.EVIDENCE:
            return scraped
        return bool(_recorded_as(gate, then) & shown)

    kept = tuple(gate for gate in gates if known(gate))
    return kept, tuple(gate.rule.name for gate in gates if gate not in kept)


def _recorded_as(gate: Gate, then: Sequence[Gate]) -> set[str]:
    """Give the names under which the values that a gate reads were recorded."""
    if not then:  # a file that names no gates speaks of these
        return {gate.rule.name}
    return {one.rule.name for one in then if _reads_the_same(one, gate)}


def _reads_the_same(one: Gate, other: Gate) -> bool:
    """Whether two gates show the same value, whatever their limits and names are."""
    return type(one) is type(other) and _read_by(one) == _read_by(other)


def _read_by(gate: Gate) -> object:
    match gate:
        case RatioGate():
            return source_of(gate)
        case LatencyGate():
            return source_of(gate), gate.quantile
        case ZeroGate() | GaugeGate():
            return gate.metric
        case PromqlGate():
            return gate.query
        case UpGate():
            return None


def _held_again(gate: Gate, recorded: Iterable[Finding]) -> Iterator[Finding]:
    """Hold recorded values against this gate's own limits."""
    for one in recorded:
        rule = gate.rule
        if isinstance(gate, LatencyGate) and gate.limits:
            if one.part not in gate.limits:
                continue
            rule = replace(rule, maximum=gate.limits[one.part])
        yield _held(replace(gate, rule=rule), one)


def _held(gate: Gate, one: Finding) -> Finding:
    rule, unit, value = gate.rule, unit_of(gate), one.value
    say = partial(found, rule, part=one.part, unit=unit, stable=one.stable, queries=one.queries)
    say = partial(say, samples=one.samples, value=value)
    if one.status is Status.ERROR:
        return say(Status.ERROR, one.reason)
    if value is None or (one.status is Status.NO_DATA and _OLD in one.reason):
        return say(Status.NO_DATA, one.reason or "no value was recorded")
    if isinstance(gate, ZeroGate | UpGate):
        kept, said = _fixed(gate, value)
        fixed = Limit("=", float(isinstance(gate, UpGate)), kept, said)
        return say(Status.PASS if kept else Status.FAIL, said, limit=fixed)
    if lacking := _lacking(gate, one):
        return say(Status.NO_DATA, lacking)
    limit = held(value, rule, unit, one.stable)
    kept = limit is None or limit.kept
    said = "no limit is set" if limit is None else compared(value, unit, limit)
    return say(Status.PASS if kept else Status.FAIL, said, limit=limit)


def _fixed(gate: ZeroGate | UpGate, value: float) -> tuple[bool, str]:
    """Tell whether a limit that nobody sets is kept, and say so."""
    if isinstance(gate, UpGate):
        return value >= 1.0, f"{value:.0%} of the instances answered the latest scrape"
    if value == 0:
        return True, "did not rise"
    return False, f"rose by {value:g}, where none is allowed"


def _lacking(gate: Gate, one: Finding) -> str:
    """Say why there is not enough to judge; empty when there is."""
    rule = gate.rule
    if isinstance(gate, RatioGate | LatencyGate) and one.samples is not None:
        least = max(LEAST_SAMPLES if rule.min_samples is None else rule.min_samples, 1)
        if one.samples < least:
            return f"{one.samples:.0f} of the {least} samples needed"
    if rule.max_ratio is not None and (one.stable is None or one.stable <= 0):
        return f"stable has no value above 0, so {rule.max_ratio:g} × stable says nothing"
    return ""


def unit_of(gate: Gate) -> Unit:
    """Tell how a gate's value is written."""
    if isinstance(gate, RatioGate):
        return Unit.PERCENT
    return Unit.SECONDS if isinstance(gate, LatencyGate) else Unit.PLAIN
