"""Findings become a verdict on the stage, with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from canaryctl.core.gate import Finding, Judging, OnNoData, Severity, Status
from canaryctl.core.sequential.course import Move, Step


class Ruling(StrEnum):
    """What a stage may do now."""

    CLEAR = "clear"
    WAIT = "wait"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the findings of one evaluation mean.

    Attributes:
        ruling: clear (nothing speaks against going on), wait (a finding is open), back.
        reason: the finding that decides; empty when clear.
        deciding: that finding.
        streaks: for each finding's name, how many evaluations in a row it has failed.
    """

    ruling: Ruling
    reason: str
    streaks: Mapping[str, int]
    deciding: Finding | None = None


def judge(findings: Sequence[Finding], streaks: Mapping[str, int], *, due: bool) -> Verdict:
    """Weigh the findings of one evaluation that are read literally.

    What is judged by evidence is left to the evidence, but a query that fails is an open
    question whoever judges.

    Args:
        findings: one for each gate (and label value).
        streaks: failures in a row up to the evaluation before.
        due: the stage's time is up, so that lacking data has to be ruled on.
    """
    literal = [f for f in findings if f.judge is Judging.THRESHOLD or f.status is Status.ERROR]
    now = {f.name: streaks.get(f.name, 0) + 1 for f in literal if f.status is Status.FAIL}
    binding = [f for f in literal if f.severity is Severity.ROLLBACK]
    for finding in _with(binding, Status.FAIL):
        if now[finding.name] >= finding.consecutive:
            return Verdict(Ruling.BACK, _said(finding, now), now, finding)
    for finding in _with(binding, Status.FAIL):
        return Verdict(Ruling.WAIT, _said(finding, now), now, finding)
    for finding in _with(binding, Status.ERROR):
        return Verdict(Ruling.WAIT, f"{finding.name}: {finding.reason}", now, finding)
    for finding in _with(binding, Status.NO_DATA):
        said = f"{finding.name}: no data: {finding.reason}"
        if finding.on_no_data is OnNoData.HOLD:
            return Verdict(Ruling.WAIT, said, now, finding)
        if finding.on_no_data is OnNoData.FAIL and due:
            return Verdict(Ruling.BACK, said, now, finding)
    return Verdict(Ruling.CLEAR, "", now)


def judged_with(
    findings: Sequence[Finding], streaks: Mapping[str, int], step: Step | None, *, due: bool
) -> Verdict:
    """Weigh the findings that are read literally, and what the evidence came to.

    Args:
        findings: one for each gate (and label value).
        streaks: failures in a row up to the evaluation before.
        step: the move that the evidence asks for; None where there is none.
        due: the stage's time is up.
    """
    verdict = judge(findings, streaks, due=due)
    if step is None or verdict.ruling is Ruling.BACK:
        return verdict
    if step.move is Move.BACK:
        guilty = next((f for f in findings if _convicted(f)), None)
        said = f"{guilty.name}: {guilty.reason}" if guilty else step.reason
        return replace(verdict, ruling=Ruling.BACK, reason=said, deciding=guilty)
    if verdict.ruling is Ruling.CLEAR and step.move in (Move.HOLD, Move.EXTEND, Move.INCONCLUSIVE):
        return replace(verdict, ruling=Ruling.WAIT, reason=step.reason)
    return verdict


def _convicted(finding: Finding) -> bool:
    binding = finding.severity is Severity.ROLLBACK
    return binding and finding.judge is Judging.EVIDENCE and finding.status is Status.FAIL


def _with(findings: Iterable[Finding], status: Status) -> list[Finding]:
    return [finding for finding in findings if finding.status is status]


def _said(finding: Finding, streaks: Mapping[str, int]) -> str:
    said = f"{finding.name}: {finding.reason}"
    if finding.consecutive > 1:
        said += f" ({streaks[finding.name]} of {finding.consecutive} in a row)"
    return said
