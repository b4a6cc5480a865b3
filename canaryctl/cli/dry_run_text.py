"""A dry run in words, for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from canaryctl.core.plan import Ask
from canaryctl.listeners.plan_words import wait
from canaryctl.quantities import spelled

if TYPE_CHECKING:
    from canaryctl.core.plan import Plan


def told(said: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    """Give the lines of what ``rollout --dry-run --output json`` says about this plan."""
    yield f"DRY RUN: {said['service']} {said['version']}; nothing is changed"
    if deploy := said["deploy"]:
        yield f"\nDeployment of {', '.join(deploy['services'])} in {deploy['project']} (not done):"
        yield from (f"  {step}" for step in deploy["steps"])
    yield from _plan(plan)
    for one in said["configurations"]:
        yield f"\nConfiguration for {one['weight']:g} %:"
        yield one["diff"].rstrip("\n")
    yield "\nGates:"
    for query in said["queries"]:
        yield f"  {query['gate']}: {query['rule']}"
        yield from (f"    {text}" for text in query["queries"])
    if said["hooks"]:
        yield "\nHooks (none is run):"
    for hook in said["hooks"]:
        yield f"  {hook['name']}: {'a gate, ' if hook['gate'] else ''}{', '.join(hook['at'])}"
    yield "\nChecks:"
    for check in said["checks"]:
        sign = {True: "✓", False: "✗", None: "–"}[check["passed"]]
        yield f"  {sign} {check['name']}: {check['detail']}"


def _plan(plan: Plan) -> Iterator[str]:
    waits = [[one for one in stage.before if not isinstance(one, Ask)] for stage in plan.stages]
    besides = " besides its waits" if any(waits) else ""
    yield (
        f"\nPlan: {len(plan.stages)} stages, {spelled(plan.duration)} "
        f"(at most {spelled(plan.longest)} when stages are extended){besides}, "
        f"evaluated every {spelled(plan.interval)}"
    )
    for number, (stage, before) in enumerate(zip(plan.stages, waits, strict=True), 1):
        yield from (f"  {wait(one)}" for one in before)
        yield (
            f"  [STAGE {number}/{len(plan.stages)}] {stage.weight} % canary, "
            f"observed for {spelled(stage.observe)}"
        )
