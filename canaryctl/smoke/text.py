"""A smoke test for people: one line a step, as soon as it has ended, and a summary."""

from __future__ import annotations

from collections.abc import Iterator

from canaryctl.smoke.result import Outcome, Result, StepResult
from canaryctl.smoke.suite import Suite

_SIGNS = {Outcome.PASSED: "PASS", Outcome.FAILED: "FAIL", Outcome.SKIPPED: "–   "}
_WIDEST = 32
_SHOWN = 3
"""Problems of one step that are said."""


class Lines:
    """Writes the lines of one suite's run."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._columns = min(_WIDEST, max(len(step.name) for step in suite.steps))

    def head(self, target: str, url: str) -> str:
        """Give the first line."""
        where = url if target == url else f"{target}, {url}"
        return f"smoke test {self._suite.name}: {where}"

    def step(self, step: StepResult) -> Iterator[str]:
        """Give the lines of one step."""
        said = f": {step.said}" if step.said and step.outcome is not Outcome.FAILED else ""
        name = step.name.ljust(self._columns)
        if step.outcome is Outcome.SKIPPED:
            yield f"{_SIGNS[step.outcome]}  {name}  skipped{said}"
            return
        yield f"{_SIGNS[step.outcome]}  {name}  {step.asked}{said} ({took(step.seconds)})"
        for problem in step.problems[:_SHOWN]:
            yield f"      {problem.text}"
        if len(step.problems) > _SHOWN:
            yield f"      and {len(step.problems) - _SHOWN} more"
        if step.next_step:
            yield f"      next: {step.next_step}"

    def end(self, result: Result) -> str:
        """Give the last line."""
        return result.summary


def took(seconds: float) -> str:
    """Write how long something took: ``12 ms``, ``3.4 s``."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
