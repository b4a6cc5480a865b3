"""What a promotion says at its beginning and at its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from canaryctl.cli.context import Output
from canaryctl.quantities import spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canaryctl.promoting.ended import Ended
    from canaryctl.promoting.promotion import Promotion
    from canaryctl.wiring import Build

_RULE = "─" * 72
_TITLES = {
    "promoted": "PROMOTED",
    "rolled_back": "ROLLED BACK",
    "aborted": "ABORTED",
    "failed": "NOT PROMOTED",
    "unknown": "UNKNOWN",
}

_KINDS = {
    "promoted": "promoted",
    "rolled_back": "promotion rolled back",
    "aborted": "promotion aborted",
    "failed": "promotion failed",
    "unknown": "promotion unknown",
}
"""As the journal calls them."""


def banner(one: Promotion) -> Iterator[str]:
    """Say what is about to happen."""
    from canaryctl.listeners.when import day, hms

    build, model = one.build, one.model
    now = build.clock.now()
    service = build.config.service
    yield f"{hms(now)}  Promotion of {service} {one.release} ({day(now)})"
    weights = " → ".join(f"{weight} %" for weight in model.weights())
    approvals = ", ".join(model.approvals) or "nobody's"
    facts = [
        ("stable", f"{', '.join(one.stable.side.services)}, now {_before(one)}"),
        ("watch", f"{spelled(model.watch)}, then the approval of {approvals}"),
        ("back", f"100 % → {weights}, {spelled(model.settle)} each"),
        ("gateway", f"{build.host.describe()}, {build.config.gateway.config}"),
    ]
    for label, said in facts:
        yield f"          {label:<9} {said}"


def _before(one: Promotion) -> str:
    side = one.stable.side
    return side.env.value(side.variable) or "of a version that nobody wrote down"


def told(build: Build, release: str, ended: Ended, output: Output) -> None:
    """Write the block at the end, and the outcome for machines."""
    from canaryctl.cli.sides import step_lines
    from canaryctl.listeners.journal import Journal
    from canaryctl.ports import Mark
    from canaryctl.promoting.sight import where
    from canaryctl.wiring import owner

    weight, said = where(build)
    service = build.config.service
    known = None if weight is None else float(str(weight))
    if ended.done:
        mark = Mark(release, "", owner(), ended.reason)
        Journal.record_deed(build, _KINDS[ended.outcome], mark, {"weight": known})
    lines = step_lines("promotion", build, output)
    proven = "not proven" if weight is None else f"canary {weight} %, at NGINX ({said})"
    block = [
        _RULE,
        f"{_TITLES[ended.outcome]}  {service} {release}",
        f"  reason    {ended.reason}",
        f"  weights   {proven}",
        f"  exit code {ended.exit_code}",
    ]
    if ended.steps:
        block += ["", "Next steps", *(f"  {n}. {one}" for n, one in enumerate(ended.steps, 1))]
    lines.block(block)
    lines.tell(
        {
            "event": "outcome",
            "outcome": ended.outcome,
            "reason": ended.reason,
            "weight": known,
            "version": release,
            "service": service,
            "exit_code": ended.exit_code,
            "next_steps": list(ended.steps),
        }
    )
    sys.stdout.flush()
