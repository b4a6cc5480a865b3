"""What an evaluation means for its stage, in words."""

from __future__ import annotations

from canaryctl.core.gate import Finding, Status
from canaryctl.core.outcome import Cause
from canaryctl.core.sequential.course import Move
from canaryctl.core.state import Phase, StageRecord, State
from canaryctl.core.verdict import Ruling, Verdict
from canaryctl.listeners.evidence import held_line
from canaryctl.listeners.line import Line, Tone, toned


def verdict_line(state: State) -> Line:
    """Say what the newest evaluation means for its stage."""
    record, number = state.records[-1], len(state.records)
    verdict = record.verdict
    if verdict is None:
        return toned(Tone.FAINT, "Verdict: not yet evaluated")
    if state.ending is not None and state.ending.cause is Cause.DEADLINE:
        return toned(Tone.BAD, f"Rollback: {state.ending.cause}: {state.ending.reason}")
    back = verdict.ruling is Ruling.BACK or state.phase is Phase.RETURNING
    if back:
        reason = state.ending.reason if state.ending else verdict.reason
        return toned(Tone.BAD, f"Verdict: rollback: {reason}")
    if record.passed:
        said = f"Verdict: stage {number}/{len(state.plan.stages)} passed: {passed_how(record)}"
        return toned(Tone.GOOD, said)
    return _going_on(record, verdict, state)


def _pausing(record: StageRecord) -> bool:
    """Tell whether the newest evaluation found the stage paused: nothing else holds so."""
    weighed = record.weighed
    return weighed is not None and weighed.step.move is Move.HOLD and not weighed.found.hold


def _paused(record: StageRecord, verdict: Verdict, by: str) -> Line:
    """Say what the gates of a paused stage say: they go on speaking against the canary."""
    evidence = record.weighed.step.reason if record.weighed else ""
    waits = verdict.ruling is Ruling.WAIT and verdict.reason != evidence
    said = f"wait: {verdict.reason}" if waits else f"clear so far: {tally(record.findings)}"
    return toned(Tone.WARN, f"Verdict: {said}; {by}" if by else f"Verdict: {said}")


def _going_on(record: StageRecord, verdict: Verdict, state: State) -> Line:
    """Say why a stage is neither over nor given up."""
    if record.skipped:
        stage = f"stage {len(state.records)}/{len(state.plan.stages)}"
        said = f"{stage} was cut short by {record.skipped}"
        return toned(Tone.WARN, f"Verdict: none: {said}; {tally(record.findings)}")
    if state.paused or _pausing(record):
        return _paused(record, verdict, state.paused)
    step = record.weighed.step if record.weighed else None
    if record.weighed and step and step.move is Move.HOLD:
        return held_line(record.weighed)
    if step and step.move is Move.EXTEND and verdict.reason == step.reason:
        said = f"{step.reason}: over a limit or unseen, without evidence enough for a verdict"
        return toned(Tone.WARN, f"Verdict: extended: {said}")
    if verdict.ruling is Ruling.WAIT:
        return toned(Tone.WARN, f"Verdict: wait: {verdict.reason}")
    return toned(Tone.PLAIN, f"Verdict: clear so far: {tally(record.findings)}")


def passed_how(record: StageRecord) -> str:
    """Say with what a stage passed: ``every gate passed, 90 evaluations``."""
    evaluations = counted(record.evaluations, "evaluation")
    if all(f.status is Status.PASS for f in record.findings):
        return f"every gate passed, {evaluations}"
    others = [f"{f.name} ({_open(f)})" for f in record.findings if f.status is not Status.PASS]
    return f"{tally(record.findings)}, {evaluations}; allowed: {', '.join(others)}"


def _open(finding: Finding) -> str:
    if finding.status is Status.FAIL:
        return "failed, severity warn"
    return str(finding.status)


def tally(findings: tuple[Finding, ...]) -> str:
    """Count the findings that pass: ``5 of 6 gates pass``; each label value counts."""
    passed = sum(f.status is Status.PASS for f in findings)
    return f"{passed} of {counted(len(findings), 'gate')} pass"


def counted(count: int, noun: str) -> str:
    """Write ``1 gate``, ``2 gates``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
