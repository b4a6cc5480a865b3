"""A suite, run against one version, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from canaryctl.core.errors import HostError
from canaryctl.smoke.excerpt import of_text
from canaryctl.smoke.logs_step import NO_SOURCE, unreadable, wait_for
from canaryctl.smoke.metrics_step import look
from canaryctl.smoke.problem import Problem
from canaryctl.smoke.request_step import ask
from canaryctl.smoke.result import Outcome, Result, StepResult
from canaryctl.smoke.rules import used
from canaryctl.smoke.saved import UnfitError
from canaryctl.smoke.service import Service
from canaryctl.smoke.suite import AnyStep, LogsStep, MetricsStep, RequestStep, Suite
from canaryctl.smoke.target import Target

if TYPE_CHECKING:
    from canaryctl.ports import Clock

Tell = Callable[[StepResult], None]


def run_suite(
    suite: Suite,
    target: Target,
    clock: Clock,
    tell: Tell | None = None,
    *,
    skip_logs: bool = False,
) -> Result:
    """Run every step, in order.

    Args:
        suite: what is expected.
        target: of whom.
        clock: times the steps and waits for what is logged.
        tell: told each step as soon as it has ended.
        skip_logs: leave the steps out that look into a log.

    Raises:
        ConfigError: the target's URL is none, or a TLS file cannot be used.
    """
    own = {name: value.get_secret_value() for name, value in suite.headers.items()}
    run = _Run(suite, target, clock, Service(target, own, clock), skip_logs)
    began = clock.now()
    steps = []
    try:
        run.begin()
        for step in suite.steps:
            ended = run.done(step)
            steps.append(ended)
            if tell is not None:
                tell(ended)
    finally:
        run.service.close()
    seconds = clock.now() - began
    return Result(suite.name, target.name, run.service.shown, began, seconds, tuple(steps))


@dataclass(slots=True)
class _Run:
    """What one step leaves for the next ones."""

    suite: Suite
    target: Target
    clock: Clock
    service: Service
    skip_logs: bool
    saved: dict[str, Any] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    silent_since: str = ""
    log_trouble: HostError | None = None

    def begin(self) -> None:
        if self.target.logs is None or self.skip_logs or not self._looks_into_logs:
            return
        try:
            self.target.logs.begin()
        except HostError as error:
            self.log_trouble = error

    @property
    def _looks_into_logs(self) -> bool:
        return any(isinstance(step, LogsStep) for step in self.suite.steps)

    def done(self, step: AnyStep) -> StepResult:
        """Do one step, or say why it cannot be done."""
        began = self.clock.now()
        why = self._in_the_way(step)
        if why:
            return StepResult(step.name, _kind(step), Outcome.SKIPPED, _asked(step), why)
        problems, said = self._problems(step)
        return StepResult(
            step.name,
            _kind(step),
            Outcome.FAILED if problems else Outcome.PASSED,
            _asked(step),
            said,
            tuple(problems),
            self.clock.now() - began,
        )

    def _problems(self, step: AnyStep) -> tuple[list[Problem], str]:
        match step:
            case RequestStep():
                return self._request(step)
            case MetricsStep():
                timeout = step.timeout or self.suite.timeout
                found = look(step, self.service, self.saved, timeout, self.clock)
                return found, f"{len(step.metrics.families)} families"
            case LogsStep():
                return self._logs(step)

    def _request(self, step: RequestStep) -> tuple[list[Problem], str]:
        timeout = step.timeout or self.suite.timeout
        asked = ask(step, self.service, self.saved, timeout, self.clock)
        self.saved |= asked.saved
        if asked.answered:
            self.answered.add(step.name)
        if not asked.connected:
            self.silent_since = step.name
        return asked.problems, asked.said

    def _logs(self, step: LogsStep) -> tuple[list[Problem], str]:
        source = self.target.logs
        if source is None:
            came = "none: no container and no file is known"
            return [Problem("log", "one to look into", came, NO_SOURCE)], ""
        if self.log_trouble is not None:
            return [unreadable(source, self.log_trouble)], ""
        try:
            return wait_for(step.logs, source, self.saved, self.clock)
        except UnfitError as error:
            where = f"{step.logs.event} in the log"
            return [Problem(where, "an expectation that can be made", str(error))], ""

    def _in_the_way(self, step: AnyStep) -> str:
        """Say why a step cannot be done; empty when it can."""
        if isinstance(step, LogsStep) and self.skip_logs:
            return "logs are left out"
        if self.silent_since:
            return f"no connection since step {self.silent_since!r}"
        lacking = dict.fromkeys(name for _, name in used(step) if name not in self.saved)
        if lacking:
            givers = _givers(self.suite)
            return "needs " + ", ".join(f"{name} of step {givers[name]!r}" for name in lacking)
        if step.after is not None and step.after not in self.answered:
            return f"comes after step {step.after!r}, which was not answered as expected"
        return ""


def _givers(suite: Suite) -> Mapping[str, str]:
    requests = (step for step in suite.steps if isinstance(step, RequestStep))
    return {name: step.name for step in requests for name in step.save}


def _kind(step: AnyStep) -> str:
    match step:
        case RequestStep():
            return "request"
        case MetricsStep():
            return "metrics"
    return "logs"


def _asked(step: AnyStep) -> str:
    match step:
        case RequestStep():
            return f"{step.request.method} {of_text(step.request.path)}"
        case MetricsStep():
            return f"GET {of_text(step.metrics.path)}"
        case LogsStep():
            return f"event {of_text(step.logs.event)}"
