"""How a smoke test ended, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from canaryctl.smoke.problem import Problem

_SHOWN = 3
"""Problems of one step that are said."""


class Outcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step ended.

    Attributes:
        name: as in the suite.
        kind: request, logs or metrics.
        outcome: a skipped step is neither passed nor failed.
        asked: what was done, such as ``POST /dna/create``.
        said: what came of it when it passed, or why it was skipped.
        problems: why it failed; at least one then.
        seconds: how long it took.
    """

    name: str
    kind: str
    outcome: Outcome
    asked: str
    said: str = ""
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it was done, and all of it was as expected."""
        return self.outcome is Outcome.PASSED

    @property
    def detail(self) -> str:
        """What came of it, in one line."""
        if self.outcome is not Outcome.FAILED:
            return self.said
        texts = [problem.text for problem in self.problems[:_SHOWN]]
        more = len(self.problems) - len(texts)
        return "; ".join([*texts, f"and {more} more"] if more else texts)

    @property
    def next_step(self) -> str:
        """What to do about it; may be empty."""
        return next((one.next_step for one in self.problems if one.next_step), "")


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        suite: its name.
        target: what was tested, by name.
        url: where, without user and password.
        began: epoch seconds.
        seconds: how long it took.
        steps: in the suite's order, every one.
    """

    suite: str
    target: str
    url: str
    began: float
    seconds: float
    steps: tuple[StepResult, ...]

    def of(self, outcome: Outcome) -> tuple[StepResult, ...]:
        """Give the steps that ended so."""
        return tuple(step for step in self.steps if step.outcome is outcome)

    @property
    def passed(self) -> bool:
        """Whether no step failed, and something was tested at all."""
        return not self.of(Outcome.FAILED) and bool(self.of(Outcome.PASSED))

    @property
    def summary(self) -> str:
        """One line: verdict, counts, duration, and the steps that failed."""
        counts = {one: len(self.of(one)) for one in Outcome}
        parts = [f"{counts[Outcome.PASSED]} passed", f"{counts[Outcome.FAILED]} failed"]
        if counts[Outcome.SKIPPED]:
            parts.append(f"{counts[Outcome.SKIPPED]} skipped")
        said = f"{', '.join(parts)} in {self.seconds:.2f} s"
        if self.passed:
            return f"PASS: {said}"
        failed = [step.name for step in self.of(Outcome.FAILED)]
        why = f"failed: {', '.join(failed)}" if failed else "nothing was tested"
        return f"FAIL: {said}; {why}"
